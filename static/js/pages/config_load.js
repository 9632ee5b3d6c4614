/* Loading a configuration file: choose or drop it, say what of it and how, look at what it would change,
 * take it into the draft. Nothing is live before the commit. */
import { html, live, nothing } from '../../vendor/lit.js';
import { announce, focusOn } from '../a11y.js';
import { api, Problem } from '../api.js';
import { draft } from '../draft.js';
import { bytes, t } from '../i18n.js';
import { go } from '../router.js';
import { allSections, titleOf } from '../schema.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { textField } from '../ui/ask.js';
import { diffItem } from '../ui/diff.js';
import { icon } from '../ui/icons.js';
import { notice, problemNotice, requestId } from '../ui/state.js';
import { toast } from '../ui/toast.js';
import { finding } from './changes.js';

const FILE_MAX = 32 * 1024 * 1024;
const SEALED = 'postern_sealed';

export class Loading {
  #file = null; /* {name, size, content, isSealed} */
  #problem = null; /* of the file itself, or of the server */
  #mode = 'replace';
  #isWhole = true;
  #sections = new Set();
  #passphrase = '';
  #diff = null;
  #isBusy = false;
  #isOver = false;

  constructor(update) {
    this.update = update;
  }

  async #take(file) {
    if (!file) return;
    this.#file = null;
    this.#diff = null;
    this.#problem = null;
    try {
      if (file.size > FILE_MAX) throw new Problem(413, { code: 'http.body_too_large' });
      const content = JSON.parse(await file.text());
      if (content === null || typeof content !== 'object' || Array.isArray(content)) throw new SyntaxError();
      this.#file = { name: file.name, size: file.size, content, isSealed: Object.hasOwn(content, SEALED) };
      this.#sections = new Set(this.#known());
      this.#isWhole = true;
      announce(t('file.taken', { name: file.name, size: bytes(file.size) }));
    } catch (error) {
      this.#problem = error instanceof Problem ? error : new Problem(422, { code: 'file.invalid' });
    }
    this.update();
  }

  /* What is in a sealed file, nobody knows before it is opened. */
  #known() {
    return allSections().map((section) => section.name).filter((name) => this.#file.isSealed || Object.hasOwn(this.#file.content, name));
  }

  #set(change) {
    change();
    this.#diff = null;
    this.update();
  }

  #query(isDry) {
    return { draft: 'me', mode: this.#mode, ...(!this.#isWhole && { sections: [...this.#sections].join(',') }), ...(isDry && { dry_run: '1' }) };
  }

  async #send(isDry) {
    const body = { file: this.#file.content, ...(this.#passphrase && { passphrase: this.#passphrase }) };
    return (await api.post('/config-file/load', body, { query: this.#query(isDry) })).data;
  }

  async #run(fn) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#problem = null;
    this.update();
    try {
      await fn();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#problem = error;
      this.#diff = null;
    }
    this.#isBusy = false;
    this.update();
  }

  #look = () => this.#run(async () => {
    this.#diff = await this.#send(true);
    setTimeout(() => focusOn(document.getElementById('load-diff')));
  });

  #load = () => this.#run(async () => {
    await this.#send(false);
    await draft.refresh();
    toast({ text: t('stage.done'), more: t('stage.not_live') });
    go('/ui/changes');
  });

  #call() {
    return { method: 'POST', path: '/config-file/load', query: this.#query(false), body: { file: '{…}', ...(this.#file?.isSealed && { passphrase: 'PASSPHRASE' }) } };
  }

  /* --- drawing --- */

  #drop() {
    const over = (is) => (event) => {
      event.preventDefault();
      if (this.#isOver === is) return;
      this.#isOver = is;
      this.update();
    };
    const onDrop = (event) => {
      event.preventDefault();
      this.#isOver = false;
      this.#take(event.dataTransfer.files[0]);
    };
    const onChoose = (event) => {
      this.#take(event.target.files[0]);
      event.target.value = ''; /* so that the same file can be chosen again */
    };
    return html`<label class="drop ${this.#isOver ? 'drop-over' : ''}" @dragover=${over(true)} @dragleave=${over(false)} @drop=${onDrop}>
      <input class="drop-input" type="file" accept=".json,application/json" @change=${onChoose}>
      <span class="state-icon">${icon('up')}</span>
      <strong>${this.#file ? t('file.taken', { name: this.#file.name, size: bytes(this.#file.size) }) : t('file.drop')}</strong>
      <span class="muted">${this.#file ? t('file.drop_other') : t('file.drop_text')}</span></label>`;
  }

  #radio(name, value, current, label, help, change) {
    return html`<label class="tick choice-row"><input type="radio" name=${name} value=${value} .checked=${live(current === value)} @change=${() => this.#set(change)}>
      <span><span class="choice-name">${label}</span><span class="muted choice-help">${help}</span></span></label>`;
  }

  #ticks() {
    const toggle = (name) => (event) => this.#set(() => (event.target.checked ? this.#sections.add(name) : this.#sections.delete(name)));
    return html`<div class="section-ticks" role="group" aria-label=${t('file.sections')}>${this.#known().map((name) => html`<label class="choice">
      <input type="checkbox" .checked=${live(this.#sections.has(name))} @change=${toggle(name)}><span>${titleOf(name)}</span></label>`)}</div>`;
  }

  #choices() {
    return html`<div class="load-choices">
      <fieldset class="choices"><legend class="label">${t('file.what')}</legend>
        ${this.#radio('load-what', 'whole', this.#isWhole ? 'whole' : 'some', t('file.whole'), t('file.whole_help'), () => { this.#isWhole = true; })}
        ${this.#radio('load-what', 'some', this.#isWhole ? 'whole' : 'some', t('file.some'), t('file.some_help'), () => { this.#isWhole = false; })}
        ${this.#isWhole ? nothing : this.#ticks()}</fieldset>
      <fieldset class="choices"><legend class="label">${t('file.how')}</legend>
        ${this.#radio('load-how', 'replace', this.#mode, t('file.replace'), t('file.replace_help'), () => { this.#mode = 'replace'; })}
        ${this.#radio('load-how', 'merge', this.#mode, t('file.merge'), t('file.merge_help'), () => { this.#mode = 'merge'; })}</fieldset>
      ${this.#file.isSealed ? textField({ id: 'load-passphrase', label: t('file.passphrase'), help: t('file.sealed_help'), type: 'password', value: this.#passphrase,
        onInput: (event) => { this.#passphrase = event.target.value; } }) : nothing}</div>`;
  }

  #trouble() {
    const problem = this.#problem;
    if (problem === null) return nothing;
    if (problem.errors.length === 0) return problemNotice(problem);
    return notice('bad', html`<p><strong>${t('file.refused', { n: problem.errors.length })}</strong></p><ul>${problem.errors.map(finding)}</ul>${requestId(problem)}`);
  }

  #result() {
    if (this.#diff === null) return nothing;
    const { items } = this.#diff;
    if (items.length === 0) return notice('ok', html`<p id="load-diff" tabindex="-1">${t('file.same')}</p>`);
    return html`<section class="load-result" aria-labelledby="load-diff"><h3 id="load-diff" tabindex="-1">${t('file.would', { n: items.length })}</h3>
      <div class="diff">${items.map((item) => diffItem(item))}</div></section>`;
  }

  template() {
    if (!can('config:draft')) return html`<p class="form-note load-note">${icon('lock')}${t('file.load_needs', { scope: 'config:draft' })}</p>`;
    const hasDiff = this.#diff !== null && this.#diff.items.length > 0;
    const isReady = this.#file !== null && (this.#isWhole || this.#sections.size > 0);
    return html`<section class="card load" aria-labelledby="load-title"><h2 id="load-title">${t('file.load_title')}</h2><p class="muted">${t('file.load_text')}</p>
      ${draft.count > 0 ? notice('info', html`<p>${t('file.draft', { n: draft.count })} <a href="/ui/changes">${t('action.review')}</a></p>`) : nothing}
      ${this.#drop()}
      <form @submit=${(event) => { event.preventDefault(); this.#look(); }}>${this.#file ? this.#choices() : nothing}
        ${this.#trouble()}${this.#result()}
        ${this.#file ? html`<footer class="file-foot">
          <button class="button ${hasDiff ? '' : 'button-primary'}" ?disabled=${this.#isBusy || !isReady}>${this.#isBusy ? t('action.sending') : t('file.look')}</button>
          ${hasDiff ? html`<button type="button" class="button button-primary" ?disabled=${this.#isBusy} @click=${this.#load}>${t('file.load')}</button>` : nothing}
          <span class="form-foot-space"></span>${apiButton(() => this.#call())}</footer>` : nothing}</form></section>`;
  }
}
