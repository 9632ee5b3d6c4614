/* The tests of the pages: a real gateway, a real browser.
 *
 *   node run.mjs [--long] [--junit FILE] [PART OF A TEST'S NAME]
 *
 * It prints what failed, then a table of the figures; exit 1 when anything failed. --long: every page in
 * every language, theme and width. */
import fs from 'node:fs';
import path from 'node:path';
import { HERE } from './lib/gateway.mjs';
import { begin, finish, runAll } from './lib/suite.mjs';

const given = process.argv.slice(2).filter((word) => word !== '--long');
const at = given.indexOf('--junit');
const [, junit] = at < 0 ? [] : given.splice(at, 2);

let isFine = false;
try {
  await begin();
  const files = fs.readdirSync(HERE).filter((name) => /^test_.*\.mjs$/.test(name)).sort();
  for (const name of files) await import(path.join(HERE, name));
  isFine = await runAll(junit, given[0] || '');
} catch (error) {
  console.log(error.stack);
  await finish();
}
process.exit(isFine ? 0 : 1);
