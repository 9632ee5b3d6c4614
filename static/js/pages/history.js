/* Every commit there was: who, when, why, how much. Any two can be compared; an old one is brought back
 * by putting the difference into the draft, where it is reviewed like any other change.
 *
 *   /ui/history?from=3&to=7    the difference of two; without `to` with what runs now */
import { html, nothing } from '../../vendor/lit.js';
import { api, pathOf } from '../api.js';
import { draft } from '../draft.js';
import { dateTime, fullTime, number, problemText, relative, t } from '../i18n.js';
import { go, urlWith } from '../router.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { diffItem } from '../ui/diff.js';
import { status } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { sheet } from '../ui/sheet.js';
import { failure, skeleton } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';

const restoreCall = (n) => ({ method: 'POST', path: pathOf('revisions', n, 'restore'), query: { draft: 'me' } });

export function render(root, ctx) {
  let items = [];
  let next = null;
  let compared = null; /* {from, to, data?, problem?} */
  let self;

  async function load(signal) {
    const { data } = await api.get('/revisions', { signal, query: { limit: '100' } });
    items = data.items;
    next = data.next;
    return data;
  }

  async function loadMore() {
    const { data } = await api.get('/revisions', { query: { limit: '100', cursor: next } });
    items = [...items, ...data.items];
    next = data.next;
    self.update();
  }

  const running = () => items.find((each) => each.running)?.revision ?? 0;

  async function restore(n) {
    try {
      const { data } = await api.post(pathOf('revisions', n, 'restore'), undefined, { query: { draft: 'me' } });
      await draft.refresh();
      toast({ text: t('history.restored', { n }), more: t('stage.not_live') });
      go(data.items.length > 0 ? '/ui/changes' : '/ui/history');
    } catch (problem) {
      toast({ text: problemText(problem), kind: 'bad' });
    }
  }

  async function compare(from, to) {
    const mine = { from, to };
    compared = mine;
    try {
      mine.data = (await api.get(pathOf('revisions', from, 'diff'), { query: { to } })).data;
    } catch (problem) {
      mine.problem = problem;
    }
    if (compared === mine) self.update();
  }

  const diffHref = (from, to) => urlWith({ from, to }, '/ui/history' + location.search);
  const closeHref = () => urlWith({ from: '', to: '' }, '/ui/history' + location.search);

  const table = new Table({
    name: 'history', label: t('page.history'), update: () => self.update(),
    rowKey: (row) => row.revision, rowName: (row) => t('history.name', { n: row.revision }),
    href: (row) => diffHref(row.revision > 1 ? row.revision - 1 : row.revision, row.revision),
    columns: [
      { key: 'revision', label: t('history.revision'), text: (row) => String(row.revision), sort: (row) => row.revision },
      { key: 'created', label: t('history.when'), text: (row) => dateTime(row.created), sort: (row) => row.created,
        cell: (row) => html`<time datetime=${row.created} title=${fullTime(row.created)}>${dateTime(row.created)}</time> <span class="muted">${relative(row.created)}</span>` },
      { key: 'author', label: t('history.author'), text: (row) => row.author },
      { key: 'comment', label: t('history.comment'), text: (row) => row.comment, cell: (row) => row.comment || html`<span class="muted">${t('value.dash')}</span>` },
      { key: 'changes', label: t('history.changes'), text: (row) => number(row.changes), sort: (row) => row.changes, end: true },
      { key: 'running', label: t('history.state'), text: (row) => (row.running ? t('history.running') : ''), cell: (row) => (row.running ? status('ok', t('history.running')) : nothing) },
    ],
    actions: (row) => [
      ...(row.revision > 1 ? [{ label: t('history.diff_previous'), icon: 'code', href: diffHref(row.revision - 1, row.revision) }] : []),
      ...(row.running ? [] : [
        { label: t('history.diff_running'), icon: 'code', href: diffHref(row.revision, '') },
        ...(can('config:draft') ? [{ label: t('history.restore'), icon: 'reset', onSelect: () => restore(row.revision) }] : []),
      ]),
    ],
    bulk: (rows) => {
      const [a, b] = rows.map((row) => row.revision).sort((x, y) => x - y);
      return rows.length === 2
        ? html`<a class="button button-small" href=${diffHref(a, b)}>${t('history.compare', { a: String(a), b: String(b) })}</a>`
        : html`<span class="muted">${t('history.tick_two')}</span>`;
    },
  });

  function comparison() {
    const from = self.ctx.query.get('from');
    if (from === null) {
      compared = null;
      return nothing;
    }
    const to = self.ctx.query.get('to') || '';
    if (compared?.from !== from || compared.to !== to) compare(from, to);
    const { data, problem } = compared;
    const isOld = to === '' && Number(from) !== running();
    return sheet({
      title: to === '' ? t('history.diff_title_running', { a: from }) : t('history.diff_title', { a: from, b: to }),
      lead: t('history.diff_lead'),
      closeHref: closeHref(),
      body: html`${problem ? failure(problem) : !data ? skeleton() : html`<div class="diff">
        ${data.items.length === 0 ? html`<p class="muted">${t('history.same')}</p>` : data.items.map((item) => diffItem({ ...item, activation: '' }))}</div>`}
        <footer class="form-foot">
          ${isOld && can('config:draft') ? html`<button type="button" class="button button-primary" @click=${() => restore(Number(from))}>${t('history.restore_n', { n: from })}</button>` : nothing}
          <a class="button" href=${closeHref()}>${t('action.close')}</a><span class="form-foot-space"></span>
          ${apiButton(() => (isOld ? restoreCall(from) : { method: 'GET', path: pathOf('revisions', from, 'diff'), query: { to } }))}
        </footer>`,
    });
  }

  const handle = page(root, ctx, {
    title: t('page.history'),
    lead: t('history.lead'),
    load,
    topics: ['commit'],
    moved: (_, given) => given.update(),
    body: () => html`${table.template(items)}
      ${next ? html`<p class="table-more"><button type="button" class="button" @click=${loadMore}>${t('history.older')}</button></p>` : nothing}
      ${comparison()}`,
  });
  self = handle.page;
  return handle;
}
