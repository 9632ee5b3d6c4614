/* Monitor > Delivery Status: where mail waits, why, and until when.
 *
 *   /ui/delivery-status                   destinations
 *   /ui/delivery-status/away.test         messages for one of them   (delivery_messages.js)
 *   /ui/delivery-status/away.test/17      with one message beside    (delivery_message.js)
 *
 * It needs no more than queue:read; what changes the queue is shown with queue:write. */
import { html, nothing } from '../../vendor/lit.js';
import { api } from '../api.js';
import { number, t } from '../i18n.js';
import { redrawOften, refreshOn } from '../refresh.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { page } from '../ui/page.js';
import { empty } from '../ui/state.js';
import { Table } from '../ui/table.js';
import * as messages from './delivery_messages.js';
import { ago, destinationHref, logHref, nameCell, replyCell, replyText, retryDestinations, stateCell, tlsCell, tlsText, until } from './delivery_parts.js';

const PAGE = '500';

function list(root, ctx) {
  let items = [];
  let next = null;
  let pages = 1;
  let self;
  const isOperator = can('queue:write');

  /* As many pages as were asked for: reading again takes nothing away from what is shown. */
  async function load(signal) {
    const found = [];
    let cursor = null;
    for (let i = 0; i < pages && (i === 0 || cursor !== null); i++) {
      const { data } = await api.get('/queue/destinations', { signal, query: { limit: PAGE, cursor } });
      found.push(...data.items);
      cursor = data.next;
    }
    items = found;
    next = cursor;
    return found;
  }

  function loadMore() {
    pages++;
    return self.reload();
  }

  async function retry(names) {
    await retryDestinations(names);
    self.reload();
  }

  const time = (iso) => (iso ? new Date(iso).getTime() : Infinity);
  const table = new Table({
    name: 'destinations', label: t('page.delivery-status'), update: () => self.update(),
    rowKey: (row) => row.destination, rowName: (row) => row.destination, href: (row) => destinationHref(row.destination),
    columns: [
      { key: 'destination', label: t('queue.destination'), text: (row) => row.destination, cell: (row) => nameCell(row.destination) },
      { key: 'state', label: t('queue.state'), text: (row) => t('queue.state.' + row.state), cell: stateCell },
      { key: 'messages', label: t('queue.messages'), text: (row) => number(row.messages), sort: (row) => row.messages, end: true },
      { key: 'oldest', label: t('queue.oldest'), text: (row) => row.oldest, sort: (row) => time(row.oldest), cell: (row) => ago(row.oldest) },
      { key: 'next_try', label: t('queue.next_try'), text: (row) => row.next_try || '', sort: (row) => time(row.next_try), cell: (row) => until(row.next_try, row) },
      { key: 'last_reply', label: t('queue.last_reply'), text: (row) => replyText(row.last_reply), cell: (row) => replyCell(row.last_reply) },
      { key: 'tls', label: t('queue.tls'), text: tlsText, cell: tlsCell },
      { key: 'connections', label: t('queue.connections_out'), text: (row) => number(row.connections), sort: (row) => row.connections, end: true },
    ],
    actions: (row) => [
      ...(isOperator ? [{ label: t('queue.retry'), icon: 'reset', onSelect: () => retry([row.destination]) }] : []),
      { label: t('queue.open_messages'), icon: 'mail', href: destinationHref(row.destination) },
      ...(can('logs:read') ? [{ label: t('queue.open_log'), icon: 'search', href: logHref({ q: row.destination }) }] : []),
    ],
    bulk: isOperator ? (rows) => html`<button type="button" class="button button-small" @click=${() => retry(rows.map((row) => row.destination))}>
      ${t('queue.retry_many', { n: rows.length })}</button>` : undefined,
  });

  const handle = page(root, ctx, {
    title: t('page.delivery-status'),
    lead: t('queue.lead'),
    load,
    moved: (_, given) => given.update(),
    actions: () => apiButton(() => ({ method: 'GET', path: '/queue/destinations' })),
    body: () => html`<div class="queue queue-destinations">${table.template(items, { empty: empty({ title: t('queue.empty'), text: t('queue.empty_text'), glyph: 'check' }) })}
      ${next ? html`<p class="table-more"><button type="button" class="button" @click=${loadMore}>${t('queue.more')}</button></p>` : nothing}</div>`,
    end: () => offs.forEach((off) => off()),
  });
  self = handle.page;
  const offs = [refreshOn(['queue', 'commit'], () => self.reload()), redrawOften(() => self.update())];
  return handle;
}

/** One address, two pages: which one is drawn follows from whether it names a destination. */
export function render(root, ctx) {
  const nameOf = ({ params }) => params.domain ?? null;
  const draw = (where) => (nameOf(where) === null ? list(root, where) : messages.render(root, where));
  let shown = nameOf(ctx);
  let inner = draw(ctx);
  return {
    update(next) {
      if (nameOf(next) === shown) {
        inner.update(next);
        return;
      }
      inner.end();
      shown = nameOf(next);
      inner = draw(next);
    },
    end: () => inner.end(),
  };
}
