/* System Administration > Audit Log: who did what, when, from where, and what came of it. Rows are never
 * changed; each holds the hash of the one before.
 *
 *   /ui/audit?who=kim&outcome=refused&q=listeners */
import { html, nothing } from '../../vendor/lit.js';
import { api, Problem } from '../api.js';
import { dateTime, firstOf, fullTime, problemText, relative, t } from '../i18n.js';
import { setQuery } from '../router.js';
import { apiButton } from '../ui/apicall.js';
import { status } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';

const LIMIT = '200';
const OUTCOMES = { done: 'ok', refused: 'bad', failed: 'warn' };

const actionText = (row) => firstOf([`audit.action.${row.action}`], row.action);
const outcomeText = (row) => firstOf([`audit.outcome.${row.outcome}`], row.outcome);

/* Names of the fields that were sent, never their values. */
function fieldsText({ detail }) {
  const { fields = [], more = 0 } = detail || {};
  if (fields.length === 0) return '';
  return more > 0 ? `${fields.join(', ')} ${t('value.more', { n: more })}` : fields.join(', ');
}

const columns = () => [
  { key: 'at', label: t('audit.when'), text: (row) => dateTime(row.at), sort: (row) => row.number,
    cell: (row) => html`<time datetime=${row.at} title=${fullTime(row.at)}>${dateTime(row.at)}</time> <span class="muted">${relative(row.at)}</span>` },
  { key: 'who', label: t('audit.who'), text: (row) => row.principal, cell: (row) => row.principal || html`<span class="muted">${t('audit.nobody')}</span>` },
  { key: 'from', label: t('audit.from'), text: (row) => row.address || '', cell: (row) => row.address || html`<span class="muted">${t('value.dash')}</span>` },
  { key: 'action', label: t('audit.action'), text: (row) => `${actionText(row)} ${row.action}`, cell: (row) => html`<span title=${row.action}>${actionText(row)}</span>` },
  { key: 'target', label: t('audit.target'), text: (row) => `${row.target} ${fieldsText(row)}`,
    cell: (row) => html`<span class="audit-target"><code title=${row.target}>${row.target.replace(/^\/api\/v1(?=\/)/, '')}</code>${fieldsText(row) ? html`<span class="muted">${t('audit.fields', { fields: fieldsText(row) })}</span>` : nothing}</span>` },
  { key: 'outcome', label: t('audit.outcome'), text: outcomeText, cell: (row) => status(OUTCOMES[row.outcome] || 'off', outcomeText(row)) },
];

export function render(root, ctx) {
  let who = ctx.query.get('who') || '';
  let items = [];
  let next = null;
  let isBusy = false;
  let seen = new Set();
  let frame;

  async function read(cursor, signal) {
    const { data } = await api.get('/audit', { signal, query: { limit: LIMIT, q: who, cursor } });
    seen = new Set([...seen, ...data.items.map((row) => row.principal)].filter(Boolean));
    next = data.next;
    return data.items;
  }

  async function older() {
    if (isBusy) return;
    isBusy = true;
    frame.update();
    try {
      items = [...items, ...await read(next)];
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast({ text: problemText(problem), kind: 'bad' });
    }
    isBusy = false;
    frame.update();
  }

  const outcome = () => frame.ctx.query.get('outcome') || '';
  const pick = (label, name, value, options) => html`<label class="inline-field"><span>${label}</span>
    <select class="control" @change=${(event) => setQuery({ [name]: event.target.value })}>
      ${options.map(([each, text]) => html`<option value=${each} .selected=${each === value}>${text}</option>`)}</select></label>`;

  const filters = () => html`
    ${pick(t('audit.who'), 'who', who, [['', t('audit.everybody')], ...[...new Set([...seen, who].filter(Boolean))].sort().map((name) => [name, name])])}
    ${pick(t('audit.outcome'), 'outcome', outcome(), [['', t('audit.any')], ...Object.keys(OUTCOMES).map((each) => [each, t(`audit.outcome.${each}`)])])}`;

  const table = new Table({
    name: 'audit', label: t('page.audit'), columns: columns(), update: () => frame.update(),
    rowKey: (row) => row.number, rowName: (row) => `${row.principal} ${actionText(row)}`,
  });

  const nothingHere = () => empty({ title: t('audit.empty'), text: t('audit.empty_text'), glyph: 'search',
    action: html`<button type="button" class="button" @click=${() => setQuery({ who: '', outcome: '', q: '' })}>${t('table.clear')}</button>` });

  const handle = page(root, ctx, {
    title: t('page.audit'), lead: t('audit.lead'),
    load: async (signal) => {
      items = await read(undefined, signal);
      return items;
    },
    moved: (to, self) => {
      const wanted = to.query.get('who') || '';
      if (wanted === who) {
        self.update();
        return;
      }
      who = wanted;
      self.reload();
    },
    actions: () => apiButton(() => ({ method: 'GET', path: '/audit', query: { limit: LIMIT, q: who } })),
    body: () => html`${table.template(items.filter((row) => outcome() === '' || row.outcome === outcome()), { filters: filters(), empty: nothingHere() })}
      ${next ? html`<p class="table-more"><button type="button" class="button" ?disabled=${isBusy} @click=${older}>${t('history.older')}</button></p>` : nothing}`,
  });
  frame = handle.page;
  return handle;
}
