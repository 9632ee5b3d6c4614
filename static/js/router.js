/* Addresses are real: every page, open sheet and filter has one, so Back, a bookmark and a link in a
 * mail all work. Links are ordinary <a href>; a click on one of ours is answered here.
 *
 *   go('/ui/rat?listener=InboundMail')   navigate(); {replace: true} leaves no trace in the history
 *   setQuery({q: 'kr'})                  changes the query of the page that is shown, in place
 *
 * A page's module has render(root, ctx) and returns {end(), update?(ctx)}. When the next address has
 * the same route and the page has update(), it is told instead of being drawn anew.
 * ctx = {route, params, query: URLSearchParams, path, hash} */
import { match } from './routes.js';

let current = null; /* {route, page, ctx} */
let options = null; /* {root(route), before(found), after(ctx, isNew), failed(error, root, ctx)} */
let turn = 0;

function contextOf(found) {
  return {
    route: found.route,
    params: found.params,
    query: new URLSearchParams(location.search),
    path: location.pathname,
    hash: location.hash,
  };
}

async function show() {
  const mine = ++turn;
  const found = await options.before(match(location.pathname));
  if (found === null || mine !== turn) return;
  const ctx = contextOf(found);

  if (current !== null && current.route === found.route && current.page.update) {
    current.ctx = ctx;
    current.page.update(ctx);
    options.after(ctx, false);
    return;
  }
  current?.page.end?.();
  current = null;
  const root = options.root(found.route);
  try {
    const module = await found.route.load();
    if (mine !== turn) return;
    current = { route: found.route, page: module.render(root, ctx) || {}, ctx };
  } catch (error) {
    options.failed(error, root, ctx);
  }
  options.after(ctx, true);
}

export function go(url, { replace = false } = {}) {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  return show();
}

/** The address with some of the query changed; '' takes a parameter away. */
export function urlWith(changes, base = location.pathname + location.search) {
  const url = new URL(base, location.origin);
  for (const [name, value] of Object.entries(changes)) {
    if (value === '' || value === undefined || value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.pathname + url.search;
}

/** For filters: the page is told, but nothing is added to the history. */
export const setQuery = (changes) => go(urlWith(changes), { replace: true });

function isOurs(event, link) {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const isHere = link.origin === location.origin && link.pathname.startsWith('/ui/');
  return isPlain && isHere && !link.hasAttribute('download') && !link.target && !event.defaultPrevented;
}

function onClick(event) {
  const link = event.target.closest?.('a[href]');
  if (!link || !isOurs(event, link)) return;
  if (link.getAttribute('href').startsWith('#')) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
}

/** Draws the page that is shown again from nothing: after a change of language, say. */
export function redraw() {
  current?.page.end?.();
  current = null;
  return show();
}

export function startRouter(given) {
  options = given;
  addEventListener('popstate', show);
  document.addEventListener('click', onClick);
  return show();
}
