/* A question put to the gateway about one address (POST /tests/…): of what runs and, with pending
 * changes, of the draft too. What is asked stands in the page's address, so the answer can be shared.
 *
 *   const question = new Question({ name: 'ip', path: '/tests/hat', update, title, help: (listener) => …,
 *     placeholder, body: (text, listener) => ({…}), check: (text) => code | '', sentence: (answer) => …,
 *     card: (answer) => html`…` });
 *   question.ask(query.get('ip'), listener);      whenever the page is drawn: asks only what is new
 *   question.answers                              {text, now, after}; `after` is null without a draft
 *   question.template(listener) */
import { html, live, nothing } from '../../vendor/lit.js';
import { announce } from '../a11y.js';
import { api, Problem } from '../api.js';
import { draft } from '../draft.js';
import { problemText, t } from '../i18n.js';
import { setQuery } from '../router.js';
import { apiButton } from './apicall.js';
import { icon } from './icons.js';

export class Question {
  #text = '';
  #asked = ''; /* what was asked last, so that drawing again does not ask again */
  #shown = ''; /* the text in it */
  #problem = '';
  #call = null;

  constructor(given) {
    Object.assign(this, given);
    this.answers = null;
  }

  /** Asks when something else is wanted than last time: another text, listener or draft. */
  ask(text, listener) {
    const wanted = !text || !listener ? '' : JSON.stringify([listener, text, draft.base, draft.items]);
    if (wanted === this.#asked) return;
    this.#asked = wanted;
    if (wanted === '') this.answers = null;
    else this.#run(text, listener, wanted);
  }

  async #run(text, listener, wanted) {
    const isNews = text !== this.#shown;
    const body = this.body(text, listener);
    const query = draft.count > 0 ? { draft: 'me' } : {};
    this.#shown = text;
    if (isNews) this.#text = text;
    this.#call = { method: 'POST', path: this.path, body, query };
    try {
      const code = this.check(text);
      if (code) throw new Problem(422, { code });
      const [now, after] = await Promise.all([api.post(this.path, body), draft.count > 0 ? api.post(this.path, body, { query }) : null]);
      if (this.#asked !== wanted) return;
      this.answers = { text, now: now.data, after: after?.data ?? null };
      this.#problem = '';
      if (isNews) announce(this.sentence(this.answers.after ?? this.answers.now));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (this.#asked !== wanted) return;
      this.answers = null;
      this.#problem = problemText(problem);
    }
    this.update();
  }

  #verdict = (answer, title, isChanged) => html`<section class="verdict ${isChanged ? 'verdict-changed' : ''}"><h3>${title}</h3>${this.card(answer)}</section>`;

  #results() {
    if (this.answers === null) return nothing;
    const { now, after } = this.answers;
    const isSame = after === null || JSON.stringify(now) === JSON.stringify(after);
    const clear = () => {
      this.#text = '';
      this.#shown = '';
      setQuery({ [this.name]: '' });
    };
    return html`<div class="verdicts">
      ${isSame ? this.#verdict(now, t(after === null ? 'ask.now' : 'ask.same'), false) : html`
        <p class="verdict-note">${icon('warn')}<span>${t('ask.changes')}</span></p>
        ${this.#verdict(now, t('ask.now'), false)}${this.#verdict(after, t('ask.after'), true)}`}
      <div class="verdict-foot"><button type="button" class="button button-small" @click=${clear}>${t('ask.clear')}</button>
        ${apiButton(() => this.#call)}</div></div>`;
  }

  template(listener) {
    const id = `ask-${this.name}`;
    const submit = (event) => {
      event.preventDefault();
      const text = this.#text.trim();
      this.#problem = '';
      this.#asked = '';
      this.#shown = '';
      if (text !== '') setQuery({ [this.name]: text });
      else this.update();
    };
    return html`<div class="card question"><form @submit=${submit}>
        <h2><label for=${id}>${this.title}</label></h2>
        <p class="muted" id="${id}-help">${this.help(listener)}</p>
        <div class="question-row"><input class="control" id=${id} data-filter=${this.isFilter ? '' : nothing} autocomplete="off" spellcheck="false" placeholder=${this.placeholder}
          aria-describedby=${this.#problem ? `${id}-error` : `${id}-help`} aria-invalid=${this.#problem ? 'true' : nothing}
          .value=${live(this.#text)} @input=${(event) => { this.#text = event.target.value; }}>
          <button class="button button-primary">${t('action.test')}</button></div>
        ${this.#problem ? html`<p class="field-error" id="${id}-error" role="alert">${icon('warn')}<span>${this.#problem}</span></p>` : nothing}
      </form>${this.#results()}</div>`;
  }
}
