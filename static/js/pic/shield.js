/* A shield that says how much a level of TLS protects, always beside the word for it: an outline for
 * none, half of it for "if possible", all of it for "must", with a tick where identity is proved. */
import { html, svg } from '../../vendor/lit.js';
import { wordOf } from '../schema.js';

const OUTLINE = 'M8 1.75 2.75 3.9v3.9c0 3.2 2.2 5.4 5.25 6.45 3.05-1.05 5.25-3.25 5.25-6.45V3.9z';
const HALF = 'M8 1.75 2.75 3.9v3.9c0 3.2 2.2 5.4 5.25 6.45z';

const outline = svg`<path d=${OUTLINE}/>`;
const half = svg`<path d=${HALF} fill="currentColor"/>${outline}`;
const full = svg`<path d=${OUTLINE} fill="currentColor"/>`;
const tick = svg`<path class="shield-tick" d="m5.4 7.9 1.9 1.9 3.4-3.7"/>`;

const LEVELS = {
  default: { kind: 'default', inside: svg`<path d=${OUTLINE} stroke-dasharray="2 2"/>` },
  off: { kind: 'none', inside: svg`${outline}<path d="M2.5 13.5l11-11"/>` },
  preferred: { kind: 'some', inside: half },
  required: { kind: 'full', inside: full },
  preferred_verify: { kind: 'some', inside: svg`${half}<path d="m9.2 8 1 1 1.8-2"/>` },
  required_verify: { kind: 'full', inside: svg`${full}${tick}` },
  required_verify_hosted: { kind: 'full', inside: svg`${full}${tick}<path class="shield-tick" d="M6 11.6h4"/>` },
};
LEVELS.none = LEVELS.off;

/** @param {string} level a word of a row `tls` */
export function shield(level, size = 16) {
  const { kind, inside } = LEVELS[level] || LEVELS.default;
  return html`<svg class="shield shield-${kind}" viewBox="0 0 16 16" width=${size} height=${size} fill="none" stroke="currentColor"
    stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${inside}</svg>`;
}

/** Shield and word of a row's value: "Required". */
export const tlsWord = (path, row, level, extra = '') => html`<span class="tls-word ${extra}">${shield(level)}<span>${wordOf(path, row, level)}</span></span>`;
