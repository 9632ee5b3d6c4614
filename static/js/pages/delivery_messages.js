/* What waits for one destination: its state at the top, its messages in a table, one of them beside. */
import { html, nothing } from '../../vendor/lit.js';
import { api, pathOf } from '../api.js';
import { bytes, number, t } from '../i18n.js';
import { redrawOften, refreshOn } from '../refresh.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { MessageSheet } from './delivery_message.js';
import { ago, deleteMessages, logHref, messageHref, replyCell, replyText, retryCall, retryDestinations, retryMessages, senderText, stateCell, tlsCell, until } from './delivery_parts.js';

const PAGE = '500';
const WIDE = { 'queue.last_reply': 'queue-facts-wide', 'queue.results': 'queue-facts-two' };

const facts = (d) => html`<dl class="card queue-facts">
  ${[
    ['queue.state', stateCell(d)], ['queue.messages', number(d.messages)], ['queue.oldest', ago(d.oldest)], ['queue.next_try', until(d.next_try, d)],
    ['queue.tls', tlsCell(d)], ['queue.connections', number(d.connections)],
    ['queue.results', t('queue.results_text', { delivered: d.delivered, delayed: d.delayed, bounced: d.bounced })], ['queue.last_reply', replyCell(d.last_reply)],
  ].map(([key, value]) => html`<div class=${WIDE[key] || ''}><dt>${t(key)}</dt><dd>${value}</dd></div>`)}</dl>`;

export function render(root, ctx) {
  const domain = ctx.params.domain;
  const isOperator = can('queue:write');
  let pages = 1;
  let sheet = null;
  let self;

  /* A destination that nothing waits for any more is no error: it was worked off. */
  const readDestination = (signal) => api.get(pathOf('queue', 'destinations', domain), { signal }).then(({ data }) => data, (problem) => {
    if (problem.status === 404) return null;
    throw problem;
  });

  async function readMessages(signal) {
    const items = [];
    let cursor = null;
    for (let i = 0; i < pages && (i === 0 || cursor !== null); i++) {
      const { data } = await api.get('/queue/messages', { signal, query: { destination: domain, limit: PAGE, cursor } });
      items.push(...data.items);
      cursor = data.next;
    }
    return { items, next: cursor };
  }

  const loadMore = () => {
    pages++;
    return self.reload();
  };

  async function after(action) {
    await action;
    await self.reload();
  }

  const table = new Table({
    name: 'messages', label: t('queue.messages_for', { name: domain }), update: () => self.update(),
    rowKey: (row) => row.mid, rowName: (row) => t('queue.mid', { mid: String(row.mid) }), href: (row) => messageHref(domain, row.mid) + location.search,
    columns: [
      { key: 'mid', label: 'MID', text: (row) => String(row.mid), sort: (row) => row.mid },
      { key: 'sender', label: t('queue.sender'), text: (row) => senderText(row.sender) },
      { key: 'recipients', label: t('queue.recipients'), text: (row) => t('queue.recipients_of', { n: row.recipients_pending, of: row.recipients }), sort: (row) => row.recipients_pending, end: true },
      { key: 'size', label: t('queue.size'), text: (row) => bytes(row.size_bytes), sort: (row) => row.size_bytes, end: true },
      { key: 'received', label: t('queue.age'), text: (row) => row.received, sort: (row) => new Date(row.received).getTime(), cell: (row) => ago(row.received) },
      { key: 'tries', label: t('queue.tries'), text: (row) => number(row.tries), sort: (row) => row.tries, end: true },
      { key: 'next_try', label: t('queue.next_try'), text: (row) => row.next_try || '', cell: (row) => until(row.next_try, row) },
      { key: 'last_reply', label: t('queue.last_reply'), text: (row) => replyText(row.last_reply), cell: (row) => replyCell(row.last_reply) },
    ],
    actions: (row) => [
      ...(isOperator ? [{ label: t('queue.retry'), icon: 'reset', onSelect: () => after(retryMessages([row.mid])) }] : []),
      ...(can('logs:read') ? [{ label: t('queue.open_log'), icon: 'search', href: logHref({ mid: row.mid }) }] : []),
      ...(isOperator ? [{ label: t('action.delete'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => after(deleteMessages([row])) }] : []),
    ],
    bulk: isOperator ? (rows) => html`<button type="button" class="button button-small" @click=${() => after(retryMessages(rows.map((row) => row.mid)))}>${t('queue.retry_many', { n: rows.length })}</button>
      <button type="button" class="button button-small button-danger" @click=${() => after(deleteMessages(rows))}>${t('delete.action_many', { n: rows.length })}</button>` : undefined,
  });

  /* The sheet of the message that the address names; kept while it names the same. */
  function openSheet() {
    const { mid } = self.ctx.params;
    if (mid === undefined) sheet = null;
    else if (sheet?.mid !== mid) sheet = new MessageSheet({ mid, domain, isOperator, update: () => self.update(), onDone: () => self.reload() });
    return sheet ? sheet.template() : nothing;
  }

  const retryButton = () => html`<button type="button" class="button button-primary" @click=${() => after(retryDestinations([domain]))}>${icon('reset')}<span>${t('queue.retry')}</span></button>`;

  const handle = page(root, ctx, {
    title: domain,
    english: '',
    lead: t('queue.destination_lead'),
    back: { href: '/ui/delivery-status', label: t('page.delivery-status') },
    load: async (signal) => {
      const [destination, messages] = await Promise.all([readDestination(signal), readMessages(signal)]);
      return { destination, ...messages };
    },
    moved: (_, given) => given.update(),
    loaded: () => sheet?.reload(),
    actions: ({ destination }) => html`${can('logs:read') ? html`<a class="button" href=${logHref({ q: domain })}>${t('queue.open_log')}</a>` : nothing}
      ${isOperator && destination ? html`${apiButton(() => retryCall(domain))}${retryButton()}` : nothing}`,
    body: ({ destination, items, next }) => html`<div class="queue queue-messages">${destination ? facts(destination) : nothing}
      ${table.template(items, { empty: empty({ title: t('queue.done', { name: domain }), text: t('queue.done_text'), glyph: 'check',
        action: html`<a class="button button-primary" href="/ui/delivery-status">${t('queue.to_list')}</a>` }) })}
      ${next ? html`<p class="table-more"><button type="button" class="button" @click=${loadMore}>${t('queue.more')}</button></p>` : nothing}</div>${openSheet()}`,
    end: () => offs.forEach((off) => off()),
  });
  self = handle.page;
  const offs = [refreshOn(['queue'], () => self.reload()), redrawOften(() => self.update())];
  return handle;
}
