/* Pictures of every page in each of its looks, to be looked at by people: screenshots/LOOK/PAGE.png */
import fs from 'node:fs';
import path from 'node:path';
import { gatewayOf, listRoutes } from './lib/routes.mjs';
import { ROOT } from './lib/gateway.mjs';
import { begin, finish, open } from './lib/suite.mjs';

const WHERE = path.join(ROOT, 'screenshots');

let count = 0;
try {
  await begin();
  fs.rmSync(WHERE, { recursive: true, force: true });
  const routes = await listRoutes();
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
