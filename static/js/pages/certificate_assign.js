/* "Use it here too": every place of the configuration that can have a certificate, whatever section it is
 * in, with what it has now. Those that are ticked get this one, all in one Submit, in my draft. */
import { html, live, nothing } from '../../vendor/lit.js';
import { api, Problem } from '../api.js';
import { kindText } from '../certs.js';
import { draft } from '../draft.js';
import { problemText, t } from '../i18n.js';
import { apiPath, labelOf, listObjects, pagePath, placeText, referrers, titleOf } from '../schema.js';
import { can } from '../session.js';
import { tellStaged } from '../stage.js';
import { apiButton } from '../ui/apicall.js';
import { problemNotice } from '../ui/state.js';

async function placesOf({ section, row }, signal) {
  const objects = section.singleton
    ? [(await api.get(apiPath(section.name), { signal, query: { draft: 'me' } })).data]
    : await listObjects(section.name, {}, signal);
  return objects.map((object) => ({
    section: section.name, row, listener: object.listener || '', key: section.singleton ? undefined : object[section.key], now: object[row.key],
  }));
}

const idOf = (place) => [place.section, place.listener, place.key, place.row.key].join('/');
const nameOf = (place) => (place.key === undefined ? titleOf(place.section) : placeText(place.listener, place.key));

export class Assignment {
  #places = [];
  #ticked = new Set();
  #problem = null;
  #isBusy = false;

  /** @param {string} name of the certificate */
  constructor(name, reload, update) {
    Object.assign(this, { name, reload, update });
  }

  async load(signal) {
    if (!can('config:read')) return;
    this.#places = (await Promise.all(referrers('certificates').map((each) => placesOf(each, signal)))).flat();
  }

  #chosen() {
    return this.#places.filter((place) => place.now !== this.name && this.#ticked.has(idOf(place)));
  }

  #callOf(place) {
    return { method: 'PATCH', path: apiPath(place.section, place.key), query: { draft: 'me', ...(place.listener && { listener: place.listener }) }, body: { [place.row.key]: this.name } };
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#isBusy || this.#chosen().length === 0) return;
    this.#isBusy = true;
    this.#problem = null;
    this.update();
    try {
      for (const place of this.#chosen()) {
        const { method, path, query, body } = this.#callOf(place);
        await api.stage(method, path, body, { query, etag: '*' });
      }
      this.#ticked.clear();
      await draft.refresh();
      tellStaged();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#problem = error;
    }
    this.#isBusy = false;
    await this.reload();
  }

  #place(place) {
    const isHere = place.now === this.name;
    const id = idOf(place);
    const onChange = (event) => {
      if (event.target.checked) this.#ticked.add(id);
      else this.#ticked.delete(id);
      this.update();
    };
    return html`<li class="assign-place"><label class="tick"><input type="checkbox" ?disabled=${isHere || !can('config:draft')}
        .checked=${live(isHere || this.#ticked.has(id))} @change=${onChange}>
      <span><span class="assign-name">${nameOf(place)}</span>
        <span class="muted assign-what">${kindText(place.section, labelOf(place.section, place.row))}</span>
        ${isHere ? html`<span class="muted assign-what">${t('assign.here')}</span>`
          : html`<span class="muted assign-what">${place.now ? t('assign.now', { name: place.now }) : t('assign.none')}</span>`}</span></label>
      <a class="button button-small button-quiet" href=${pagePath(place.section, place.listener, place.key)} aria-label=${t('assign.open', { name: nameOf(place) })}>${t('action.open')}</a></li>`;
  }

  template() {
    if (this.#places.length === 0) return nothing;
    const { length } = this.#chosen();
    return html`<section class="card cert-side"><h2>${t('assign.title')}</h2><p class="muted">${t('assign.lead')}</p>
      ${this.#problem ? problemNotice(this.#problem) : nothing}
      <form @submit=${(event) => this.#submit(event)}><ul class="assign-list">${this.#places.map((place) => this.#place(place))}</ul>
        ${can('config:draft') ? html`<footer class="assign-foot"><button class="button button-primary" ?disabled=${this.#isBusy || length === 0}>${this.#isBusy ? t('action.sending') : length === 0 ? t('assign.title') : t('assign.submit', { n: length })}</button>
          ${apiButton(() => this.#callOf(this.#chosen()[0] || this.#places[0]))}</footer>`
          : html`<p class="form-note">${t('state.read_only', { scope: 'config:draft' })}</p>`}</form></section>`;
  }
}
