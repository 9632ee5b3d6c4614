/* Monitor > Overview, the first page: what needs somebody, then how it goes.
 *
 * It is read once, then told by the stream: events carry the counters of each second for the small
 * lines, and make the page ask for the rest now and then (refresh.js). Paused, it stands still. */
import { html } from '../../vendor/lit.js';
import { api } from '../api.js';
import { t } from '../i18n.js';
import { live } from '../live.js';
import { redrawOften, refreshOn } from '../refresh.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { attention } from './overview_attention.js';
import { Series } from './overview_series.js';
import { attentionTemplate, numbersTemplate, statesTemplate, tilesTemplate } from './overview_tiles.js';

const REDRAW_MS = 1000;       /* the lines move */
const REDRAW_CALM_MS = 10000; /* for those who do not want that */
const OLD_MS = 3600000;       /* from here on it is worth looking which destination it is */

const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const get = async (path, signal, query) => (await api.get(path, { signal, query })).data;
const itemsOf = async (scope, path, signal) => (can(scope) ? (await get(path, signal, { limit: '1000' })).items : undefined);

async function readDestinations(summary, signal) {
  const isOld = summary?.oldest && Date.now() - new Date(summary.oldest) > OLD_MS;
  return summary && (isOld || summary.destinations_down > 0) ? itemsOf('queue:read', '/queue/destinations', signal) : [];
}

async function readLive(signal) {
  const [status, summary] = await Promise.all([get('/status', signal), can('queue:read') ? get('/queue/summary', signal) : undefined]);
  return { status, summary, destinations: await readDestinations(summary, signal) };
}

async function readAll(signal) {
  const [moving, certificates, listeners] = await Promise.all([
    readLive(signal), itemsOf('certificates:read', '/certificates', signal), itemsOf('config:read', '/config/listeners', signal),
  ]);
  return { ...moving, certificates, listeners };
}

export function render(root, ctx) {
  const series = new Series();
  let isPaused = false;
  let stoodAt = 0;
  let moving = null; /* newer than what the page was loaded with */
  let self;

  function note({ status, summary }) {
    series.add({ ...status.counters, queued: summary?.messages ?? 0 });
  }

  async function refresh() {
    try {
      moving = await readLive();
    } catch (problem) {
      if (problem.name !== 'Problem') throw problem;
      return; /* the line at the top says that the gateway does not answer */
    }
    note(moving);
    self.update();
  }

  function pause() {
    isPaused = !isPaused;
    stoodAt = Date.now();
    if (!isPaused) refresh();
    self.update();
  }

  const pauseButton = () => html`<button type="button" class="button" aria-pressed=${String(isPaused)} @click=${pause}>
    ${icon(isPaused ? 'play' : 'pause')}<span>${t('overview.pause')}</span></button>`;

  const handle = page(root, ctx, {
    title: t('page.overview'),
    lead: () => t(isPaused ? 'overview.lead_paused' : 'overview.lead'),
    load: async (signal) => {
      const data = await readAll(signal);
      moving = null;
      note(data);
      return data;
    },
    topics: ['commit'],
    actions: () => html`${apiButton(() => ({ method: 'GET', path: '/status' }))}${pauseButton()}`,
    body: (loaded) => {
      const data = { ...loaded, ...moving };
      const now = isPaused ? stoodAt : Date.now();
      return html`<div class="overview">${attentionTemplate(attention(data, now))}
        ${tilesTemplate(data, series, now)}${statesTemplate(data)}${numbersTemplate(data, series, now)}</div>`;
    },
    end: () => offs.forEach((off) => off()),
  });
  self = handle.page;

  /* Counters that come with the events go into the lines at once. */
  const take = (values) => {
    if (!isPaused && self.data !== undefined) series.add(values);
  };
  const offs = [
    live.on('counters', take),
    live.on('queue', ({ messages, delivered, delayed, bounced }) => take({ queued: messages, delivered, delayed, bounced })),
    refreshOn(['counters', 'queue'], refresh, () => isPaused),
    redrawOften(() => isPaused || self.update(), isCalm ? REDRAW_CALM_MS : REDRAW_MS),
  ];
  return handle;
}
