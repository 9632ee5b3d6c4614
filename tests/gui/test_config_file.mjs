/* System Administration > Configuration File: what is saved, sealed, and loaded again. */
import fs from 'node:fs';
import { equal, gateways, ok, open, test } from './lib/suite.mjs';

const SECRET = 'five small boats at dawn';

async function saved(page, press) {
  const [download] = await Promise.all([page.waitForEvent('download'), press()]);
  return { name: download.suggestedFilename(), text: fs.readFileSync(await download.path(), 'utf8') };
}

const choose = (page, name, text) => page.setInputFiles('.drop-input', { name, mimeType: 'application/json', buffer: Buffer.from(text) });

async function look(page, watch) {
  await page.getByRole('button', { name: 'Show what it would change' }).click();
  await watch.quiet(page);
}

test('config file: saved as it came, loaded with a change, reviewed', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/config-file');
  const file = await saved(page, () => page.getByRole('button', { name: 'Download', exact: true }).click());
  ok(/^postern-gateway\.example\.test-\d{4}-\d\d-\d\d\.json$/.test(file.name), file.name);
  const reply = await gateways.main.call('GET', '/config-file');
  equal(file.text, reply.bytes.toString(), 'the file');

  await choose(page, file.name, file.text);
  await look(page, watch);
  ok((await page.locator('.load .notice-ok').innerText()).includes('nothing would change'), 'the same file changes nothing');

  const changed = JSON.parse(file.text);
  changed.system.hostname = 'other.example.test';
  changed['smtp-routes'] = [];
  await choose(page, 'changed.json', JSON.stringify(changed));
  await page.getByLabel('Chosen sections').check();
  for (const box of await page.locator('.section-ticks input').all()) await box.uncheck();
  await page.locator('.section-ticks').getByLabel('System Settings').check();
  await look(page, watch);
  const names = await page.locator('.load-result .diff-name').allInnerTexts();
  equal(names.join(), 'System Settings', 'what it would change');
  await page.getByRole('button', { name: 'Load into pending changes' }).click();
  await page.waitForURL('**/ui/changes');
  await watch.quiet(page);
  const { data } = await gateways.main.call('GET', '/drafts/me/diff');
  equal(data.items.length, 1, 'items in the draft');
  await gateways.main.call('DELETE', '/drafts/me');
});

test('config file: what is wrong in it is named with its place', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/config-file');
  await choose(page, 'page.json', '<html>');
  ok((await page.locator('.load .notice-bad').innerText()).includes('no configuration file'), 'what is no JSON is refused');
  const { data } = await gateways.main.call('GET', '/config-file');
  data.listeners[0].port = 99999;
  await choose(page, 'wrong.json', JSON.stringify(data));
  await look(page, watch);
  ok((await page.locator('.load .notice-bad').innerText()).includes(data.listeners[0].name), 'the listener is named');
});

test('config file: sealed under a passphrase, opened with it alone', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/config-file');
  await page.getByRole('button', { name: 'Download sealed' }).click();
  await page.fill('#passphrase', SECRET);
  ok((await page.locator('.strength').innerText()).includes('strong'), 'the hint');
  await page.fill('#passphrase-again', `${SECRET}?`);
  const press = () => page.getByRole('button', { name: 'Seal and download' }).click();
  await press();
  ok((await page.locator('dialog[open] .notice-bad').innerText()).includes('differ'), 'two that differ are refused');
  await page.fill('#passphrase-again', SECRET);
  const file = await saved(page, press);
  ok(file.name.endsWith('-sealed.json'), file.name);
  ok(!file.text.includes('PRIVATE KEY') && file.text.includes('postern_sealed'), 'it is sealed');

  await choose(page, file.name, file.text);
  await page.fill('#load-passphrase', 'another passphrase');
  await look(page, watch);
  ok((await page.locator('.load .notice-bad').innerText()).includes('passphrase is wrong'), 'a wrong passphrase');
  await page.fill('#load-passphrase', SECRET);
  await look(page, watch);
  equal(await page.locator('.load .notice-ok').count(), 1, 'opened, and nothing would change');
});
