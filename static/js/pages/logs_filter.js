/* What lines are looked for: one search field, the rest folded away, and a chip for each that counts.
 * Nothing is asked for while somebody types: a search reads much, so it waits for Enter. */
import { html, live, nothing } from '../../vendor/lit.js';
import { uniqueId } from '../a11y.js';
import { dateTime, t } from '../i18n.js';
import { urlWith } from '../router.js';
import { icon } from '../ui/icons.js';

const IDS = ['mid', 'icid', 'dcid'];
const TIMES = ['from', 'to'];
const TLS = ['success', 'failed', 'none'];
export const FIELDS = ['q', ...IDS, 'tls', ...TIMES];
const FOLDED = FIELDS.filter((name) => name !== 'q');

const pad = (n) => String(n).padStart(2, '0');

/** An instant as <input type="datetime-local"> has it, in the reader's zone; '' when it is none. */
export function toLocal(iso) {
  const time = new Date(iso);
  if (iso === '' || Number.isNaN(time.getTime())) return '';
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}T${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

export function fromLocal(text) {
  const time = new Date(text);
  return text === '' || Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

export class LogFilter {
  #values = {};
  #isOpen = false;
  #id = uniqueId('log');

  /** @param {{update: () => void, onSearch: (query: Record<string, string>) => void}} given */
  constructor(given) {
    Object.assign(this, given);
  }

  /** Takes over what the address says. */
  read(query) {
    this.#values = Object.fromEntries(FIELDS.map((name) => [name, query.get(name) || '']));
    this.update();
  }

  #set(name, value) {
    this.#values[name] = value.trim();
  }

  #search(event) {
    event.preventDefault();
    this.onSearch(this.#values);
  }

  #field(name, control) {
    return html`<div class="field"><label for=${this.#id + name}>${t('logs.' + name)}</label>${control}</div>`;
  }

  #number(name) {
    return this.#field(name, html`<input class="control" id=${this.#id + name} inputmode="numeric" pattern="[1-9][0-9]{0,18}" maxlength="19" title=${t('logs.number')} autocomplete="off"
      .value=${live(this.#values[name] ?? '')} @input=${(event) => this.#set(name, event.target.value)}>`);
  }

  #time(name) {
    return this.#field(name, html`<input class="control" type="datetime-local" id=${this.#id + name}
      .value=${toLocal(this.#values[name] ?? '')} @change=${(event) => this.#set(name, fromLocal(event.target.value))}>`);
  }

  #tls() {
    return this.#field('tls', html`<select class="control" id=${this.#id + 'tls'} @change=${(event) => this.#set('tls', event.target.value)}>
      <option value="" .selected=${!this.#values.tls}>${t('logs.any')}</option>
      ${TLS.map((word) => html`<option value=${word} .selected=${this.#values.tls === word}>${t('queue.tls.' + word)}</option>`)}</select>`);
  }

  #chips() {
    const shown = FOLDED.map((name) => [name, new URLSearchParams(location.search).get(name) || '']).filter(([, value]) => value !== '');
    if (shown.length === 0) return nothing;
    const text = (name, value) => (TIMES.includes(name) && toLocal(value) ? dateTime(value) : name === 'tls' ? t('queue.tls.' + value) : value);
    return html`<ul class="chips">${shown.map(([name, value]) => {
      const label = `${t('logs.' + name)}: ${text(name, value)}`;
      return html`<li><a class="chip" href=${urlWith({ [name]: '' })} aria-label=${t('logs.remove', { what: label })}><span>${label}</span>${icon('close')}</a></li>`;
    })}<li><a class="chip-clear" href="/ui/mail-logs">${t('logs.clear')}</a></li></ul>`;
  }

  template() {
    return html`<form class="log-filter" role="search" @submit=${(event) => this.#search(event)}>
      <div class="log-search"><span class="filter">${icon('search')}<input type="search" class="control" data-filter aria-label=${t('logs.q')} placeholder=${t('logs.q_hint')} maxlength="200"
          .value=${live(this.#values.q ?? '')} @input=${(event) => this.#set('q', event.target.value)}></span>
        <button type="submit" class="button button-primary">${t('logs.search')}</button></div>
      <details ?open=${this.#isOpen} @toggle=${(event) => { this.#isOpen = event.target.open; }}><summary>${t('logs.fields')}</summary>
        <div class="log-fields">${IDS.map((name) => this.#number(name))}${this.#tls()}${TIMES.map((name) => this.#time(name))}</div></details>
      ${this.#chips()}</form>`;
  }
}
