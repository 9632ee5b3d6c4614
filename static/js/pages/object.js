/* One object of a section in a sheet: loaded, edited, put into the draft, deleted. */
import { html, nothing } from '../../vendor/lit.js';
import { api, Problem } from '../api.js';
import { draft } from '../draft.js';
import { firstOf, t } from '../i18n.js';
import { apiPath, blankOf, listObjects, oneOf, placeText } from '../schema.js';
import { hintsOf } from '../sections.js';
import { putCall, stageDelete, stagePut } from '../stage.js';
import { Form } from '../ui/form.js';
import { icon } from '../ui/icons.js';
import { sheet } from '../ui/sheet.js';
import { failure, skeleton } from '../ui/state.js';

/** Names of every section that the rows' references name: {interfaces: [...]} */
export async function namesFor(section) {
  const wanted = [...new Set(section.rows.filter((row) => row.kind === 'reference').map((row) => row.section))];
  const lists = await Promise.all(wanted.map((each) => listObjects(each, {})));
  return Object.fromEntries(wanted.map((each, i) => [each, lists[i].map((object) => object.name ?? object.domain)]));
}

export class ObjectSheet {
  #given;
  #form = null;
  #problem = null;
  #etag = '';

  /**
   * @param {{section: object, wanted: string, isNew: boolean, listener: string, key?: string,
   *          isWriter: boolean, update: () => void, onDone: () => void,
   *          guard?: (value: object, initial: object | null) => Promise<boolean>}} given
   *     wanted: the place that the address names, by which the page knows whether it is this one
   *     guard: asked before a value is sent; false: it stays in the form
   */
  constructor(given) {
    this.#given = given;
    this.wanted = given.wanted;
    this.#load();
  }

  async #load() {
    const { section, isNew, listener, key } = this.#given;
    const { inherit } = hintsOf(section.name);
    const query = { draft: 'me', ...(section.per_listener && { listener }) };
    try {
      const [read, names, from] = await Promise.all([
        isNew ? { data: { ...blankOf(section.rows), ...(section.per_listener && { listener }) }, etag: '' } : api.get(apiPath(section.name, key), { query }),
        namesFor(section),
        inherit ? api.get(apiPath(section.name, inherit.from), { query: { draft: 'me' } }).then((reply) => reply.data, () => undefined) : undefined,
      ]);
      this.#etag = read.etag;
      this.#form = new Form({
        section, names, from, key, value: read.data, update: this.#given.update,
        storage: `${section.name}/${this.wanted}`, fixed: isNew ? [] : [section.key, 'listener'],
        pending: isNew ? undefined : draft.find(section.name, listener, key),
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#problem = error;
    }
    this.#given.update();
    if (isNew) setTimeout(() => document.querySelector('.sheet .form input:not([readonly]), .sheet .form select')?.focus());
  }

  async #save(value) {
    const { section, isNew, key, onDone, guard } = this.#given;
    if (guard && !(await guard(value, isNew ? null : this.#form.initial))) return;
    const place = { listener: section.per_listener ? value.listener : '', key: isNew ? value[section.key] : key };
    await stagePut(section.name, { ...place, value, etag: this.#etag, create: isNew });
    await draft.refresh();
    onDone();
  }

  async #remove() {
    const { section, listener, key, onDone } = this.#given;
    try {
      const place = { listener: section.per_listener ? listener : '', key, etag: this.#etag };
      if (await stageDelete(section.name, [place])) onDone();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#form.take(problem);
    }
  }

  #body(closeHref) {
    const { section, isWriter, isNew, isFixed } = this.#given;
    if (this.#problem) return failure(this.#problem);
    if (!this.#form) return skeleton(6);
    return this.#form.template({
      submit: t('action.submit'),
      onSubmit: (value) => this.#save(value),
      cancel: closeHref,
      isReadOnly: !isWriter,
      more: isNew || isFixed ? nothing : html`<button type="button" class="button button-quiet button-danger"
        @click=${() => this.#remove()}>${icon('remove')}<span>${t('action.delete')}</span></button>`,
      call: (value) => putCall(section.name, { listener: value.listener, key: value[section.key] || 'NAME', value }),
    });
  }

  template(closeHref) {
    const { section, isNew, key, listener } = this.#given;
    const one = oneOf(section.name);
    const title = isNew ? firstOf([hintsOf(section.name).add, 'action.add']) : key;
    return sheet({
      title,
      lead: isNew ? html`${t('sheet.new')}` : html`${section.per_listener ? placeText(listener, one) : one}`,
      closeHref, body: this.#body(closeHref),
    });
  }
}
