/* System Administration > Logs: lines of the mail log, the newest first, as many as one asks for.
 *
 * Everything that is searched for stands in the address: ?q=, mid, icid, dcid, tls, from, to. The
 * gateway searches; so this is no Table (ui/table.js), which filters and sorts what is there. */
import { html, nothing } from '../../vendor/lit.js';
import { api } from '../api.js';
import { dateTime, problemText, t } from '../i18n.js';
import { go, urlWith } from '../router.js';
import { apiButton } from '../ui/apicall.js';
import { copyButton } from '../ui/copy.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty, notice, problemNotice } from '../ui/state.js';
import { toast } from '../ui/toast.js';
import { FIELDS, LogFilter } from './logs_filter.js';
import { lineRow } from './logs_line.js';

const LIMIT = '100';

const queryOf = (ctx) => Object.fromEntries(FIELDS.map((name) => [name, ctx.query.get(name) || '']).filter(([, value]) => value !== ''));

export function render(root, ctx) {
  let items = [];
  let next = null;
  let isOver = false; /* the search ended for its budget, not for want of lines */
  let isOlder = false;
  let open = new Set(); /* lines that are unfolded */
  let refused = null; /* what is wrong with the question */
  let self;

  const search = async (query, signal) => (await api.get('/logs/mail', { signal, query: { ...query, limit: LIMIT } })).data;

  function take(data, before) {
    items = [...before, ...data.items];
    next = data.next;
    isOver = data.budget_over;
  }

  async function load(signal, where) {
    refused = null;
    const data = await search(queryOf(where), signal).catch((problem) => {
      if (problem.status !== 400) throw problem;
      refused = problem; /* the address may say anything: the fields stay, to be put right */
      return { items: [], next: null, budget_over: false };
    });
    open = new Set();
    take(data, []);
    return data;
  }

  async function loadOlder() {
    const asked = self.ctx;
    isOlder = true;
    self.update();
    try {
      const data = await search({ ...queryOf(asked), cursor: next });
      if (asked === self.ctx) take(data, items);
    } catch (problem) {
      if (problem.name !== 'Problem') throw problem;
      toast({ text: problemText(problem), kind: 'bad' });
    } finally {
      isOlder = false;
      self.update();
    }
  }

  function fold(line) {
    if (!open.delete(line)) open.add(line);
    self.update();
  }

  const filter = new LogFilter({ update: () => self.update(), onSearch: (query) => go(urlWith(query, '/ui/mail-logs')) });

  const row = (line, i) => lineRow(line, {
    id: `line-${i}`, isOpen: open.has(line), onFold: () => fold(line),
    hrefOf: (name, value) => urlWith({ [name]: value }, '/ui/mail-logs'),
  });

  const table = () => html`<div class="table-frame"><table class="table log">
    <caption class="visually-hidden">${t('page.logs')}</caption>
    <thead><tr><th scope="col"><span class="visually-hidden">${t('logs.unfold')}</span></th><th scope="col">${t('logs.time')}</th><th scope="col">${t('logs.level')}</th><th scope="col">${t('logs.line')}</th></tr></thead>
    <tbody>${items.map(row)}</tbody></table></div>`;

  const olderButton = () => html`<button type="button" class="button" ?disabled=${isOlder} @click=${loadOlder}>${t(isOlder ? 'action.sending' : 'logs.older')}</button>`;

  function results() {
    if (refused !== null) return problemNotice(refused);
    const isFiltered = Object.keys(queryOf(self.ctx)).length > 0;
    const end = next === null ? nothing : html`<p class="table-more">${olderButton()}</p>`;
    const over = isOver ? notice('info', html`<p>${items.length > 0 ? t('logs.budget', { time: dateTime(items.at(-1).time) }) : t('logs.budget_nothing')}</p>`) : nothing;
    if (items.length === 0 && next === null) {
      return empty({
        title: t(isFiltered ? 'logs.none' : 'logs.empty'), text: t(isFiltered ? 'logs.none_text' : 'logs.empty_text'), glyph: 'search',
        action: isFiltered ? html`<a class="button" href="/ui/mail-logs">${t('table.clear')}</a>` : nothing,
      });
    }
    return html`<div class="table-bar log-bar"><span class="table-count" role="status">${t('logs.count', { n: items.length })}</span>
        ${items.length > 0 ? copyButton(JSON.stringify(items, null, 1), t('logs.copy_all')) : nothing}</div>
      ${items.length > 0 ? table() : nothing}${over}${end}`;
  }

  const handle = page(root, ctx, {
    title: t('page.logs'),
    lead: t('logs.lead'),
    load,
    moved: (_, given) => {
      filter.read(given.ctx.query);
      given.reload();
    },
    actions: () => html`${apiButton(() => ({ method: 'GET', path: '/logs/mail', query: { ...queryOf(self.ctx), limit: LIMIT } }))}
      <button type="button" class="button" @click=${() => self.reload()}>${icon('reset')}<span>${t('logs.refresh')}</span></button>`,
    body: () => html`${filter.template()}${results()}`,
  });
  self = handle.page;
  filter.read(ctx.query);
  return handle;
}
