/* Short news at the corner: what an action did. They go by themselves unless the pointer or the focus
 * is on them; what must not be missed belongs on the page instead. */
import { html, render, nothing } from '../../vendor/lit.js';
import { t } from '../i18n.js';
import { icon } from './icons.js';

const SHOWN_MS = 8000;
let toasts = [];

const root = () => document.querySelector('#toasts');
const draw = () => render(toasts.map(template), root());

function close(toast) {
  clearTimeout(toast.timer);
  toasts = toasts.filter((each) => each !== toast);
  draw();
}

function hold(toast) {
  clearTimeout(toast.timer);
}

function release(toast) {
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => close(toast), SHOWN_MS);
}

function template(toast) {
  const { text, more, kind, action } = toast;
  return html`<div class="toast toast-${kind}" @pointerenter=${() => hold(toast)} @pointerleave=${() => release(toast)}
      @focusin=${() => hold(toast)} @focusout=${() => release(toast)}>
    <span class="toast-icon">${icon(kind === 'bad' ? 'warn' : 'check')}</span>
    <p><strong>${text}</strong>${more ? html` ${more}` : nothing}</p>
    ${action ? html`<a class="button button-small" href=${action.href} @click=${() => close(toast)}>${action.label}</a>` : nothing}
    <button type="button" class="icon-button" aria-label=${t('action.dismiss')} @click=${() => close(toast)}>${icon('close')}</button>
  </div>`;
}

/** Takes away toasts that only lead to where one is now. */
export function dropToastsTo(path) {
  for (const each of toasts.filter((toast) => toast.action?.href === path)) close(each);
}

/**
 * @param {{text: string, more?: string, kind?: 'ok'|'bad', action?: {label: string, href: string}}} given
 */
export function toast(given) {
  const made = { kind: 'ok', ...given };
  toasts = [...toasts.slice(-2), made];
  draw();
  release(made);
}
