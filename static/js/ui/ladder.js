/* A choice between levels that follow from each other: a rung each with its word, a sentence, and what
 * happens when it fails. For rows whose words need to be understood before one is chosen; which ones
 * these are stands in sections.js (`ladders`). */
import { html, live, nothing } from '../../vendor/lit.js';
import { firstOf, t } from '../i18n.js';
import { wordHelpOf, wordOf } from '../schema.js';
import { shield } from '../pic/shield.js';

/** What happens when a level cannot be kept, or ''. */
export const failureOf = (path, row, word) => firstOf([`word.${path}.${row.key}.${word}.fail`]);

function rung(form, row, pointer, word, i) {
  const value = form.get(pointer);
  const failure = failureOf(form.path, row, word);
  const id = form.idOf(pointer, word);
  return html`<label class="level ${word === value ? 'level-on' : ''}">
    <input type="radio" name=${form.idOf(pointer)} id=${i === 0 ? form.idOf(pointer) : nothing} value=${word} .checked=${live(word === value)}
      ?disabled=${form.isFixed(row)} aria-describedby=${id} @change=${() => form.set(pointer, word)}>
    ${shield(word, 20)}
    <span class="level-text"><strong>${wordOf(form.path, row, word)}</strong>
      <span class="level-more" id=${id}><span>${wordHelpOf(form.path, row, word)}</span>
        ${failure ? html`<span class="level-fail"><span class="level-fail-head">${t('level.fails')}</span> ${failure}</span>` : nothing}</span></span>
  </label>`;
}

/** @param {string[]} words of the row that may be chosen here */
export const ladder = (form, row, pointer, words) => html`<div class="levels" role="radiogroup" aria-labelledby=${form.idOf(pointer, 'label')}
  aria-describedby=${form.errorOf(pointer) ? form.idOf(pointer, 'error') : nothing}>${words.map((word, i) => rung(form, row, pointer, word, i))}</div>`;
