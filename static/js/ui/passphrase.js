/* A new passphrase, typed twice, with a word on how hard it is to guess. The word is a hint: the server
 * only asks for the least length. */
import { html, nothing, svg } from '../../vendor/lit.js';
import { Problem } from '../api.js';
import { t } from '../i18n.js';
import { textField } from './ask.js';

const KINDS = [[/[a-z]/, 26], [/[A-Z]/, 26], [/\d/, 10], [/[^\x00-\x7f]/, 200], [/[^A-Za-z0-9\u0080-\uffff]/, 32]];
const LEVELS = [[75, 'good', 3], [50, 'fair', 2], [0, 'weak', 1]];

/** Bits, roughly: what repeats counts once or twice. */
export function bitsOf(text) {
  const signs = [...text];
  const pool = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(text) ? size : 0), 0);
  return pool === 0 ? 0 : Math.min(signs.length, new Set(signs).size * 2) * Math.log2(pool);
}

/** @returns {[word: string, bars: number]} */
export function strengthOf(text) {
  const [, word, bars] = LEVELS.find(([least]) => bitsOf(text) >= least);
  return [word, bars];
}

function meter(text) {
  const [word, bars] = strengthOf(text);
  return html`<span class="strength strength-${word}"><svg width="66" height="6" aria-hidden="true" focusable="false">${[0, 1, 2].map((i) => svg`<rect
    class=${i < bars ? 'strength-on' : 'strength-off'} x=${i * 23} width="20" height="6" rx="2"></rect>`)}</svg><span>${t(`strength.${word}`)}</span></span>`;
}

/**
 * Two fields, `${id}` and `${id}-again`. STATE is an object of the caller's that keeps what is typed.
 * @param {{id: string, label: string, least: number, form: object, state: {text?: string}, pointer: string, first?: boolean}} given
 */
export function newPassphrase({ id, label, least, form, state, pointer, first = false }) {
  const onInput = (event) => {
    state.text = event.target.value;
    form.redraw();
  };
  return html`${textField({
    id, label, least, first, most: 1024, type: 'password', autocomplete: 'new-password', error: form.errorOf(pointer), onInput,
    help: html`${t('strength.help', { n: least })} ${state.text ? meter(state.text) : nothing}`,
  })}
  ${textField({ id: `${id}-again`, label: t('setup.again'), type: 'password', autocomplete: 'new-password' })}`;
}

/** What was typed, if both are alike. */
export function readPassphrase(elements, id) {
  const { value } = elements[id];
  if (value !== elements[`${id}-again`].value) throw new Problem(422, { code: 'setup.passwords_differ' });
  return value;
}
