/* A form drawn from a section of the schema. It keeps what is typed (in sessionStorage too, so that a
 * closed tab or a session that ended loses nothing), checks each field when it is left, shows what the
 * server says beside the field its pointer names, and puts everything wrong into one summary.
 *
 *   const form = new Form({ section, value, storage: location.pathname, update,
 *                           fixed: ['name'], names: {interfaces: [...]}, from, pending });
 *   form.template({ submit: t('action.submit'), onSubmit: async (value) => …, cancel, call })
 *
 * onSubmit may throw a Problem: its errors land at the fields, the rest above them. */
import { html, nothing } from '../../vendor/lit.js';
import { focusOn, uniqueId } from '../a11y.js';
import { firstOf, problemText, t } from '../i18n.js';
import { labelOfPointer } from '../schema.js';
import { groupsOf, hintsOf, inheritedOf } from '../sections.js';
import { checkObject, checkValue } from '../validate.js';
import { apiButton } from './apicall.js';
import { field } from './field.js';
import { icon } from './icons.js';
import { notice, requestId } from './state.js';

const PREFIX = 'postern.form.';

const partsOf = (pointer) => pointer.split('/').slice(1);

export class Form {
  #texts = new Map(); /* what is being typed into a list */
  #whole = new Set();
  #id = uniqueId('f');

  /**
   * @param {{section: object, value: object, storage: string, update: () => void, fixed?: string[],
   *          names?: Record<string, string[]>, from?: object, key?: string, pending?: object}} given
   *     fixed: rows that cannot be changed; names: of the sections that references name; from: the
   *     object that is inherited from; pending: the diff item of this object in my draft
   */
  constructor(given) {
    Object.assign(this, { fixed: [], names: {}, pending: undefined, from: undefined, key: '', ...given });
    this.path = given.section.name;
    this.initial = structuredClone(given.value);
    this.value = structuredClone(given.value);
    this.errors = new Map();
    this.problem = null;
    this.isBusy = false;
    this.isRestored = this.#restore();
  }

  /* --- values, by pointer --- */

  get(pointer) {
    return partsOf(pointer).reduce((value, part) => value?.[part], this.value);
  }

  initialOf(pointer) {
    return partsOf(pointer).reduce((value, part) => value?.[part], this.initial);
  }

  set(pointer, value) {
    const parts = partsOf(pointer);
    const last = parts.pop();
    parts.reduce((at, part) => at[part], this.value)[last] = value;
    if (this.errors.has(pointer)) this.check(pointer);
    this.#save();
    this.update();
  }

  get isDirty() {
    return JSON.stringify(this.value) !== JSON.stringify(this.initial);
  }

  /* --- what fields ask --- */

  idOf(pointer, part = '') {
    return `${this.#id}${pointer.replaceAll('/', '-')}${part && '-' + part}`;
  }

  errorOf(pointer) {
    return this.errors.get(pointer) || '';
  }

  errorsBelow(pointer) {
    return [...this.errors].filter(([at]) => at.startsWith(pointer + '/')).map(([at, text]) => ({ at: at.slice(pointer.length + 1), text }));
  }

  namesOf = (section) => this.names[section] || [];
  isFixed = (row) => this.fixed.includes(row.key);
  isPending = (pointer) => this.pending?.op === 'update' && this.pending.fields.some((each) => each.pointer === pointer);
  inheritedOf = (row, value) => inheritedOf(this.path, row, value, this.key, this.from);

  get inheritsFrom() {
    const { inherit } = hintsOf(this.path);
    return inherit && this.from && this.key !== inherit.from ? inherit.from : '';
  }

  textOf = (pointer) => this.#texts.get(pointer);
  holdText = (pointer, text) => (text === undefined ? this.#texts.delete(pointer) : this.#texts.set(pointer, text));
  isWhole = (pointer) => this.#whole.has(pointer);
  showWhole(pointer) {
    this.#whole.add(pointer);
    this.update();
  }

  /* --- checks --- */

  /** Forgets what is said of a pointer and below: its entries have other numbers now. */
  forget(pointer) {
    for (const at of this.errors.keys()) if (at === pointer || at.startsWith(pointer + '/')) this.errors.delete(at);
  }

  /** Checks the row that a pointer is of. */
  check(pointer) {
    const key = partsOf(pointer)[0];
    const row = this.section.rows.find((each) => each.key === key);
    this.forget('/' + key);
    this.#note(checkValue(row, this.value[key], '/' + key));
    this.update();
  }

  #note(errors) {
    for (const error of errors) if (!this.errors.has(error.pointer)) this.errors.set(error.pointer, problemText(error));
  }

  /** Shows what a Problem says: at its fields, the rest above. */
  take(problem) {
    this.problem = problem;
    this.#note(problem.errors);
    this.update();
    this.#focusSummary();
  }

  #focusSummary() {
    setTimeout(() => focusOn(document.getElementById(this.idOf('', 'summary'))));
  }

  /* --- unsaved input --- */

  #save() {
    const hasSecret = this.section.rows.some((row) => row.kind === 'secret');
    if (!this.isDirty || hasSecret) sessionStorage.removeItem(PREFIX + this.storage);
    else sessionStorage.setItem(PREFIX + this.storage, JSON.stringify({ initial: this.initial, value: this.value }));
  }

  /* Only on top of what it was typed over: an object that changed since is shown as it is. */
  #restore() {
    const kept = sessionStorage.getItem(PREFIX + this.storage);
    if (kept === null) return false;
    const { initial, value } = JSON.parse(kept);
    if (JSON.stringify(initial) !== JSON.stringify(this.initial)) {
      sessionStorage.removeItem(PREFIX + this.storage);
      return false;
    }
    this.value = value;
    return true;
  }

  /** Back to what it began with. */
  reset() {
    this.value = structuredClone(this.initial);
    this.errors.clear();
    this.problem = null;
    this.isRestored = false;
    this.#texts.clear();
    this.#save();
    this.update();
  }

  /* --- sending --- */

  async #submit(event, onSubmit) {
    event.preventDefault();
    if (this.isBusy) return;
    this.errors.clear();
    this.problem = null;
    this.#note(checkObject(this.section.rows, this.value));
    if (this.errors.size > 0) {
      this.update();
      this.#focusSummary();
      return;
    }
    this.isBusy = true;
    this.update();
    try {
      await onSubmit(this.value);
      sessionStorage.removeItem(PREFIX + this.storage);
      this.isRestored = false;
    } catch (error) {
      if (error.name !== 'Problem') throw error;
      this.take(error);
    } finally {
      this.isBusy = false;
      this.update();
    }
  }

  #summary() {
    if (this.errors.size === 0 && this.problem === null) return nothing;
    const isWhole = this.problem !== null && this.problem.errors.length === 0;
    const count = this.errors.size;
    const toField = (pointer) => (event) => {
      event.preventDefault();
      const known = document.getElementById(this.idOf(pointer)) || document.getElementById(this.idOf('/' + partsOf(pointer)[0]));
      focusOn(known?.matches('input, select, textarea') ? known : known?.querySelector('input, select, textarea') || known);
    };
    return notice('bad', html`<div id=${this.idOf('', 'summary')} tabindex="-1">
      ${count > 0 ? html`<p><strong>${t('form.errors', { n: count })}</strong></p><ul>${[...this.errors].map(([pointer, text]) => html`<li>
        <a href="#${this.idOf(pointer)}" @click=${toField(pointer)}>${labelOfPointer(this.path, pointer)}</a>: ${text}</li>`)}</ul>` : nothing}
      ${isWhole ? html`<p>${problemText(this.problem)}</p>` : nothing}
      ${this.problem ? requestId(this.problem) : nothing}</div>`);
  }

  #restored() {
    if (!this.isRestored || !this.isDirty) return nothing;
    return notice('info', html`<p>${t('form.restored')}</p>`, html`<button type="button" class="button button-small" @click=${() => this.reset()}>${t('form.discard')}</button>`);
  }

  #groups() {
    return groupsOf(this.section).map(({ title, rows }) => html`<fieldset class="form-group">
      ${title && rows.length > 1 ? html`<legend>${firstOf([title])}</legend>` : nothing}
      ${rows.map((row) => field(this, row, '/' + row.key))}</fieldset>`);
  }

  /**
   * @param {{submit: string, onSubmit: (value: object) => Promise<void>, cancel?: string, onCancel?: () => void,
   *          call?: (value: object) => object, isReadOnly?: boolean, more?: unknown}} given
   *     cancel: an address; call: the API call that Submit makes; more: further buttons at the left
   */
  template({ submit, onSubmit, cancel, call, isReadOnly = false, more = nothing }) {
    this.isReadOnly = isReadOnly;
    return html`<form class="form" novalidate @submit=${(event) => this.#submit(event, onSubmit)}>
      ${this.#restored()}${this.#summary()}
      <fieldset class="form-groups" ?disabled=${isReadOnly}>${this.#groups()}</fieldset>
      <footer class="form-foot">
        ${isReadOnly ? html`<p class="form-note">${icon('lock')}${t('state.read_only', { scope: 'config:draft' })}</p>` : html`
        <button class="button button-primary" ?disabled=${this.isBusy}>${this.isBusy ? t('action.sending') : submit}</button>
        ${cancel ? html`<a class="button" href=${cancel}>${t('action.cancel')}</a>` : nothing}
        <span class="form-foot-space"></span>${more}${call ? apiButton(() => call(this.value)) : nothing}`}
      </footer>
    </form>`;
  }
}
