/* My pending changes: what GET /drafts/me/diff says, kept fresh by events and by our own writes.
 *
 *   draft.items        [{section, listener, key, op, activation, fields}]
 *   draft.conflicts    where somebody committed to the same field meanwhile
 *   draft.on(fn)       called after each change
 *   draft.find(section, listener, key)   the pending item of an object, or undefined */
import { api } from './api.js';
import { live } from './live.js';
import { can, session } from './session.js';

const listeners = new Set();
let running = null;
let isAgain = false;
let offs = [];

async function read() {
  const { data } = await api.get('/drafts/me/diff');
  draft.items = data.items;
  draft.conflicts = data.conflicts;
  draft.base = data.base_revision;
  for (const fn of listeners) fn();
}

export const draft = {
  items: [],
  conflicts: [],
  base: 0,
  get count() {
    return draft.items.length;
  },
  on(fn) {
    listeners.add(fn);
    return () => listeners.delete(fn);
  },
  find(section, listener, key) {
    return draft.items.find(
      (item) => item.section === section && item.listener === (listener || '') && item.key === key && item.op !== 'order',
    );
  },
  /** Reads it again; a call while one runs makes one more afterwards. */
  refresh() {
    if (!session.isIn || !can('config:read')) return Promise.resolve();
    if (running !== null) {
      isAgain = true;
      return running;
    }
    running = read()
      .catch(() => {}) /* the page that wrote shows what is wrong */
      .finally(() => {
        running = null;
        if (isAgain) {
          isAgain = false;
          draft.refresh();
        }
      });
    return running;
  },
  start() {
    draft.end();
    offs = [
      live.on('draft', (event) => event.owner === session.name && draft.refresh()),
      live.on('commit', () => draft.refresh()),
      api.on('staged', () => draft.refresh()),
    ];
    return draft.refresh();
  },
  end() {
    for (const off of offs) off();
    offs = [];
    draft.items = [];
    draft.conflicts = [];
  },
};
