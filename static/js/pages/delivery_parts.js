/* What the pages of the queue share: states in words, times, replies as they came, and what can be
 * done with a destination or a message. */
import { html, nothing } from '../../vendor/lit.js';
import { api, pathOf } from '../api.js';
import { fullTime, problemText, relative, t } from '../i18n.js';
import { go } from '../router.js';
import { apiButton } from '../ui/apicall.js';
import { dialog } from '../ui/dialog.js';
import { status } from '../ui/icons.js';
import { toast } from '../ui/toast.js';
import { destinationHref, replyText } from './overview_attention.js';

export { destinationHref, replyText };
export const messageHref = (destination, mid) => '/ui' + pathOf('delivery-status', destination, mid);
export const logHref = (query) => `/ui/mail-logs?${new URLSearchParams(query)}`;

const DEST_STATES = { up: 'ok', down: 'bad', probing: 'warn' };
const TLS_STATES = { success: 'ok', failed: 'bad', none: 'warn', unknown: 'off' };
const RCPT_STATES = { ready: 'ok', active: 'ok', waiting: 'warn', bouncing: 'bad', delivered: 'ok', bounced: 'bad', deleted: 'off' };

export const stateCell = ({ state }) => status(DEST_STATES[state], t('queue.state.' + state));
export const recipientState = (state) => status(RCPT_STATES[state], t('queue.recipient.' + state));
export const tlsText = ({ tls }) => t('queue.tls.' + tls);
export const tlsCell = (row) => status(TLS_STATES[row.tls], tlsText(row));

const dash = () => html`<span class="muted">${t('value.dash')}</span>`;
export const ago = (iso) => (iso ? html`<time datetime=${iso} title=${fullTime(iso)}>${relative(iso)}</time>` : dash());

/** When the next try is; one that is due says so. */
export function until(iso, { active }) {
  if (active === true || active > 0) return t('queue.sending');
  if (!iso) return dash();
  if (new Date(iso) <= Date.now()) return html`<time datetime=${iso} title=${fullTime(iso)}>${t('queue.due')}</time>`;
  return ago(iso);
}

/** Verbatim: a text of the other side. */
export const replyCell = (reply) => (reply ? html`<span class="reply" title=${fullTime(reply.at)}>${replyText(reply)}</span>` : dash());

/** The null sender is what a bounce has. */
export const senderText = (sender) => sender || t('queue.null_sender');

/** A name that is broken behind a dot, if it must be. */
export const nameCell = (name) => name.split('.').map((part, i) => (i === 0 ? part : html`.<wbr>${part}`));

/* --- actions --- */

export const retryCall = (destination) => ({ method: 'POST', path: pathOf('queue', 'destinations', destination, 'retry') });
export const retryMessageCall = (mid) => ({ method: 'POST', path: pathOf('queue', 'messages', mid, 'retry') });
export const deleteCall = (mid) => ({ method: 'DELETE', path: pathOf('queue', 'messages', mid) });

/* Every one of CALLS, a few at a time. {done: replies' data, failed: [Problem]} */
async function callAll(calls) {
  const done = [];
  const failed = [];
  const left = [...calls];
  const work = async () => {
    for (let call = left.shift(); call !== undefined; call = left.shift()) {
      try {
        done.push((await api.request(call.method, call.path)).data);
      } catch (problem) {
        if (problem.name !== 'Problem') throw problem;
        failed.push(problem);
      }
    }
  };
  await Promise.all([work(), work(), work()]);
  return { done, failed };
}

function tellFailed(failed) {
  if (failed.length > 0) toast({ text: t('queue.failed', { n: failed.length }), more: problemText(failed[0]), kind: 'bad' });
}

export async function retryDestinations(names) {
  const { done, failed } = await callAll(names.map(retryCall));
  if (done.length > 0) toast({ text: names.length === 1 ? t('queue.retried_one', { name: names[0] }) : t('queue.retried', { n: done.length }), more: t('queue.retried_more') });
  tellFailed(failed);
}

export async function retryMessages(mids) {
  const { done, failed } = await callAll(mids.map(retryMessageCall));
  if (done.length > 0) toast({ text: t('queue.retried_messages', { n: done.length }), more: t('queue.retried_more') });
  tellFailed(failed);
}

/**
 * Asks first: the question names how many, and that nobody is told.
 * @param {{mid: number, sender: string}[]} rows
 * @returns {Promise<boolean>} whether anything was done
 */
export async function deleteMessages(rows) {
  const n = rows.length;
  const isSure = await dialog({
    title: t('queue.delete_title', { n }),
    body: () => html`<p>${n === 1 ? t('queue.delete_what', { mid: String(rows[0].mid), sender: senderText(rows[0].sender) }) : nothing}</p>
      <p>${t('queue.delete_body', { n })}</p><div>${apiButton(() => deleteCall(rows[0].mid))}</div>`,
    actions: (close) => html`<button type="button" class="button" @click=${() => close(false)}>${t('action.cancel')}</button>
      <button type="button" class="button button-bad" @click=${() => close(true)}>${t('queue.delete_many', { n })}</button>`,
  });
  if (isSure !== true) return false;
  const { done, failed } = await callAll(rows.map((row) => deleteCall(row.mid)));
  const partly = done.filter(({ complete }) => !complete).length;
  if (done.length > 0) toast({ text: t('queue.deleted', { n: done.length }), more: partly > 0 ? t('queue.deleted_partly', { n: partly }) : '' });
  tellFailed(failed);
  return true;
}

/** Leaves what is gone, for where it was listed. */
export const leaveTo = (destination) => go(destinationHref(destination), { replace: true });
