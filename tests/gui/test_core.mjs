/* What every page is made of: checks while typing, diff, table, addresses, texts; and the way of a
 * change from a form through Review to being live, without a mouse and with names that are markup. */
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './lib/gateway.mjs';
import { tabTo } from './lib/keyboard.mjs';
import { loadModule } from './lib/routes.mjs';
import { equal, ok, open, test } from './lib/suite.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>"\'{{';

const pattern = { key: 'p', kind: 'pattern', required: true, forms: ['network', 'subdomains', 'all'], word: 'ALL' };
const list = { key: 'l', kind: 'list', min: 1, max: 2, item: { kind: 'endpoint', port: 53 } };

/* row, value, pointer and code of the only error, or null */
const CASES = [
  [pattern, '192.0.2.0/24', null],
  [pattern, '2001:db8::/32', null],
  [pattern, '.example.test', null],
  [pattern, 'all', null],
  [pattern, '192.0.2.0/33', '/p value.form'],
  [pattern, '192.0.2', '/p value.form'],
  [pattern, '', '/p value.required'],
  [{ key: 'n', kind: 'number', min: 1, max: 9 }, 9, null],
  [{ key: 'n', kind: 'number', min: 1, max: 9 }, 10, '/n value.range'],
  [{ key: 'n', kind: 'number', min: 1, max: 9 }, '9x', '/n value.range'],
  [{ key: 'a', kind: 'address' }, '::ffff:192.0.2.1', null],
  [{ key: 'a', kind: 'address' }, '1::2::3', '/a value.address'],
  [{ key: 'a', kind: 'address' }, '01.2.3.4', '/a value.address'],
  [{ key: 'h', kind: 'hostname' }, '메일.example', null],
  [{ key: 'h', kind: 'hostname' }, 'a..b', '/h value.hostname'],
  [{ key: 'h', kind: 'hostname' }, '-a.example', '/h value.hostname'],
  [{ key: 'm', kind: 'name', required: true }, 'Data 1', null],
  [{ key: 'm', kind: 'name', required: true }, 'a/b', '/m value.name'],
  [{ key: 't', kind: 'text', max: 3 }, '가나', '/t value.too_long'],
  [{ key: 'w', kind: 'word', words: ['on', 'off'] }, 'maybe', '/w value.enum'],
  [list, ['192.0.2.1@5353', '::1'], null],
  [list, ['192.0.2.1@70000'], '/l/0 value.endpoint'],
  [list, [], '/l list.too_few'],
];

test('core: what is checked while typing', async () => {
  const { checkObject } = await loadModule('validate.js');
  for (const [row, value, wanted] of CASES) {
    const found = checkObject([row], { [row.key]: value }).map(({ pointer, code }) => `${pointer} ${code}`).join();
    equal(found, wanted ?? '', `${row.kind} ${JSON.stringify(value)}`);
  }
});

test('core: addresses of pages', async () => {
  const { match, routes } = await loadModule('routes.js');
  for (const route of routes) {
    const address = route.path.replace(/:(\w+)\??/g, (_, name) => encodeURIComponent(`a /?#${name}`));
    const found = match(address);
    equal(found?.route, route, address);
    for (const [name, value] of Object.entries(found.params)) equal(value, `a /?#${name}`, name);
  }
  equal(match('/ui/none'), null, 'an unknown address');
  equal(match('/ui/listeners/a/b'), null, 'an address that is too long');
  equal(match('/ui/listeners/%ff').params.key, '%ff', 'a broken escape');
});

test('core: texts with numbers and names', async () => {
  const { t, useCatalogue } = await loadModule('i18n.js');
  useCatalogue('en', { a: { one: 'one of {what}', other: '{n} of {what}' }, b: '{x} {y}' });
  equal(t('a', { n: 1, what: '{n}' }), 'one of {n}', 'singular, and a value is not looked into');
  equal(t('a', { n: 2000, what: 'x' }), '2,000 of x', 'plural');
  equal(t('b', { x: 1 }), '1 {y}', 'what is missing is seen');
  equal(t('toString'), 'toString', 'a key that every object has');
});

const catalogue = (language) => JSON.parse(fs.readFileSync(path.join(ROOT, 'static', 'i18n', `${language}.json`)));

test('core: a change goes from the form to Review and live, by keyboard alone', async () => {
  const texts = catalogue('en');
  const { page, watch, visit } = await open();
  page.on('dialog', () => ok(false, 'a name was run as a script'));
  await visit('/ui/mail-flow-policies');
  await tabTo(page, texts['action.add_policy']);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.sheet .form input:focus');
  await page.keyboard.type(HOSTILE);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.sheet', { state: 'detached' });
  await watch.quiet(page);
  ok((await page.textContent('tr.is-pending')).includes(HOSTILE), 'the name is not shown as text');
  await page.keyboard.press('g');
  await page.keyboard.press('v');
  await page.waitForSelector('.diff-item');
  ok((await page.textContent('.diff')).includes(HOSTILE), 'Review does not show the name as text');
  await page.waitForSelector('.commit .button-primary:enabled');
  await tabTo(page, texts['changes.comment']);
  await page.keyboard.type(HOSTILE);
  await page.keyboard.press('Control+Enter');
  await page.waitForSelector('.done');
  await visit('/ui/history');
  ok((await page.textContent('tbody tr')).includes(HOSTILE), 'History does not show the comment as text');
});

test('core: the address that was wanted outlives the login page', async () => {
  const { page, watch, visit } = await open({ isIn: false });
  await visit('/ui/destination-controls/Default?q=kept');
  const url = new URL(page.url());
  equal(url.pathname, '/ui/login', 'without a session one is at');
  equal(url.searchParams.get('next'), '/ui/destination-controls/Default?q=kept', 'the address that was wanted');
  await watch.quiet(page);
  ok(await page.isVisible('#password'), 'there is no field for the passphrase');
});
