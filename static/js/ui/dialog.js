/* Dialogs over the page, on the browser's own <dialog>: focus goes in and comes back, Escape closes.
 *
 *   const answer = await dialog({ title, body: (close) => html`…`, actions: (close) => html`…` });
 *   if (await confirm({ title, body, action: t('action.delete'), kind: 'bad' })) …
 *
 * close(value) ends it; Escape ends it with undefined. The page's `update` does not reach inside: pass
 * `draw: (redraw) => …` to get the dialog's own. */
import { html, nothing, render } from '../../vendor/lit.js';
import { uniqueId } from '../a11y.js';
import { t } from '../i18n.js';
import { icon } from './icons.js';

/** For ref() of a dialog in a page's own template: opens it once it is in the document. */
export function modal(element) {
  queueMicrotask(() => {
    if (element?.isConnected && !element.open) element.showModal();
  });
}

const layers = () => document.querySelector('#layers');

/**
 * @param {{title: string, body: (close: (value?: unknown) => void) => unknown,
 *          actions?: (close: (value?: unknown) => void) => unknown,
 *          size?: 'small'|'wide', onDraw?: (redraw: () => void) => void}} given
 * @returns {Promise<unknown>} what close() was given
 */
export function dialog(given) {
  const place = layers().appendChild(document.createElement('div'));
  const id = uniqueId('dialog');
  return new Promise((resolve) => {
    let result;
    const close = (value) => {
      result = value;
      place.firstElementChild.close();
    };
    const onClose = () => {
      render(nothing, place);
      place.remove();
      resolve(result);
    };
    const draw = () => render(html`<dialog class="dialog dialog-${given.size || 'small'}" aria-labelledby=${id} @close=${onClose}>
        <header class="dialog-head">
          <h2 id=${id}>${given.title}</h2>
          <button type="button" class="icon-button" aria-label=${t('action.close')} @click=${() => close()}>${icon('close')}</button>
        </header>
        <div class="dialog-body">${given.body(close)}</div>
        ${given.actions ? html`<footer class="dialog-foot">${given.actions(close)}</footer>` : nothing}
      </dialog>`, place);
    draw();
    given.onDraw?.(draw);
    place.firstElementChild.showModal();
  });
}

/**
 * @param {{title: string, body: unknown, action: string, kind?: 'primary'|'bad'}} given
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, body, action, kind = 'primary' }) {
  const answer = await dialog({
    title,
    body: () => body,
    actions: (close) => html`
      <button type="button" class="button" @click=${() => close(false)}>${t('action.cancel')}</button>
      <button type="button" class="button button-${kind}" @click=${() => close(true)}>${action}</button>`,
  });
  return answer === true;
}

/** Closes what is open: the page below has changed. */
export function closeDialogs() {
  for (const each of layers().querySelectorAll('dialog[open]')) each.close();
}
