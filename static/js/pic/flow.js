/* The way of a message into the queue, as stages with arrows between: each stage a link to the page that
 * decides there. Glyphs and arrows are SVG; the words are text, so that they wrap, translate and are read
 * aloud in their order. */
import { html, svg } from '../../vendor/lit.js';

const GLYPHS = {
  internet: svg`<circle cx="16" cy="16" r="11"/><path d="M5.5 16h21M16 5c6.4 6.6 6.4 15.4 0 22M16 5c-6.4 6.6-6.4 15.4 0 22"/>`,
  listener: svg`<path d="M6 27V15a10 10 0 0 1 20 0v12z"/><path d="M12 27v-9a4 4 0 0 1 8 0v9M4 27h24"/>`,
  hat: svg`<path d="M10 5v22M22 5v22M10 10h12M10 16h12M10 22h12"/>`,
  policy: svg`<path d="M16 4.5 6.5 8.5v7c0 5.5 4 9.5 9.5 11.5 5.5-2 9.5-6 9.5-11.5v-7z"/><path d="m11.5 15.5 3.200 3.200 5.800-6.200"/>`,
  rat: svg`<rect x="5" y="8" width="22" height="16" rx="2"/><path d="m6 10 10 7 10-7M20 21.5l2 2 4-4"/>`,
  queue: svg`<path d="M6 9h20v5H6zM6 14h20v5H6zM6 19h20v5H6z"/><path d="M10 11.5h4M10 16.5h4M10 21.5h4"/>`,
  away: svg`<path d="M7 10h18M12 10V7.5h8V10M9.5 10l1 16h11l1-16M14 14.5v7M18 14.5v7"/>`,
};

const glyph = (name) => html`<svg class="flow-glyph" viewBox="0 0 32 32" width="32" height="32" fill="none" stroke="currentColor" stroke-width="1.6"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${GLYPHS[name]}</svg>`;

const arrow = () => html`<svg class="flow-arrow" viewBox="0 0 28 16" width="28" height="16" fill="none" stroke="currentColor" stroke-width="1.6"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d="M1 8h25M20 2.5 26 8l-6 5.5"/></svg>`;

/**
 * @param {{glyph: keyof typeof GLYPHS, title: string, lines: unknown[], href?: string, isOff?: boolean}[]} stages
 * @param {string} label of the picture
 */
export const flow = (stages, label) => html`<ol class="flow" aria-label=${label}>${stages.map((stage, i) => html`<li class="flow-step">
  ${i > 0 ? arrow() : ''}<div class="flow-stage ${stage.isOff ? 'flow-off' : ''}">${glyph(stage.glyph)}
  <div class="flow-text">${stage.href ? html`<a class="flow-title" href=${stage.href}>${stage.title}</a>` : html`<span class="flow-title">${stage.title}</span>`}
  ${stage.lines.map((line) => html`<span class="flow-line">${line}</span>`)}</div></div></li>`)}</ol>`;
