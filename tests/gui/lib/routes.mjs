/* The addresses to visit: from the pages' own table, static/js/routes.js, so that a page that is added
 * is tested without a word here. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gateways } from './suite.mjs';
import { ROOT } from './gateway.mjs';

/** A module of static/, as node can load it: it takes .js for CommonJS unless a package.json says so. */
export async function loadModule(name) {
  const copy = path.join(ROOT, '.cache', 'gui');
  for (const folder of ['js', 'vendor']) {
    fs.rmSync(path.join(copy, folder), { recursive: true, force: true });
    fs.cpSync(path.join(ROOT, 'static', folder), path.join(copy, folder), { recursive: true });
  }
  fs.writeFileSync(path.join(copy, 'package.json'), '{"type":"module"}\n');
  return import(pathToFileURL(path.join(copy, 'js', name)).href);
}

const HAS_TABLE = fs.existsSync(path.join(ROOT, 'static', 'js', 'routes.js'));

/* What an address's variables may stand for: the first object of the section there is. */
async function example(route, schema) {
  if (route.path.startsWith('/ui/delivery-status/')) {
    const { data } = await gateways.main.call('GET', '/queue/messages?limit=1');
    return { domain: data.items[0].destination, mid: data.items[0].mid };
  }
  const section = schema.sections.find(({ name }) => name === route.section);
  if (section === undefined) return null;
  const { status, data } = await gateways.main.call('GET', section.name === 'certificates' ? '/certificates' : `/config/${section.name}`);
  if (status !== 200 || data.items.length === 0) return null;
  const [item] = data.items;
  return { key: item[section.key], listener: item.listener };
}

const fill = (pattern, values) =>
  pattern.replace(/:(\w+)\??/g, (_, name) => encodeURIComponent(values[name] ?? ''));

/** Rows {path, isIn, isFresh, name}; each route without its variables, and with them. */
export async function listRoutes() {
  if (!HAS_TABLE) return [{ path: '/ui/', name: 'home', isIn: true }];
  const { routes } = await loadModule('routes.js');
  const { data: schema } = await gateways.main.call('GET', '/schema');
  const rows = [];
  for (const route of routes) {
    const row = { isIn: !route.bare, isFresh: route.path === '/ui/setup' };
    const plain = route.path.replace(/\/:\w+\?/g, '');
    if (!plain.includes(':')) rows.push({ ...row, path: plain, name: plain.slice(4).replaceAll('/', '-') || 'home' });
    if (!route.path.includes(':')) continue;
    const values = await example(route, schema);
    if (values !== null) rows.push({ ...row, path: fill(route.path, values), name: plain.slice(4) + '-one' });
    else if (plain.includes(':')) throw new Error(`no example for ${route.path}: see lib/routes.mjs`);
  }
  return rows;
}

export const gatewayOf = (row) => (row.isFresh ? gateways.fresh : gateways.main);
