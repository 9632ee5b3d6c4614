/* Writing an object of the configuration into my draft, and saying so: what every form does on Submit. */
import { html } from '../vendor/lit.js';
import { api } from './api.js';
import { draft } from './draft.js';
import { t } from './i18n.js';
import { apiPath, oneOf, pagePath, placeName, placeText, usersOf } from './schema.js';
import { confirm } from './ui/dialog.js';
import { toast } from './ui/toast.js';

/** The toast after a change: nothing is live yet, and where to make it so. */
export function tellStaged(changed = true) {
  if (!changed) {
    toast({ text: t('stage.same') });
    return;
  }
  toast({ text: t('stage.done'), more: t('stage.not_live'), action: { label: t('action.review'), href: '/ui/changes' } });
}

const queryOf = (listener) => (listener ? { listener } : {});

/** Puts an object (or a singleton: key undefined) into my draft. Throws a Problem. */
export async function stagePut(section, { listener, key, value, etag, create }) {
  const reply = await api.stage('PUT', apiPath(section, key), value, { query: queryOf(listener), etag, create });
  tellStaged(reply.changed);
  return reply;
}

/** Orders a listener's objects. isQuiet: the caller says it itself, after the last of several. */
export async function stageOrder(section, listener, keys, etag, { isQuiet = false } = {}) {
  const reply = await api.stage('PUT', `/config-order/${section}`, keys, { query: queryOf(listener), etag });
  if (!isQuiet) tellStaged(reply.changed);
  return reply;
}

/** The calls of the above, for "Show API call". */
export const putCall = (section, { listener, key, value }) => ({
  method: 'PUT', path: apiPath(section, key), query: { draft: 'me', ...queryOf(listener) }, body: value,
});

const USERS_SHOWN = 12;

function users({ items, total }) {
  const shown = items.slice(0, USERS_SHOWN);
  return html`<p>${t('delete.used', { n: total })}</p><ul>${shown.map((user) => html`<li>
    <a href=${pagePath(user.section, user.listener, user.key)}>${placeName(user)}</a> (${user.label})</li>`)}
    ${total > shown.length ? html`<li>${t('value.more', { n: total - shown.length })}</li>` : ''}</ul>
    <p>${t('delete.used_do')}</p>`;
}

/* Users of all of them together. */
async function usersOfAll(section, objects) {
  const found = await Promise.all(objects.map(({ listener, key }) => usersOf(section, key, listener)));
  return { items: found.flatMap((each) => each.items), total: found.reduce((sum, each) => sum + each.total, 0) };
}

/** Asks, naming what uses the objects, and deletes them from my draft. True when it was done. */
export async function stageDelete(section, objects) {
  const found = await usersOfAll(section, objects);
  const names = objects.map(({ listener, key }) => placeText(listener, key));
  const what = names.length === 1 ? `${oneOf(section)} ${names[0]}` : t('delete.many', { n: names.length });
  const isSure = await confirm({
    title: t('delete.title', { what }),
    body: html`<p>${t('delete.body')}</p>${names.length > 1 ? html`<p>${names.join(', ')}</p>` : ''}${found.total > 0 ? users(found) : ''}`,
    action: names.length === 1 ? t('action.delete') : t('delete.action_many', { n: names.length }),
    kind: 'bad',
  });
  if (!isSure) return false;
  for (const { listener, key, etag } of objects) {
    await api.stage('DELETE', apiPath(section, key), undefined, { query: queryOf(listener), etag: etag || '*' });
  }
  await draft.refresh();
  tellStaged();
  return true;
}
