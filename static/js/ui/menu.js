/* A button that opens a list of choices under it, on the browser's own popover: Escape and a click
 * elsewhere close it. The arrow keys walk through the choices.
 *
 *   menu({ label, content: html`…`, items: [{ label, icon?, href? | onSelect?, kind?, checked? }] }) */
import { html, nothing } from '../../vendor/lit.js';
import { uniqueId } from '../a11y.js';
import { icon } from './icons.js';

const focusables = (list) => [...list.querySelectorAll('a, button')];

function place(event) {
  if (event.newState !== 'open') return;
  const list = event.target;
  const button = list.previousElementSibling.getBoundingClientRect();
  const width = list.offsetWidth;
  const left = Math.max(8, Math.min(button.right - width, innerWidth - width - 8));
  const isBelow = button.bottom + list.offsetHeight + 8 < innerHeight || button.top < list.offsetHeight;
  list.style.left = `${left}px`; /* through the CSSOM, which the content security policy lets pass */
  list.style.top = `${isBelow ? button.bottom + 4 : button.top - list.offsetHeight - 4}px`;
  (list.querySelector('[aria-checked="true"]') || focusables(list)[0])?.focus();
}

function onKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.isComposing) return;
  event.preventDefault();
  const all = focusables(event.currentTarget);
  all.at((all.indexOf(document.activeElement) + step) % all.length)?.focus();
}

function entry(item, list) {
  const inside = html`${item.icon ? icon(item.icon) : nothing}<span>${item.label}</span>${item.checked ? icon('check') : nothing}`;
  const close = () => document.getElementById(list)?.hidePopover();
  if (item.href) return html`<a class="menu-item" role="menuitem" href=${item.href} @click=${close}>${inside}</a>`;
  const isChoice = item.checked !== undefined;
  return html`<button type="button" class="menu-item ${item.kind || ''}" role=${isChoice ? 'menuitemradio' : 'menuitem'}
    aria-checked=${isChoice ? String(item.checked) : nothing} @click=${() => { close(); item.onSelect(); }}>${inside}</button>`;
}

const ids = new Map(); /* by name, so that drawing again keeps the id */

/**
 * @param {{name: string, label: string, content: unknown, items: object[], kind?: string, head?: unknown}} given
 *     name: unique on the page; kind: class of the button
 */
export function menu({ name, label, content, items, kind = 'icon-button', head }) {
  if (!ids.has(name)) ids.set(name, uniqueId('menu'));
  const id = ids.get(name);
  return html`<button type="button" class=${kind} popovertarget=${id} aria-haspopup="menu" aria-label=${label} title=${label}>${content}</button>
    <div class="menu" popover id=${id} @toggle=${place} @keydown=${onKey}>
      ${head ? html`<div class="menu-head">${head}</div>` : nothing}
      <div role="menu" aria-label=${label}>${items.map((item) => entry(item, id))}</div>
    </div>`;
}
