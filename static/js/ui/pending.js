/* The drawer with my pending changes, on every page: what they are at a glance, and the way to Review. */
import { html, render, nothing } from '../../vendor/lit.js';
import { draft } from '../draft.js';
import { t } from '../i18n.js';
import { uniqueId } from '../a11y.js';
import { diffItem } from './diff.js';
import { icon } from './icons.js';
import { empty, notice } from './state.js';

const id = uniqueId('pending');
let place = null;

const close = () => place?.firstElementChild?.close();

function draw() {
  if (place === null) return;
  const { count, items, conflicts } = draft;
  render(html`<dialog class="sheet" aria-labelledby=${id} @close=${end} @click=${(event) => event.target.closest('a') && close()}>
    <header class="sheet-head"><div><h2 id=${id} tabindex="-1" autofocus>${count > 0 ? t('pending.some', { n: count }) : t('pending.title')}</h2>
      ${count > 0 ? html`<p class="page-lead">${t('pending.lead')}</p>` : nothing}</div>
      <button type="button" class="icon-button" aria-label=${t('action.close')} @click=${close}>${icon('close')}</button></header>
    <div class="sheet-body">
      ${conflicts.length > 0 ? notice('warn', html`<p>${t('conflict.title', { n: conflicts.length })}</p>`) : nothing}
      ${count === 0 ? empty({ title: t('changes.empty'), text: t('changes.empty_text'), glyph: 'check' })
        : html`<div class="diff">${items.map((item) => diffItem(item))}</div>`}
    </div>
    ${count > 0 ? html`<footer class="form-foot sheet-foot"><a class="button button-primary" href="/ui/changes">${t('pending.review')}</a></footer>` : nothing}
  </dialog>`, place);
}

function end() {
  if (place === null) return;
  render(nothing, place);
  place.remove();
  place = null;
}

draft.on(draw);

export function openPending() {
  if (place !== null) return;
  place = document.querySelector('#layers').appendChild(document.createElement('div'));
  draw();
  place.firstElementChild.showModal();
}
