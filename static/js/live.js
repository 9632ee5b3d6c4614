/* One stream of events a browser, however many tabs are open: HTTP/1.1 gives a browser six connections
 * to a host, and a stream occupies one. The tab that holds the lock reads the stream and passes every
 * event on through a BroadcastChannel; when it closes, another one gets the lock.
 *
 *   const off = live.on('queue', (data) => …);   commit, draft, queue, counters
 *   live.on('state', (isLive) => …)              the stream broke, or is back */
import { api } from './api.js';

const TOPICS = ['commit', 'draft', 'queue', 'counters'];
const RETRY_MS = 3000;

const listeners = new Map();
let channel = null;
let source = null;
let stop = null;
let timer = 0;

function tell(topic, data) {
  for (const fn of listeners.get(topic) || []) fn(data);
}

function pass(topic, data) {
  if (topic === 'state') live.isLive = data;
  tell(topic, data);
  channel?.postMessage({ topic, data });
}

function open() {
  source = api.events(TOPICS);
  source.addEventListener('open', () => pass('state', true));
  for (const topic of TOPICS) source.addEventListener(topic, (event) => pass(topic, JSON.parse(event.data)));
  source.addEventListener('error', () => {
    if (live.isLive) pass('state', false);
    /* The browser connects again by itself unless the answer was no stream (401, 503). */
    if (source !== null && source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
  });
}

export const live = {
  isLive: true,
  on(topic, fn) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(fn);
    return () => listeners.get(topic).delete(fn);
  },
  /** After login. Waits for the lock, so it never resolves before end(). */
  start() {
    if (channel !== null) return;
    channel = new BroadcastChannel('postern-live');
    channel.onmessage = ({ data }) => {
      if (data.topic === 'state') live.isLive = data.data;
      tell(data.topic, data.data);
    };
    const abort = new AbortController();
    const held = new Promise((resolve) => {
      stop = () => {
        abort.abort();
        resolve();
      };
    });
    const lead = () => {
      open();
      return held;
    };
    navigator.locks.request('postern-events', { signal: abort.signal }, lead).catch((error) => {
      if (error.name !== 'AbortError') throw error;
    });
  },
  /** At logout. */
  end() {
    clearTimeout(timer);
    source?.close();
    source = null;
    stop?.();
    channel?.close();
    channel = null;
  },
};
