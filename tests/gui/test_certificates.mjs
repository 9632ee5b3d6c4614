/* Network > Certificates: health, time line, chain, assignment, deletion; names from outside are text. */
import { equal, gateways, ok, open, test } from './lib/suite.mjs';

const textsOf = (place) => place.evaluateAll((all) => all.map((each) => each.textContent.replace(/\s+/g, ' ').trim()));
const rowOf = (page, name) => page.locator('tbody tr', { has: page.locator('th', { hasText: name }) });

test('certificates: health, names and uses of each', async () => {
  const { page, visit } = await open();
  await visit('/ui/certificates');
  const row = rowOf(page, 'mx1');
  equal((await row.locator('.status').innerText()).trim(), 'Good', 'health of mx1');
  ok((await row.innerText()).includes('+1 more'), 'mx1 has three names');
  ok((await row.innerText()).includes('ECDSA P-256') && (await row.innerText()).includes('RSA 2048'), 'both keys are named');
  equal((await rowOf(page, 'old').locator('.status').innerText()).trim(), 'Expired', 'health of old');
  const links = await textsOf(rowOf(page, 'demonstration').locator('.uses a'));
  ok(links.includes('InboundMail'), `used by ${links}`);
  ok((await page.locator('.notice-warn').innerText()).includes('InboundMail'), 'the banner names the public listener');
  const picture = await page.locator('svg.expiry').getAttribute('aria-label');
  ok(picture.includes('demonstration') && !picture.includes('mx1'), `lanes are those in use: ${picture}`);
});

test('certificates: the chain as a picture, and its facts', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/certificates');
  await page.click('th a:has-text("mx1")');
  await page.waitForURL('**/ui/certificates/mx1');
  await watch.quiet(page);
  const pictures = page.locator('svg.chain');
  equal(await pictures.count(), 2, 'pictures, one a key pair');
  const words = await pictures.first().getAttribute('aria-label');
  ok(/mx1\.example\.com → Intermediate: Example Issuing CA 7 → .*Example Root R1/.test(words), words);
  equal(await page.locator('.chain-bad').count(), 0, 'broken signatures');
  equal(await page.locator('.cert-facts code').count(), 6, 'serial numbers, fingerprints and keys');
  await page.getByRole('link', { name: 'Edit certificate mx1' }).click();
  await page.waitForSelector('.sheet .form textarea');
  await page.keyboard.press('Escape');
  await page.waitForURL('**/ui/certificates/mx1');
  await page.click('.page-back');
  await page.waitForSelector('svg.expiry');
  equal(await page.locator('h1').innerText(), 'Certificates', 'heading of the way back');
});

test('certificates: a chain that does not fit is shown broken', async () => {
  const { page, context, visit } = await open();
  await context.route(/\/certificates\/mx1\?/, async (route) => {
    const reply = await gateways.main.call('GET', '/certificates/mx1');
    reply.data.status.pairs[0].chain[0].issuer = 'CN=Somebody Else';
    await route.fulfill({ json: reply.data });
  });
  await visit('/ui/certificates/mx1');
  equal(await page.locator('.chain-bad').count(), 1, 'broken signatures');
  ok((await page.locator('svg.chain').first().getAttribute('aria-label')).includes('does not fit'), 'in words too');
});

test('certificates: assigned to two places in one go, with the keyboard', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/certificates/mx1');
  for (const name of ['InboundMail', 'Delivery']) {
    await page.locator('.assign-place', { hasText: name }).locator('input').focus();
    await page.keyboard.press('Space');
  }
  await page.getByRole('button', { name: 'Assign to 2' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('.toast');
  await watch.quiet(page);
  const { data } = await gateways.main.call('GET', '/drafts/me/diff');
  equal(data.items.map((item) => item.section).sort().join(), 'delivery,listeners', 'sections in the draft');
  const uses = await textsOf(page.locator('.use-list a'));
  equal(uses.sort().join(), 'Delivery,InboundMail', 'used by');
  await visit('/ui/certificates');
  equal(await page.locator('.notice-warn').count(), 0, 'banners about the demonstration certificate');
  await gateways.main.call('DELETE', '/drafts/me');
});

test('certificates: deleting names what uses it, and stages', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/certificates/demonstration');
  await page.getByRole('button', { name: 'Delete certificate demonstration' }).click();
  await page.waitForSelector('dialog[open]');
  ok((await page.locator('dialog[open]').innerText()).includes('InboundMail'), 'the dialog names the listener');
  await page.keyboard.press('Escape');
  await visit('/ui/certificates/old');
  await page.getByRole('button', { name: 'Delete certificate old' }).click();
  await page.locator('dialog[open] .button-bad').click();
  await page.waitForURL('**/ui/certificates');
  await watch.quiet(page);
  equal(await rowOf(page, 'old').count(), 0, 'rows of what is deleted in my draft');
  await gateways.main.call('DELETE', '/drafts/me');
});

test('certificates: names of a hostile certificate are text', async () => {
  const { page, context, visit } = await open();
  const hostile = '"><img src=x onerror=alert(1)>';
  await context.route(/\/certificates\?/, async (route) => {
    const reply = await gateways.main.call('GET', '/certificates');
    for (const item of reply.data.items) Object.assign(item.status.pairs[0].chain[0], { names: [hostile], issuer: `CN=${hostile}`, self_signed: false });
    await route.fulfill({ json: reply.data });
  });
  await visit('/ui/certificates');
  ok((await page.locator('table').innerText()).includes(hostile), 'the name is shown as it is');
  equal(await page.locator('#main img').count(), 0, 'elements that it made');
});
