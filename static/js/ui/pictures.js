/* Small pictures of numbers, our own SVG. Each stands beside the numbers that it shows: a donut has a
 * sentence for those who do not see it, a sparkline says nothing that is not in the table below. */
import { html, svg } from '../../vendor/lit.js';

const RADIUS = 40;
const ROUND = 2 * Math.PI * RADIUS;
const GAP = 2;
const HEIGHT = 24;
const ROOM = 1.2; /* above the largest value of a line */

/**
 * @param {{label: string, middle: string, below?: string, parts: {kind: string, n: number}[]}} given
 *     label: what it shows, as a sentence; kind: class part-KIND gives the colour
 */
export function donut({ label, middle, below = '', parts }) {
  const all = parts.reduce((sum, { n }) => sum + n, 0);
  const gap = parts.filter(({ n }) => n > 0).length > 1 ? GAP : 0;
  let at = 0;
  const arcs = parts.filter(({ n }) => n > 0).map(({ kind, n }) => {
    const length = (n / all) * ROUND;
    const arc = svg`<circle class="donut-part part-${kind}" cx="50" cy="50" r=${RADIUS} fill="none" stroke-width="14"
      stroke-dasharray="${Math.max(0.5, length - gap)} ${ROUND}" stroke-dashoffset=${-at} transform="rotate(-90 50 50)"/>`;
    at += length;
    return arc;
  });
  return html`<svg class="donut" viewBox="0 0 100 100" width="116" height="116" role="img" aria-label=${label} focusable="false">
    <circle class="donut-ground" cx="50" cy="50" r=${RADIUS} fill="none" stroke-width="14"/>${arcs}
    <text class="donut-middle" x="50" y=${below ? 50 : 56} text-anchor="middle" aria-hidden="true">${middle}</text>
    <text class="donut-below" x="50" y="64" text-anchor="middle" aria-hidden="true">${below}</text></svg>`;
}

/** The colour of a part beside its name. */
export const swatch = (kind) => html`<svg class="swatch" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true" focusable="false">
  <rect class="part-fill part-${kind}" width="10" height="10" rx="2"/></svg>`;

/** @param {number[]} values from old to new; drawn from zero to the largest of them */
export function sparkline(values) {
  const top = Math.max(1, ...values) * ROOM;
  const last = values.length - 1;
  const y = (n) => (HEIGHT - 1.5 - (n / top) * (HEIGHT - 3)).toFixed(1);
  const points = values.map((n, i) => `${((i / last) * 120).toFixed(1)},${y(n)}`).join(' ');
  return html`<svg class="spark" viewBox="0 0 120 ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">
    <polygon class="spark-area" points="0,${HEIGHT} ${points} 120,${HEIGHT}"/>
    <polyline class="spark-line" points=${points} fill="none" vector-effect="non-scaling-stroke"/></svg>`;
}
