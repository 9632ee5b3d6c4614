/* A dialog that asks for a few things and sends them at once: what is about people and files, which no
 * draft holds. What the server says stands beside the field that its pointer names, the rest on top.
 *
 *   const made = await ask({
 *     title, lead, action: t('users.add'),
 *     fields: (form) => html`${textField({ id: 'name', label, help, error: form.errorOf('/name') })}`,
 *     send: async (elements) => (await api.post('/users', { name: elements.name.value })).data,
 *   });                                   undefined: it was closed
 *
 * withProof() around a call asks for the passphrase when the API wants it again (auth.reauth). */
import { html, nothing } from '../../vendor/lit.js';
import { uniqueId } from '../a11y.js';
import { api, Problem } from '../api.js';
import { problemText, t } from '../i18n.js';
import { apiButton } from './apicall.js';
import { dialog } from './dialog.js';
import { icon } from './icons.js';
import { notice, requestId } from './state.js';

/** A labelled input; ID is its name in `elements` too. */
export const textField = ({ id, label, help = '', error = '', type = 'text', value = '', autocomplete = 'off', required = true, first = false, ...more }) => html`<div class="field">
  <div class="field-head"><label for=${id}>${label}</label>${required ? nothing : html`<span class="field-default">${t('field.optional')}</span>`}</div>
  <input class="control ${more.kind || ''}" id=${id} name=${id} type=${type} .value=${value} autocomplete=${autocomplete} autocapitalize="none" spellcheck="false"
    ?required=${required} ?autofocus=${first} minlength=${more.least ?? nothing} maxlength=${more.most ?? nothing} min=${more.min ?? nothing} max=${more.max ?? nothing}
    aria-invalid=${error ? 'true' : nothing} aria-describedby="${id}-help${error ? ` ${id}-error` : ''}" @input=${more.onInput || nothing}>
  <p class="field-help" id="${id}-help">${help}</p>${error ? fieldError(id, error) : nothing}</div>`;

export const fieldError = (id, error) => html`<p class="field-error" id="${id}-error">${icon('warn')}<span>${error}</span></p>`;

/* One of a few words, each with its sentence. */
export const choiceField = ({ id, label, choices, value, error = '' }) => html`<fieldset class="field choices"><legend class="label">${label}</legend>
  ${choices.map((each) => html`<label class="tick choice-row"><input type="radio" name=${id} value=${each.value} .checked=${each.value === value}>
    <span><span class="choice-name">${each.label}</span><span class="muted choice-help">${each.help}</span></span></label>`)}
  ${error ? fieldError(id, error) : nothing}</fieldset>`;

/**
 * @param {{title: string, lead?: unknown, action: string, kind?: string, size?: string,
 *          fields: (form: {errorOf: (pointer: string) => string, redraw: () => void}) => unknown,
 *          send: (elements: HTMLFormControlsCollection) => Promise<unknown>,
 *          call?: (elements: HTMLFormControlsCollection) => object}} given
 *     call: what the button does, for "Show API call"; it must leave secrets out
 */
export function ask({ title, lead, action, kind = 'primary', size, fields, send, call }) {
  const id = uniqueId('ask');
  let redraw = () => {};
  let problem = null;
  let isBusy = false;
  const elements = () => document.getElementById(id).elements;
  const shown = () => new Set((problem?.errors || []).map((each) => each.pointer));
  const form = {
    errorOf: (pointer) => (problem?.errors || []).filter((each) => each.pointer === pointer).map(problemText).join(' '),
    redraw: () => redraw(),
  };

  async function submit(event, close) {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    problem = null;
    redraw();
    try {
      close((await send(elements())) ?? true);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
    } finally {
      isBusy = false;
      if (document.getElementById(id)) redraw();
    }
  }

  /* With fields that show it, the problem's own sentence says no more. */
  const summary = () => (problem === null || shown().size > 0 && [...shown()].every((pointer) => pointer !== '') ? nothing
    : notice('bad', html`<p>${problem.errors.length > 0 ? problem.errors.map(problemText).join(' ') : problemText(problem)}</p>
      ${problem.retryAfter ? html`<p>${t('login.wait', { n: problem.retryAfter })}</p>` : nothing}${requestId(problem)}`));

  return dialog({
    title, size,
    onDraw: (draw) => { redraw = draw; },
    body: (close) => html`${lead ? html`<p class="muted">${lead}</p>` : nothing}${summary()}
      <form class="ask" id=${id} @submit=${(event) => submit(event, close)}>${fields(form)}</form>`,
    actions: (close) => html`${call ? html`${apiButton(() => call(elements()))}<span class="form-foot-space"></span>` : nothing}
      <button type="button" class="button" @click=${() => close()}>${t('action.cancel')}</button>
      <button class="button button-${kind}" form=${id} ?disabled=${isBusy}>${isBusy ? t('action.sending') : action}</button>`,
  });
}

/** Asks for the passphrase again and proves it: good for five minutes. False: it was closed. */
export async function prove() {
  const done = await ask({
    title: t('prove.title'), lead: t('prove.lead'), action: t('prove.submit'),
    fields: () => textField({ id: 'proof', label: t('login.password'), type: 'password', autocomplete: 'current-password', first: true }),
    send: async ({ proof }) => {
      try {
        await api.post('/session/reauth', { password: proof.value }, { quiet: true });
      } catch (problem) {
        proof.select();
        throw problem.code === 'auth.login' ? new Problem(422, { code: 'prove.wrong' }) : problem;
      }
    },
  });
  return done === true;
}

/** Runs what the API may want to be proved first; asks, and runs it again. */
export async function withProof(run) {
  try {
    return await run();
  } catch (problem) {
    if (problem.code !== 'auth.reauth' || !(await prove())) throw problem;
  }
  return run();
}
