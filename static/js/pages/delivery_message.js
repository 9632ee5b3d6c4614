/* One message of the queue in a sheet: where it came from, and how each of its recipients stands. */
import { html, nothing } from '../../vendor/lit.js';
import { api, pathOf } from '../api.js';
import { bytes, number, t } from '../i18n.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { sheet } from '../ui/sheet.js';
import { empty, failure, skeleton } from '../ui/state.js';
import { ago, deleteMessages, destinationHref, leaveTo, logHref, recipientState, replyCell, retryMessageCall, retryMessages, senderText, until } from './delivery_parts.js';

const logLink = (name, id) => (can('logs:read') ? html`<a href=${logHref({ [name]: id })}>${id}</a>` : String(id));

const facts = (m) => html`<dl class="queue-facts">
  ${[
    ['queue.sender', senderText(m.sender)], ['queue.size', bytes(m.size_bytes)], ['queue.received', ago(m.received)], ['queue.client', m.client ?? t('queue.made_here')],
    ...(m.icid === null ? [] : [['queue.icid', logLink('icid', m.icid)]]),
    ...(m.bounce_of === null ? [] : [['queue.bounce_of', logLink('mid', m.bounce_of)]]),
  ].map(([key, value]) => html`<div><dt>${t(key)}</dt><dd>${value}</dd></div>`)}</dl>`;

const recipient = (each) => html`<li class="recipient">
  <div class="recipient-head"><strong>${each.address}</strong>${recipientState(each.state)}</div>
  <dl class="recipient-facts">
    <div><dt>${t('queue.tries')}</dt><dd>${number(each.tries)}</dd></div>
    ${each.destination ? html`<div><dt>${t('queue.next_try')}</dt><dd>${until(each.next_try, { active: each.state === 'active' })}</dd></div>` : nothing}
    ${each.last_reply ? html`<div class="recipient-reply"><dt>${t('queue.last_reply')}</dt><dd>${replyCell(each.last_reply)} <span class="muted">${ago(each.last_reply.at)}</span></dd></div>` : nothing}
  </dl></li>`;

export class MessageSheet {
  #data = null;
  #problem = null;

  /** @param {{mid: string, domain: string, isOperator: boolean, update: () => void, onDone: () => unknown}} given */
  constructor(given) {
    Object.assign(this, given);
    this.reload();
  }

  async reload() {
    try {
      this.#data = (await api.get(pathOf('queue', 'messages', this.mid))).data;
      this.#problem = null;
    } catch (problem) {
      if (problem.name !== 'Problem') throw problem;
      this.#problem = problem;
    }
    this.update();
  }

  async #retry() {
    await retryMessages([this.mid]);
    this.onDone();
  }

  async #delete() {
    if (!(await deleteMessages([this.#data]))) return;
    leaveTo(this.domain);
    this.onDone();
  }

  #inside() {
    if (this.#problem?.status === 404) return empty({ title: t('queue.message_gone'), text: t('queue.message_gone_text'), glyph: 'check' });
    if (this.#problem && !this.#data) return failure(this.#problem, () => this.reload());
    if (!this.#data) return skeleton();
    return html`<div class="message">${facts(this.#data)}
      <h3>${t('queue.recipients_n', { n: this.#data.recipients })}</h3>
      <ul class="recipients">${this.#data.recipient_list.map(recipient)}</ul></div>`;
  }

  #foot() {
    const isThere = this.#data !== null && this.#problem?.status !== 404;
    return html`<footer class="form-foot">
      ${this.isOperator && isThere ? html`<button type="button" class="button button-primary" @click=${() => this.#retry()}>${t('queue.retry')}</button>
        <button type="button" class="button button-danger" @click=${() => this.#delete()}>${t('action.delete')}</button>` : nothing}
      ${can('logs:read') ? html`<a class="button" href=${logHref({ mid: this.mid })}>${t('queue.open_log')}</a>` : nothing}
      <span class="form-foot-space"></span>${apiButton(() => (this.isOperator && isThere ? retryMessageCall(this.mid) : { method: 'GET', path: pathOf('queue', 'messages', this.mid) }))}</footer>`;
  }

  template() {
    return sheet({
      title: t('queue.mid', { mid: this.mid }),
      lead: t('queue.message_lead'),
      closeHref: destinationHref(this.domain) + location.search,
      body: html`${this.#inside()}${this.#foot()}`,
    });
  }
}
