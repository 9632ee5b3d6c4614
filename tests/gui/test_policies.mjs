/* Mail Policies and Listeners: the HAT's ladder and its order, questions put to the gateway, levels of
 * TLS, what uses an object. Whatever is staged here is discarded again. */
import { tabTo } from './lib/keyboard.mjs';
import { sideways } from './lib/look.mjs';
import { loadModule } from './lib/routes.mjs';
import { equal, gateways, ok, open, test } from './lib/suite.mjs';

const HOSTILE = '<img src=x onerror=alert(1)>';
const HAT = '/ui/sender-groups?listener=InboundMail';

const discard = () => gateways.main.call('DELETE', '/drafts/me');
const same = (found, wanted, what) => equal(JSON.stringify(found), JSON.stringify(wanted), what);
const orderOf = async (query) => (await gateways.main.call('GET', `/config-order/sender-groups?listener=InboundMail${query}`)).data;
const rungNames = (page) => page.locator('.rung').evaluateAll((all) => all.map((each) => each.dataset.rung));
const states = (page) => page.locator('.rung').evaluateAll((all) => all.map((each) => ['no', 'match', 'unseen'].find((state) => each.classList.contains(`rung-${state}`)) ?? ''));

/* What a page writes: [{method, path, ifMatch}]. */
function writes(page) {
  const found = [];
  page.on('request', (request) => {
    if (request.method() === 'GET' || request.url().includes('/tests/')) return;
    found.push({ method: request.method(), path: new URL(request.url()).pathname.replace('/api/v1', ''), ifMatch: request.headers()['if-match'] });
  });
  return found;
}

test('policies: networks that others hold', async () => {
  const { rangeOf, shadowsOf } = await loadModule('network.js');
  for (const text of ['ALL', '', '1.2.3', '1.2.3.4/33', '::/129', 'x::1', '1.2.3.4/x']) equal(rangeOf(text), null, text);
  const rows = [
    [['10.0.0.0/8'], ['10.1.0.0/16'], true], [['10.1.0.0/16'], ['10.0.0.0/8'], false],
    [['10.0.0.0/9', '10.128.0.0/9'], ['10.0.0.0/8'], true], [['10.0.0.0/9', '10.129.0.0/16'], ['10.0.0.0/8'], false],
    [['192.0.2.1'], ['192.0.2.1'], true], [['192.0.2.1'], ['192.0.2.1', '192.0.2.2'], false],
    [['2001:db8::/32'], ['2001:db8:1::1'], true], [['2001:db8::/33'], ['2001:db8:8000::/33'], false],
    [['0.0.0.0/0'], ['::1'], false], [['10.0.0.0/8'], ['::ffff:10.0.0.0/104'], true],
    [['255.255.255.255'], ['::'], false], [['0.0.0.0/0'], ['ALL'], false], [['::/0'], ['::/128', 'ffff::'], true],
  ];
  for (const [above, below, isDead] of rows) {
    const groups = [above, below].map((senders) => ({ senders: senders.map((sender) => ({ sender })) }));
    equal(shadowsOf(groups)[1].isDead, isDead, `${above} above ${below}`);
  }
});

test('policies: an address walks down the ladder', async () => {
  const { page, watch, visit } = await open();
  await visit(HAT);
  same(await rungNames(page), ['TRUSTED', 'BLOCKED', 'OFFICE', HOSTILE, 'UNKNOWN'], 'rungs');
  ok((await page.locator('[data-rung=OFFICE] .rung-shadow').innerText()).includes('2 already has 198.51.100.0/24'), 'the rung that never matches says why');
  equal(await page.locator('.rung-shadow').count(), 1, 'rungs that never match');
  await page.getByLabel('Which sender group matches this address?').fill('198.51.100.7');
  await page.keyboard.press('Enter');
  await page.locator('.rung-match').waitFor();
  same(await states(page), ['no', 'match', 'unseen', 'unseen', 'unseen'], 'the walk');
  equal(await page.locator('[data-rung=BLOCKED] mark').innerText(), '198.51.100.0/24', 'the pattern');
  ok((await page.locator('[data-rung=TRUSTED] .rung-step').innerText()).includes('198.51.100.7'), 'a rung above names the address');
  ok((await page.locator('.verdict').innerText()).includes('Reject'), 'the answer in words');
  equal(new URL(page.url()).searchParams.get('ip'), '198.51.100.7', 'the address in the URL');

  await page.getByLabel('Which sender group matches this address?').fill('2001:db8:5::9');
  await page.keyboard.press('Enter');
  await page.locator('[data-rung=TRUSTED].rung-match').waitFor();
  ok((await page.locator('.verdict').innerText()).includes('Required'), 'TLS in words');
  await page.getByLabel('Which sender group matches this address?').fill('nonsense');
  await page.keyboard.press('Enter');
  await page.getByText('no IPv4 or IPv6 address').waitFor();
  await watch.quiet(page);
  same(await states(page), ['', '', '', '', ''], 'no walk without an address');
});

test('policies: the ladder gets another order by keyboard, menu and mouse', async () => {
  const { page, watch, visit } = await open();
  const wrote = writes(page);
  try {
    await visit(`${HAT}&ip=198.51.100.7`);
    await tabTo(page, 'move OFFICE');
    await page.keyboard.press('Alt+ArrowUp');
    await page.locator('.toast').waitFor();
    await watch.quiet(page);
    same(await rungNames(page), ['TRUSTED', 'OFFICE', 'BLOCKED', HOSTILE, 'UNKNOWN'], 'after Alt+Up');
    ok(await page.evaluate(() => document.activeElement.closest('[data-rung]')?.dataset.rung === 'OFFICE'), 'the focus went along');
    same(wrote.map(({ method, path }) => `${method} ${path}`), ['PUT /config-order/sender-groups'], 'what was written');
    ok(/^"\w+"$/.test(wrote[0].ifMatch), 'If-Match names the order that was seen');

    /* Now BLOCKED decides, after the commit OFFICE does. */
    same(await page.locator('.verdict h3').allInnerTexts(), ['Now', 'After commit'], 'two answers');
    same(await states(page), ['no', 'match', 'unseen', 'unseen', 'unseen'], 'the walk after the commit');
    await page.getByRole('button', { name: 'Now', exact: true }).click();
    same(await rungNames(page), ['TRUSTED', 'BLOCKED', 'OFFICE', HOSTILE, 'UNKNOWN'], 'the ladder that runs');
    equal(await page.locator('.rung .grip').count(), 0, 'grips on the ladder that runs');
    await page.getByRole('button', { name: 'After commit', exact: true }).click();

    await page.locator(`[data-rung="${HOSTILE}"] .rung-number`).click();
    await page.getByRole('menuitemradio', { name: 'To the top' }).click();
    await watch.quiet(page);
    await page.locator('[data-rung=BLOCKED] .grip').dragTo(page.locator('[data-rung=TRUSTED] .rung-body'));
    await watch.quiet(page);
    const wanted = [HOSTILE, 'BLOCKED', 'TRUSTED', 'OFFICE', 'UNKNOWN'];
    same(await rungNames(page), wanted, 'after menu and mouse');
    same(await orderOf('&draft=me'), wanted, 'the draft');
    same(await orderOf(''), ['TRUSTED', 'BLOCKED', 'OFFICE', HOSTILE, 'UNKNOWN'], 'what runs');
    equal(await page.locator('[data-rung=UNKNOWN] .grip').count(), 0, 'the last rung does not move');
  } finally {
    await discard();
  }
});

test('policies: an order made from an old one is not put', async () => {
  const { page, watch, visit } = await open();
  try {
    await visit(HAT);
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    /* Somebody with the same draft was faster, and the page has not heard of it. */
    await page.route('**/api/v1/config-order/**', async (route) => {
      if (route.request().method() !== 'GET') return route.continue();
      return route.fulfill({ json: ['OFFICE', 'TRUSTED', 'BLOCKED', HOSTILE, 'UNKNOWN'], headers: { ETag: '"0"' } });
    });
    const wrote = writes(page);
    await page.locator('[data-rung=BLOCKED] .rung-number').focus();
    await page.keyboard.press('Alt+ArrowUp');
    await page.locator('.toast-bad').waitFor();
    await watch.quiet(page);
    equal(wrote.length, 0, 'writes');
    same(await rungNames(page), ['TRUSTED', 'BLOCKED', 'OFFICE', HOSTILE, 'UNKNOWN'], 'the order as it is');
  } finally {
    await discard();
  }
});

test('policies: the RAT is asked, and an open relay takes the host\'s name', async () => {
  const { page, watch, visit } = await open();
  try {
    await visit('/ui/rat?recipient=someone%40example.test');
    await page.locator('.verdict').getByText('Accepted').waitFor();
    ok((await page.locator('.verdict').innerText()).includes('example.test'), 'the entry that decides');
    await page.getByLabel('Would this recipient be taken?').fill('someone@elsewhere.test');
    await page.keyboard.press('Enter');
    await page.locator('.verdict').getByText('Refused').waitFor();
    ok((await page.locator('tbody tr').last().innerText()).includes('All other recipients'), 'ALL in words');

    await page.getByRole('link', { name: 'All other recipients' }).click();
    await page.locator('input[value=accept]').check({ force: true });
    await page.getByRole('button', { name: 'Submit' }).click();
    const sure = page.getByRole('button', { name: 'Accept All' });
    ok(await sure.isDisabled(), 'nothing typed, nothing done');
    await page.locator('#relay-name').fill('gateway.example.tes');
    ok(await sure.isDisabled(), 'nearly typed');
    await page.keyboard.press('Enter');
    ok(await sure.isVisible(), 'Enter does not get round it');
    await page.getByRole('button', { name: 'Cancel' }).last().click();
    equal((await gateways.main.call('GET', '/drafts/me/diff')).data.items.length, 0, 'what was staged');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.locator('#relay-name').fill('gateway.example.test');
    await sure.click();
    await page.locator('.toast').waitFor();
    await watch.quiet(page);
    equal((await gateways.main.call('GET', '/drafts/me/diff')).data.items.length, 1, 'what was staged then');
  } finally {
    await discard();
  }
});

test('policies: levels of TLS in words, global settings where the vendor has them', async () => {
  const { page, watch, visit } = await open();
  const before = (await gateways.main.call('GET', '/config/delivery')).data;
  try {
    await visit('/ui/destination-controls');
    ok((await page.locator('tbody tr').first().innerText()).trim().startsWith('Default'), 'Default comes first');
    const row = page.locator('tbody tr', { hasText: 'partner.test' });
    ok((await row.innerText()).includes('Required') && (await row.innerText()).includes('Not sent'), 'the level and what it means');

    await page.getByRole('link', { name: 'partner.test' }).click();
    await page.locator('.level').first().waitFor();
    const { data } = await gateways.main.call('GET', '/schema');
    const { words } = data.sections.find(({ name }) => name === 'destination-controls').rows.find(({ key }) => key === 'tls');
    const rungs = () => page.locator('.level input').evaluateAll((all) => all.map((each) => each.value));
    same(await rungs(), words, 'the levels that the schema offers');
    ok((await page.locator('.level-on').innerText()).includes('When it fails'), 'what happens on failure');
    await page.locator('.sheet').getByRole('link', { name: 'Cancel' }).click();
    await page.locator('tbody').getByRole('link', { name: 'Default' }).click();
    await page.locator('.level-on').waitFor();
    same(await rungs(), words.filter((word) => word !== 'default'), 'Default has nothing to inherit');

    await page.locator('.sheet').getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('link', { name: 'Edit Global Settings' }).click();
    equal(await page.locator('.sheet .field').count(), 1, 'fields of the global settings');
    await page.locator('.sheet select').selectOption('demonstration');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.locator('.global-pending').waitFor();
    await watch.quiet(page);
    const after = (await gateways.main.call('GET', '/config/delivery?draft=me')).data;
    same(after, { ...before, certificate: 'demonstration' }, 'the rest of the section stays');
  } finally {
    await discard();
  }
});

test('policies: what uses a policy is asked of the gateway', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/mail-flow-policies/TRUSTED');
  const row = page.locator('tbody tr', { hasText: 'InboundMail / OFFICE' });
  equal(await row.count(), 1, 'the table says what uses it');
  watch.requests.length = 0;
  await page.locator('.sheet').getByRole('button', { name: 'Delete' }).click();
  const confirm = page.locator('.dialog');
  await confirm.waitFor();
  ok((await confirm.innerText()).includes('Sender group InboundMail / OFFICE'), 'the confirmation says it too');
  same(watch.requests.map(({ url }) => url.pathname), ['/api/v1/config-uses/mail-flow-policies/TRUSTED'], 'what was asked for');
  await page.keyboard.press('Escape');
  await page.locator('.sheet').getByRole('link', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Compare' }).click();
  const policies = (await gateways.main.call('GET', '/config/mail-flow-policies?draft=me')).data.total;
  equal(await page.locator('.matrix thead th').count(), policies, 'columns of the matrix');
});

for (const [width, language] of [[1280, 'en'], [390, 'ko']]) {
  test(`policies: a listener is a way whose stages lead on, ${width} px`, async () => {
    const { page, visit } = await open({ width, language });
    await visit('/ui/listeners');
    const way = page.locator('.listener-card', { hasText: 'InboundMail' }).locator('.flow a');
    same(await way.evaluateAll((all) => all.map((each) => each.getAttribute('href'))),
      ['/ui/listeners/InboundMail', '/ui/sender-groups?listener=InboundMail', '/ui/mail-flow-policies', '/ui/rat?listener=InboundMail'], 'stages');
    same(await sideways(page), [], `at ${width} px`);
    await way.nth(1).click();
    await page.locator('.rung').first().waitFor();
  });
}
