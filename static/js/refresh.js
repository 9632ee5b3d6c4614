/* Keeping a page fresh by the one stream of events: at most once every EVERY_MS however many events
 * come, never while the tab is hidden or a run is still under way, and once more when something came
 * meanwhile. Nothing is asked for while nothing happens.
 *
 *   const off = refreshOn(['queue'], () => page.reload()); */
import { live } from './live.js';

const EVERY_MS = 2000;
const REDRAW_MS = 10000;

/**
 * @param {string[]} topics
 * @param {() => Promise<unknown>} run
 * @param {() => boolean} [isPaused]
 * @returns {() => void} ends it
 */
export function refreshOn(topics, run, isPaused = () => false) {
  let timer = 0;
  let isRunning = false;
  let isWanted = false;
  let last = Date.now();

  async function go() {
    timer = 0;
    if (document.hidden || isPaused()) return; /* what was wanted is kept until it is looked at */
    isWanted = false;
    isRunning = true;
    last = Date.now();
    try {
      await run();
    } finally {
      isRunning = false;
      if (isWanted) want();
    }
  }

  function want() {
    isWanted = true;
    if (isRunning || timer !== 0) return;
    timer = setTimeout(go, Math.max(0, last + EVERY_MS - Date.now()));
  }

  const onSeen = () => !document.hidden && isWanted && want();
  const offs = topics.map((topic) => live.on(topic, want));
  offs.push(live.on('state', (isLive) => isLive && want())); /* what was missed meanwhile */
  document.addEventListener('visibilitychange', onSeen);
  return () => {
    clearTimeout(timer);
    timer = -1; /* nothing begins any more */
    for (const off of offs) off();
    document.removeEventListener('visibilitychange', onSeen);
  };
}

/** Draws again now and then, for "3 minutes ago" to stay true. Returns what ends it. */
export function redrawOften(update, every = REDRAW_MS) {
  const timer = setInterval(() => document.hidden || update(), every);
  return () => clearInterval(timer);
}
