/* Pictures of every page in each of its looks, to be looked at by people: screenshots/LOOK/PAGE.png
 *
 *   node screenshots.mjs [PAGE...]     of these pages alone, others stay as they are */
import fs from 'node:fs';
import path from 'node:path';
import { gatewayOf, listRoutes } from './lib/routes.mjs';
import { ROOT } from './lib/gateway.mjs';
import { begin, finish, gateways, open } from './lib/suite.mjs';

const WHERE = path.join(ROOT, 'screenshots');

const wanted = process.argv.slice(2);

let count = 0;
try {
  await begin();
  if (wanted.length === 0) fs.rmSync(WHERE, { recursive: true, force: true });
  const routes = (await listRoutes()).filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  /* something to review */
  await gateways.main.call('PUT', '/config/destination-controls/bank.test?draft=me', { tls: 'required', max_connections: 20 });
  await gateways.main.call('PUT', '/config/smtp-routes/bank.test?draft=me', { targets: [{ host: 'mx.bank.test', port: 25 }] });
  for (const language of ['en', 'ko'])
    for (const theme of ['light', 'dark'])
      for (const width of [1280, 390])
        for (const row of routes) {
          const { page, context, visit } = await open({ gateway: gatewayOf(row), isIn: row.isIn, language, theme, width });
          await visit(row.path);
          await page.screenshot({ path: path.join(WHERE, `${language}-${theme}-${width}`, `${row.name}.png`), fullPage: true });
          await context.close();
          count++;
        }
} finally {
  await finish();
}
console.log(`${count} pictures in screenshots/`);
process.exit(0);
