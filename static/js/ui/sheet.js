/* A form at the side of a list, a whole page on phones. It has an address of its own: closing it is
 * going back to the list's. On the browser's own <dialog>, so the focus stays in and returns.
 *
 *   sheet({ title, lead, closeHref, body })   drawn by the page as long as its address names it */
import { html, nothing, ref } from '../../vendor/lit.js';
import { uniqueId } from '../a11y.js';
import { t } from '../i18n.js';
import { go } from '../router.js';
import { modal } from './dialog.js';
import { icon } from './icons.js';

const id = uniqueId('sheet');


export function sheet({ title, english, lead, closeHref, body }) {
  const onCancel = (event) => {
    event.preventDefault(); /* the address decides whether it is open */
    go(closeHref);
  };
  return html`<dialog class="sheet" aria-labelledby=${id} ${ref(modal)} @cancel=${onCancel}>
    <header class="sheet-head">
      <div><h2 id=${id} tabindex="-1" autofocus>${title}${english ? html` <span class="page-english" lang="en">(${english})</span>` : nothing}</h2>
        ${lead ? html`<p class="page-lead">${lead}</p>` : nothing}</div>
      <a class="icon-button" href=${closeHref} aria-label=${t('action.close')}>${icon('close')}</a>
    </header>
    <div class="sheet-body">${body}</div>
  </dialog>`;
}
