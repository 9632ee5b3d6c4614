/* When certificates end, as a picture: a lane for each, a line for today, hatched the time in which the
 * next one should be had. Lengths are shares of the width, so it is never scaled and its words stay
 * readable at any width. */
import { html, nothing, svg } from '../../vendor/lit.js';
import { date, month, t } from '../i18n.js';

const DAY_MS = 86400000;
const TOP = 26, LANE = 44, BAR = 12;
const LONGEST_DAYS = 420, SHORTEST_DAYS = 90;
const TICKS_MAX = 6;

/** The stretch of time that is shown: what there is of it, between 90 and 420 days, a seventh of it past. */
export function spanOf(lanes, now) {
  const last = Math.max(...lanes.map((lane) => lane.to));
  const ahead = Math.min(LONGEST_DAYS, Math.max(SHORTEST_DAYS, ((last - now) / DAY_MS) * 1.06));
  return { start: now - (ahead / 6) * DAY_MS, end: now + ahead * DAY_MS };
}

/** First days of months within the span, at most TICKS_MAX. */
export function ticksOf({ start, end }) {
  const months = (end - start) / (30.4 * DAY_MS);
  const step = [1, 2, 3, 4, 6, 12].find((each) => months / each <= TICKS_MAX) || 12;
  const first = new Date(start);
  const ticks = [];
  for (let i = 0; ticks.length < 40; i++) {
    const at = Date.UTC(first.getUTCFullYear(), i);
    if (at >= end) return ticks;
    if (at > start && i % step === 0) ticks.push(at);
  }
  return ticks;
}

const share = (span, at) => Math.max(0, Math.min(100, ((at - span.start) / (span.end - span.start)) * 100));
const percent = (value) => `${value.toFixed(2)}%`;

function bar(span, from, to, y, kind) {
  const [x, end] = [share(span, from), share(span, to)];
  if (end <= x) return nothing;
  return svg`<rect class=${kind} x=${percent(x)} width=${percent(end - x)} y=${y} height=${BAR} rx="3"></rect>`;
}

function lane(span, each, i) {
  const y = TOP + i * LANE;
  return svg`<rect class="expiry-track" x="0" width="100%" y=${y + 22} height=${BAR} rx="3"></rect>
    ${bar(span, each.from, each.to, y + 22, `expiry-life expiry-${each.dot}`)}
    <rect class="expiry-life expiry-${each.dot}" x=${percent(Math.max(0, share(span, each.to) - 0.6))} width="5" y=${y + 22} height=${BAR} rx="2"></rect>
    ${each.renew < each.to ? svg`<rect class="expiry-hatch" fill="url(#expiry-hatch)" x=${percent(share(span, each.renew))} y=${y + 22}
      width=${percent(share(span, each.to) - share(span, each.renew))} height=${BAR}></rect>` : nothing}`;
}

function label(span, now, each, i) {
  const kind = each.to < now ? 'ended' : each.to > span.end ? 'beyond' : 'ends';
  const ends = t(`expiry.${kind}`, { date: date(each.to) });
  return svg`<text class="expiry-name" x="0" y=${TOP + i * LANE + 15}>${each.name} <tspan class="expiry-more" dx="6">${ends}</tspan></text>`;
}

const words = (lanes) => lanes.map((each) => t('expiry.lane', { name: each.name, end: date(each.to), renew: date(each.renew) })).join(' ');

/**
 * @param {{name: string, from: number, to: number, renew: number, dot: string}[]} lanes times in ms
 */
export function expiryPicture(lanes, now = Date.now()) {
  if (lanes.length === 0) return nothing;
  const span = spanOf(lanes, now);
  const height = TOP + lanes.length * LANE;
  const today = share(span, now);
  const isFree = (at) => Math.abs(share(span, at) - today) > 9 && share(span, at) > 5 && share(span, at) < 92;
  const named = ticksOf(span).filter(isFree);
  const kind = (at) => (named.indexOf(at) % 2 === 1 ? 'expiry-month expiry-between' : 'expiry-month'); /* narrow: every other one */
  return html`<svg class="expiry" role="img" aria-label="${t('expiry.title')}: ${words(lanes)}" width="100%" height=${height} focusable="false">
    <defs><pattern id="expiry-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="expiry-stripe" width="3" height="6"></rect></pattern></defs>
    ${ticksOf(span).map((at) => svg`<line class="expiry-tick" x1=${percent(share(span, at))} x2=${percent(share(span, at))} y1="20" y2=${height}></line>
      ${isFree(at) ? svg`<text class=${kind(at)} x=${percent(share(span, at))} y="13" text-anchor="middle">${month(at)}</text>` : nothing}`)}
    ${lanes.map((each, i) => lane(span, each, i))}
    <line class="expiry-today" x1=${percent(today)} x2=${percent(today)} y1="18" y2=${height}></line>
    ${lanes.map((each, i) => label(span, now, each, i))}
    <text class="expiry-now" x=${percent(today)} y="13" text-anchor="middle">${t('expiry.today')}</text>
  </svg>
  <ul class="expiry-legend" aria-hidden="true"><li><span class="legend-life"></span>${t('expiry.valid')}</li><li><span class="legend-hatch"></span>${t('expiry.renew')}</li></ul>`;
}
