/* The runner: tests in order of their files, one browser, two gateways, one table of figures. A test
 * gets what it needs from `open`: a page in a context of its own, watched (lib/watch.mjs). */
import fs from 'node:fs';
import { chromium } from 'playwright-core';
import { Gateway, isOld } from './gateway.mjs';
import { Watch } from './watch.mjs';

const SECONDS = 120;

const tests = [];
const figures = [];
const opened = []; /* {context, watch} of the test that runs */
let browser = null;

export const gateways = { main: null, fresh: null };
export const isLong = process.argv.includes('--long');

/** A test, or one that is named but not run: skip(name, why). */
export const test = (name, run) => tests.push({ name, run });
export const skip = (name, reason) => tests.push({ name, reason });

/** A row of the table. GOAL is text; `bar` is the number in the list of bars. */
export const figure = (bar, what, value, goal) => figures.push({ bar, what, value: String(value), goal });

export function equal(found, wanted, what = 'value') {
  if (found !== wanted) throw new Error(`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

/* What a browser keeps of the administrator's login: made now and then, an account has a limit of sessions. */
async function loggedIn(gateway) {
  if (!isOld(gateway.storedMs)) return gateway.storage;
  const context = await browser.newContext({ baseURL: gateway.url });
  const page = await context.newPage();
  await page.goto('/ui/login');
  await page.locator('input[autocomplete=username]').fill(gateway.user);
  await page.locator('input[type=password]').fill(gateway.password);
  await page.locator('input[type=password]').press('Enter');
  await page.waitForURL((url) => url.pathname !== '/ui/login');
  gateway.storage = await context.storageState();
  gateway.storedMs = Date.now();
  await context.close();
  return gateway.storage;
}

/** A page: {page, context, watch, visit(where)}. isIn: with the administrator's session. */
export async function open({ gateway = gateways.main, isIn = true, language = 'en', theme = 'light', width = 1280,
  height = 900 } = {}) {
  const context = await browser.newContext({
    baseURL: gateway.url, locale: language === 'ko' ? 'ko-KR' : 'en-US', colorScheme: theme,
    viewport: { width, height }, reducedMotion: 'reduce', hasTouch: width < 600,
    storageState: isIn ? await loggedIn(gateway) : undefined,
  });
  const watch = await Watch.of(context, gateway.url);
  opened.push({ context, watch });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  const visit = async (where) => {
    const reply = await page.goto(where);
    equal(reply.status(), 200, `status of ${where}`);
    await watch.quiet(page);
    ok(!isIn || new URL(page.url()).pathname !== '/ui/login', `${where} asks for a login`);
  };
  return { page, context, watch, visit };
}

async function closeAll(isChecked) {
  const all = opened.splice(0);
  for (const { context } of all) await context.close();
  if (isChecked) all.forEach(({ watch }) => watch.check());
}

async function runOne({ run }) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${SECONDS} s`)), SECONDS * 1000);
  });
  try {
    await Promise.race([run(), late]);
    await closeAll(true);
    return null;
  } catch (error) {
    await closeAll(false);
    return error;
  } finally {
    clearTimeout(timer);
  }
}

const escape = (text) => text.replace(/[\x00-\x08\x0b-\x1f]/g, '').replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function writeJunit(file, results) {
  const cases = results.map(({ name, error, reason }) => {
    const inside = error ? `<failure message="${escape(String(error.message))}"/>`
      : reason ? `<skipped message="${escape(reason)}"/>` : '';
    return `<testcase classname="gui" name="${escape(name)}">${inside}</testcase>`;
  });
  fs.writeFileSync(file, `<testsuite>${cases.join('\n')}</testsuite>\n`);
}

function printFigures() {
  figures.sort((a, b) => a.bar - b.bar);
  console.log('bar  figure                                                       value                goal');
  for (const { bar, what, value, goal } of figures)
    console.log(`${String(bar).padStart(3)}  ${what.padEnd(60)} ${value.padEnd(20)} ${goal}`);
}

export async function begin() {
  gateways.main = await Gateway.start();
  gateways.fresh = await Gateway.start('fresh');
  browser = await chromium.launch({
    executablePath: process.env.POSTERN_CHROMIUM || '/usr/bin/chromium',
    args: [`--ignore-certificate-errors-spki-list=${gateways.main.keyHash},${gateways.fresh.keyHash}`],
  });
  return browser;
}

export async function finish() {
  await browser?.close();
  const codes = [];
  for (const gateway of Object.values(gateways)) if (gateway !== null) codes.push(await gateway.stop());
  return codes.every((code) => code === 0);
}

/** Runs those whose name has FILTER in it; false when one failed. */
export async function runAll(junit, filter) {
  const results = [];
  for (const each of tests.filter(({ name }) => name.includes(filter))) {
    const error = each.run ? await runOne(each) : null;
    results.push({ ...each, error });
    if (error) console.log(`not ok  ${each.name}\n${error.stack}\n`);
    else if (filter !== '') console.log(`${each.run ? 'ok     ' : 'skipped'} ${each.name}`);
  }
  const isClean = await finish();
  results.push({ name: 'gateways end cleanly', error: isClean ? null : new Error('see standard error') });
  printFigures();
  if (junit) writeJunit(junit, results);
  return results.every(({ error }) => !error);
}
