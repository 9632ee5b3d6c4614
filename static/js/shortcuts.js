/* Keys that save a way to the mouse: `/` filter, `n` new, `g` and a letter to a page, `?` this list.
 * They are single letters, so they can be switched off (WCAG 2.1.4), and they wait while somebody
 * types, composes a syllable or has a dialog open. */
import { html } from '../vendor/lit.js';
import { t } from './i18n.js';
import { go } from './router.js';
import { routes } from './routes.js';
import { can } from './session.js';
import { dialog } from './ui/dialog.js';

const STORED = 'postern.shortcuts';
const WAIT_MS = 1200; /* for the letter after `g` */

let isAfterG = false;
let timer = 0;

const isOn = () => localStorage.getItem(STORED) !== 'off';
const lead = () => routes.filter((route) => route.keys && can(route.scope));

const row = (keys, text) => html`<div class="key-row"><dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${text}</dd></div>`;

export function showShortcuts() {
  const set = (event) => localStorage.setItem(STORED, event.target.checked ? 'on' : 'off');
  dialog({
    title: t('shell.shortcuts'),
    body: () => html`<dl class="key-list">
      ${row(['/'], t('shortcut.filter'))}${row(['n'], t('shortcut.new'))}${row(['Ctrl', '⏎'], t('shortcut.commit'))}${row(['Alt', '↑ ↓'], t('shortcut.move'))}${row(['?'], t('shortcut.help'))}
      ${lead().map((route) => row(['g', route.keys], t(route.title)))}</dl>
      <label class="tick"><input type="checkbox" .checked=${isOn()} @change=${set}><span>${t('shortcut.on')}</span></label>`,
  });
}

function press(element) {
  if (!element) return false;
  element.matches('input') ? element.focus() : element.click();
  return true;
}

function afterG(key) {
  isAfterG = false;
  const route = lead().find((each) => each.keys === key);
  if (route) go(route.path.replace(/\/:.*/, ''));
  return route !== undefined;
}

function onKey(event) {
  const isTyping = event.target.matches?.('input, textarea, select, [contenteditable]');
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || isTyping || !isOn()) return;
  if (document.querySelector('dialog[open]') || document.body.classList.contains('is-bare')) return;
  const key = event.key;
  let isDone = false;
  if (isAfterG) isDone = afterG(key);
  else if (key === '/') isDone = press(document.querySelector('[data-filter]'));
  else if (key === 'n') isDone = press(document.querySelector('[data-new]'));
  else if (key === '?') {
    showShortcuts();
    isDone = true;
  } else if (key === 'g') {
    isAfterG = true;
    clearTimeout(timer);
    timer = setTimeout(() => { isAfterG = false; }, WAIT_MS);
  }
  if (isDone) event.preventDefault();
}

export const startShortcuts = () => document.addEventListener('keydown', onKey);
