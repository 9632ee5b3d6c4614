/* Our own glyphs: 16 x 16, strokes of 1.5 in the colour of the text around them. An icon is decoration
 * and hidden from screen readers; what it means stands beside it or in the control's label. */
import { html, svg } from '../../vendor/lit.js';

const PATHS = {
  add: svg`<path d="M8 3v10M3 8h10"/>`,
  back: svg`<path d="M10 3 5 8l5 5"/>`,
  bars: svg`<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>`,
  check: svg`<path d="m3 8.5 3.5 3.5L13 4.5"/>`,
  chevron: svg`<path d="m5 6.5 3 3 3-3"/>`,
  clock: svg`<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.25 1.5"/>`,
  close: svg`<path d="m4 4 8 8M12 4l-8 8"/>`,
  code: svg`<path d="m5 4.5-3 3.5 3 3.5M11 4.5 14 8l-3 3.5M9 3.5l-2 9"/>`,
  copy: svg`<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5V4A1.5 1.5 0 0 0 9 2.5H4A1.5 1.5 0 0 0 2.5 4v5A1.5 1.5 0 0 0 4 10.5h1.5"/>`,
  down: svg`<path d="M8 3v10M4 9l4 4 4-4"/>`,
  edit: svg`<path d="m3 13 .6-2.9 7.3-7.3a1.4 1.4 0 0 1 2 0l.3.3a1.4 1.4 0 0 1 0 2L5.9 12.4z"/>`,
  globe: svg`<circle cx="8" cy="8" r="5.75"/><path d="M2.5 8h11M8 2.25c3.4 3.4 3.4 8.1 0 11.5M8 2.25c-3.4 3.4-3.4 8.1 0 11.5"/>`,
  grip: svg`<path d="M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01" stroke-width="2" stroke-linecap="round"/>`,
  info: svg`<circle cx="8" cy="8" r="5.75"/><path d="M8 7.5V11M8 5h.01"/>`,
  link: svg`<path d="M6.5 3.5H4A1.5 1.5 0 0 0 2.5 5v7A1.5 1.5 0 0 0 4 13.5h7a1.5 1.5 0 0 0 1.5-1.5V9.5M9 2.5h4.5V7M13.5 2.5 7.5 8.5"/>`,
  lock: svg`<rect x="3" y="7" width="10" height="6.5" rx="1.5"/><path d="M5.25 7V5a2.75 2.75 0 0 1 5.5 0v2"/>`,
  mail: svg`<rect x="2" y="3.5" width="12" height="9" rx="1.5"/><path d="m2.5 5 5.5 4 5.5-4"/>`,
  minus: svg`<path d="M3 8h10"/>`,
  monitor: svg`<path d="M2.5 12.5v-3M6.2 12.5V6M9.8 12.5V8M13.5 12.5v-9"/>`,
  moon: svg`<path d="M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z"/>`,
  network: svg`<rect x="5.75" y="2.25" width="4.5" height="3.5" rx="1"/><rect x="1.75" y="10.25" width="4.5" height="3.5" rx="1"/><rect x="9.75" y="10.25" width="4.5" height="3.5" rx="1"/><path d="M8 5.75V8M4 10.25V8h8v2.25"/>`,
  offline: svg`<path d="M2 6.2a9 9 0 0 1 12 0M4.2 8.8a5.7 5.7 0 0 1 7.6 0M8 12h.01M2.5 2.5l11 11"/>`,
  order: svg`<path d="M5 13V3M2.5 5.5 5 3l2.5 2.5M11 3v10M8.5 10.5 11 13l2.5-2.5"/>`,
  pause: svg`<path d="M5.5 3.5v9M10.5 3.5v9"/>`,
  play: svg`<path d="M5 3.25v9.5L12.5 8z"/>`,
  policy: svg`<path d="M8 2 3 4v4c0 3 2.2 5.1 5 6 2.8-.9 5-3 5-6V4z"/><path d="m5.75 8 1.6 1.6 2.9-3"/>`,
  remove: svg`<path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M7 7v4M9 7v4"/>`,
  reset: svg`<path d="M3 3.5V7h3.5M3.2 7a5.2 5.2 0 1 1-.2 2.3"/>`,
  search: svg`<circle cx="7" cy="7" r="4.25"/><path d="m10.25 10.25 3.25 3.25"/>`,
  sun: svg`<circle cx="8" cy="8" r="2.75"/><path d="M8 1.75v1.5M8 12.75v1.5M1.75 8h1.5M12.75 8h1.5M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1"/>`,
  auto: svg`<circle cx="8" cy="8" r="5.75"/><path d="M8 2.25v11.5a5.75 5.75 0 0 0 0-11.5z" fill="currentColor"/>`,
  system: svg`<path d="M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6"/><circle cx="10.25" cy="4.5" r="1.75"/><circle cx="5.75" cy="11.5" r="1.75"/>`,
  up: svg`<path d="M8 13V3M4 7l4-4 4 4"/>`,
  user: svg`<circle cx="8" cy="5.25" r="2.75"/><path d="M2.75 13.5c.5-2.8 2.5-4.25 5.25-4.25s4.75 1.45 5.25 4.25"/>`,
  warn: svg`<path d="M8 2.5 14 13H2zM8 6.5v3M8 11.25h.01"/>`,
};

/** @param {keyof typeof PATHS} name */
export const icon = (name) => html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" fill="none"
  stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"
  aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;

/** The product's mark: a small gate at the back of a wall. */
export const mark = () => html`<svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false">
  <path class="mark-wall" d="M4 29V14a12 12 0 0 1 24 0v15z"/>
  <path class="mark-gap" d="M10 29V15a6 6 0 0 1 12 0v14z"/>
  <path class="mark-wall" d="M12.5 29V16.2a3.5 3.5 0 0 1 7 0V29z"/></svg>`;

/* Circle, triangle, square: the state is told by shape and word, never by colour alone. */
const SHAPES = {
  ok: svg`<circle cx="5" cy="5" r="4"/>`,
  warn: svg`<path d="M5 .8 9.6 9H.4z"/>`,
  bad: svg`<rect x="1" y="1" width="8" height="8" rx="1"/>`,
  off: svg`<circle cx="5" cy="5" r="3.25" fill="none" stroke="currentColor" stroke-width="1.5"/>`,
};

/** Dot and word. @param {'ok'|'warn'|'bad'|'off'} state */
export const status = (state, text) => html`<span class="status status-${state}"><svg viewBox="0 0 10 10" width="10"
  height="10" fill="currentColor" aria-hidden="true" focusable="false">${SHAPES[state]}</svg><span>${text}</span></span>`;
