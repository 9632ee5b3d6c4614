/* What the pages cost: on the wire, in time, in the binary (bars 1 to 3, 14, 15). Sizes and counts are
 * asserted; times are printed, for a machine that does other things besides. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './lib/gateway.mjs';
import { figure, gateways, ok, open, test } from './lib/suite.mjs';
import { markInteractive, median, meter, times } from './lib/wire.mjs';

const KB = 1000;
const FIRST_KB = 100, FIRST_REQUESTS = 5, REPEAT_KB = 3, EMBEDDED_KB = 900, VENDORED_KB = 250;
const VISITS = 9;

// The icon is asked for again, of the cache, when the address changes.
const once = (each, at, all) => all.findIndex(({ url }) => url === each.url) === at;
const isAsset = ({ url }) => !new URL(url).pathname.startsWith('/api/');
const kb = (bytes) => `${(bytes / KB).toFixed(1)} KB`;

test('load: the first costs little, the next next to nothing', async () => {
  const { page, context, watch, visit } = await open();
  const wire = await meter(context, page);
  await visit('/ui/');
  const assets = wire.list().filter(isAsset).filter(once);
  const bytes = assets.reduce((sum, each) => sum + each.bytes, 0);
  figure(1, 'first load of the pages, all their files', kb(bytes), `<= ${FIRST_KB} KB`);
  figure(1, 'first load, files asked for', assets.length, `<= ${FIRST_REQUESTS}`);
  figure(1, 'first load with what the API says', `${kb(wire.bytes())}, ${wire.count()}`, '');
  ok(bytes <= FIRST_KB * KB, `the first load takes ${bytes} bytes`);
  ok(assets.length <= FIRST_REQUESTS, `the first load takes ${assets.length} requests: ${assets.map((each) => each.url)}`);

  wire.clear();
  await visit('/ui/');
  const again = wire.list().filter(isAsset);
  const sent = again.reduce((sum, each) => sum + each.bytes, 0);
  figure(2, 'repeat load of the pages', kb(sent), `<= ${REPEAT_KB} KB`);
  figure(2, 'repeat load, files not from the cache', again.filter((each) => !each.isCached && each.bytes > 0).length, '1');
  ok(sent <= REPEAT_KB * KB, `the repeat load takes ${sent} bytes`);
  for (const each of again)
    ok(each.isCached || new URL(each.url).pathname.startsWith('/ui/') && !each.url.includes('/assets/'), `${each.url} is not from the cache`);
  watch.check();
});

test('load: the page is not sent again while it is the same', async () => {
  const page = await gateways.main.raw('GET', '/ui/', { 'Accept-Encoding': 'br' });
  const again = await gateways.main.raw('GET', '/ui/', { 'Accept-Encoding': 'br', 'If-None-Match': page.headers.etag });
  ok(again.status === 304 && again.bytes.length === 0, `a known page is answered with ${again.status}`);
});

test('load: time to first paint and to the first control', async () => {
  for (const [where, isIn] of [['/ui/', true], ['/ui/login', false]]) {
    const rows = [];
    for (let i = 0; i < VISITS; i++) {
      const { page, context, visit } = await open({ isIn });
      await context.addInitScript(markInteractive);
      await visit(where);
      rows.push(await times(page));
      await context.close();
    }
    figure(3, `${where}: first contentful paint, median of ${VISITS}`, `${Math.round(median(rows.map((row) => row.paint)))} ms`, '<= 600 ms idle');
    figure(3, `${where}: something to operate, median of ${VISITS}`, `${Math.round(median(rows.map((row) => row.interactive)))} ms`, '<= 900 ms idle');
  }
});

function embeddedBytes() {
  const table = fs.readFileSync(path.join(ROOT, 'build', 'static', 'assets_table.c'), 'utf8');
  return [...table.matchAll(/= \{asset_\w+, (\d+)\}/g)].reduce((sum, [, size]) => sum + Number(size), 0);
}

test('load: what is in the binary, and what making it takes', async () => {
  const bytes = embeddedBytes();
  figure(15, 'files in the binary, all forms', kb(bytes), `<= ${EMBEDDED_KB} KB`);
  ok(bytes > 0 && bytes <= EMBEDDED_KB * KB, `${bytes} bytes are embedded`);

  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'postern-'));
  const start = performance.now();
  execFileSync('/usr/bin/python3', [path.join(ROOT, 'static', 'bundle.py'), 'esbuild', 'brotli', path.join(ROOT, 'static'),
    ...['a.S', 'a.c', 'deps'].map((name) => path.join(made, name))]);
  figure(15, 'bundling, compressing, all of it', `${Math.round(performance.now() - start)} ms`, '<= 2000 ms idle');
  fs.rmSync(made, { recursive: true });
});

test('load: what is of others', async () => {
  const folder = path.join(ROOT, 'static', 'vendor');
  const { libraries } = JSON.parse(fs.readFileSync(path.join(folder, 'VENDOR.json'), 'utf8'));
  const rows = Object.values(libraries);
  const bytes = rows.reduce((sum, { file }) => sum + fs.statSync(path.join(folder, file)).size, 0);
  figure(14, 'libraries of others', `${rows.length}, ${kb(bytes)}`, `<= 3, <= ${VENDORED_KB} KB`);
  ok(rows.length <= 3 && bytes <= VENDORED_KB * KB, `${rows.length} libraries, ${bytes} bytes`);
  const licenses = await gateways.main.raw('GET', '/ui/licenses.txt', {});
  ok(licenses.bytes.equals(fs.readFileSync(path.join(folder, 'licenses.txt'))), 'licences are not served as they are');
});
