/* Overview, Delivery Status and Logs with real mail: what they show is what the API says, they stay
 * fresh without taking anything away, and texts of strangers are texts. */
import { loadModule } from './lib/routes.mjs';
import { sendMail } from './lib/mail.mjs';
import { equal, gateways, ok, open, test } from './lib/suite.mjs';

const HOSTILE = `<img src=x onerror=posternTestReport(1)> MID 99999 {n}`;
const HOSTILE_SENDER = `"<b>x</b>"@sender.example`;

const main = () => gateways.main;
const read = async (where) => (await main().call('GET', where)).data;
const send = (more = {}) => sendMail({ port: main().smtp, sender: 'a@sender.example', recipients: ['late@away.test'], subject: 'late', ...more });
const isTaken = (page, text) => page.waitForFunction((wanted) => document.querySelector('main').innerText.includes(wanted), text);

/* --- what needs somebody, from answers that no gateway in a test would give --- */

const READY = { ready: true, spool: 'accepting', loops: 2, loops_alive: 2, ending: false };
const statusOf = (readiness = {}, dropped = 0) => ({ readiness: { ...READY, ...readiness }, counters: { log_dropped: dropped } });
const NOW = Date.parse('2026-01-31T12:00:00Z');

const certificate = (name, health, uses, isDemonstration = false) => ({
  name, status: { health, not_after: '2026-02-01T00:00:00Z', not_before: '2026-01-01T00:00:00Z', days_left: 1,
    pairs: [{ demonstration: isDemonstration }], used_by: { items: uses.map((key) => ({ section: 'listeners', key })) } },
});
const destination = (name, state, oldest, text = '') => ({ destination: name, state, messages: 3, oldest, last_reply: text ? { code: 450, enhanced: '', text } : null });
const LISTENERS = [{ name: 'In', type: 'public' }, { name: 'Out', type: 'private' }];
const FRESH = '2026-01-31T11:59:00Z', OLD = '2026-01-30T12:00:00Z';

const CASES = [
  ['nothing', { status: statusOf() }, []],
  ['spool full', { status: statusOf({ ready: false, spool: 'full' }) }, ['bad spool_full']],
  ['spool failed', { status: statusOf({ ready: false, spool: 'failed' }) }, ['bad spool_failed']],
  ['a loop is stuck', { status: statusOf({ ready: false, loops_alive: 1 }) }, ['bad loops']],
  ['going down', { status: statusOf({ ready: false, ending: true, spool: 'failed', loops_alive: 0 }) }, ['bad ending']],
  ['lines were dropped', { status: statusOf({}, 7) }, ['warn log_dropped']],
  ['health of used certificates alone', { certificates: [certificate('a', 'warning', ['In']), certificate('b', 'expired', []), certificate('c', 'critical', ['Out']), certificate('d', 'ok', ['In'])] },
    ['bad certificate:c', 'warn certificate:a']],
  ['demonstration on a public listener alone', { listeners: LISTENERS, certificates: [certificate('demo', 'ok', ['In', 'Out'], true)] }, ['warn demonstration:In']],
  ['destinations', { destinations: [destination('up', 'up', FRESH), destination('old', 'up', OLD, 'busy'), destination('down', 'down', FRESH)] }, ['bad down:down', 'warn old:old']],
  ['many destinations', { destinations: [1, 2, 3, 4, 5].map((n) => destination(`d${n}`, 'down', FRESH)) }, ['bad down:d1', 'bad down:d2', 'bad down:d3', 'bad more']],
];

test('monitor: what needs attention', async () => {
  const { useCatalogue } = await loadModule('i18n.js');
  const { attention } = await loadModule('pages/overview_attention.js');
  useCatalogue('en', {});
  for (const [what, given, wanted] of CASES) {
    const found = attention({ status: statusOf(), ...given }, NOW).map(({ kind, id }) => `${kind} ${id}`);
    equal(found.join(), wanted.join(), what);
  }
});

test('monitor: the last minute', async () => {
  const { Series } = await loadModule('pages/overview_series.js');
  const series = new Series();
  series.add({ n: 5, level: 2 }, 100000);
  series.add({ n: 8 }, 110000);
  series.add({ n: 9, level: 7 }, 110500);
  equal(series.rates('n', 110000).at(-1), 4, 'rate of the newest second');
  equal(series.total('n', 130000), 4, 'in the last minute');
  equal(series.total('n', 169000), 4, 'at its end');
  equal(series.total('n', 171000), 0, 'behind it');
  equal(series.levels('level', 130000).at(-1), 7, 'level now');
  equal(series.levels('level', 110000).at(-2), 2, 'level before');
  series.add({ n: 1 }, 115000);
  equal(series.total('n', 120000), 4, 'after a restart');
});

/* --- overview --- */

const tile = (page, label) => page.locator('.tile', { has: page.getByRole('heading', { name: label }) }).locator('.tile-value');

test('monitor: overview shows the gateway and follows it', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/');
  equal(await page.title(), `Overview - ${(await read('/config/system')).hostname}`, 'the first page');
  const items = await page.locator('.attention-item').allInnerTexts();
  ok(items.some((text) => text.includes('away.test')), `no word of away.test: ${items}`);
  ok(items.some((text) => text.includes('InboundMail')), `no word of the demonstration certificate: ${items}`);

  const { counters } = await read('/status');
  const { messages } = await read('/queue/summary');
  equal(await tile(page, 'Incoming connections').innerText(), String(counters.sessions), 'connections');
  equal(await tile(page, 'Messages in the queue').innerText(), String(messages), 'queued');
  const donut = page.getByRole('img', { name: /^TLS on incoming connections/ });
  const encrypted = counters.tls.filter((row) => row.direction === 'in' && row.result === 'success').reduce((sum, row) => sum + row.count, 0);
  ok((await donut.getAttribute('aria-label')).includes(`of ${counters.sessions} were encrypted`), await donut.getAttribute('aria-label'));
  ok(encrypted > 0, 'nothing was encrypted');
  await page.getByText('Show numbers: TLS on incoming connections').click();
  await page.getByRole('cell', { name: String(encrypted), exact: true }).first().waitFor();

  await send();
  await page.waitForFunction((n) => [...document.querySelectorAll('.tile-value')].some((each) => each.innerText === String(n)), counters.sessions + 1);
  await page.getByRole('button', { name: 'Pause' }).click();
  await watch.quiet(page);
  const before = watch.requests.length;
  await send();
  const other = await page.context().newPage(); /* it hears of the message, so the paused one has heard too */
  await other.goto('/ui/overview');
  await other.waitForFunction((n) => [...document.querySelectorAll('.tile-value')].some((each) => each.innerText === String(n)), counters.sessions + 2);
  equal(await tile(page, 'Incoming connections').innerText(), String(counters.sessions + 1), 'connections while paused');
  ok(watch.requests.length > before, 'the other page has asked');
  await page.bringToFront();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForFunction((n) => [...document.querySelectorAll('.tile-value')].some((each) => each.innerText === String(n)), counters.sessions + 2);
});

/* --- delivery status --- */

test('monitor: delivery status stays fresh and keeps filter, focus and selection', async () => {
  const { page, visit } = await open();
  await visit('/ui/delivery-status');
  const row = page.locator('tbody tr', { has: page.getByRole('link', { name: 'away.test' }) });
  await row.getByRole('checkbox').check();
  const search = page.getByRole('searchbox');
  await search.fill('away');
  await page.waitForURL((url) => url.searchParams.get('q') === 'away');
  const { messages } = await read('/queue/destinations/away.test');
  await send();
  await page.waitForFunction((n) => [...document.querySelectorAll('tbody td')].some((each) => each.innerText === String(n)), messages + 1);
  ok(await search.evaluate((each) => each === document.activeElement), 'the focus is not where it was');
  equal(await search.inputValue(), 'away', 'filter');
  ok(await row.getByRole('checkbox').isChecked(), 'the selection is lost');

  await page.getByRole('button', { name: 'Retry 1' }).click();
  await isTaken(page, 'away.test');
  await page.locator('.toast', { hasText: 'away.test' }).waitFor();
  equal(await page.evaluate(() => document.querySelectorAll('.toast-bad').length), 0, 'failures');
});

test('monitor: a message is looked at and deleted', async () => {
  await send({ sender: HOSTILE_SENDER, recipients: ['one@away.test', 'two@away.test'], subject: HOSTILE });
  const { items } = await read('/queue/messages?destination=away.test&limit=1000');
  const { mid } = items.find(({ sender }) => sender === HOSTILE_SENDER);
  const { page, visit } = await open();
  await visit('/ui/delivery-status/away.test');
  await isTaken(page, HOSTILE_SENDER);
  equal(await page.locator('main b, main img').count(), 0, 'elements made of a sender');
  await page.getByRole('link', { name: String(mid), exact: true }).click();
  const sheet = page.getByRole('dialog', { name: `MID ${mid}` });
  await sheet.getByText('two@away.test').waitFor();
  equal(new URL(page.url()).pathname, `/ui/delivery-status/away.test/${mid}`, 'address of the message');

  await sheet.getByRole('button', { name: 'Delete' }).click();
  const question = page.getByRole('dialog', { name: 'Delete 1 message from the queue?' });
  ok((await question.innerText()).includes('no report is sent'), 'the question does not say that nobody is told');
  await question.getByRole('button', { name: 'Cancel' }).click();
  equal((await main().call('GET', `/queue/messages/${mid}`)).status, 200, 'after Cancel');
  await sheet.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete 1 message' }).click();
  await page.locator('.toast', { hasText: '1 message deleted' }).waitFor();
  equal((await main().call('GET', `/queue/messages/${mid}`)).status, 404, 'after Delete');
  equal(await page.getByRole('dialog').count(), 0, 'open sheets');
});

/** A session of a user of its own. */
async function as(role) {
  const made = await main().call('POST', '/users', { name: role, role, password: main().password });
  ok([201, 409].includes(made.status), `user: ${made.status}`);
  return main().as(role);
}

test('monitor: operators may retry, readers may look', async () => {
  const operator = await open({ gateway: await as('operator') });
  await operator.visit('/ui/delivery-status/away.test');
  await operator.page.getByRole('button', { name: 'Retry Now' }).click();
  await operator.page.locator('.toast', { hasText: 'away.test' }).waitFor();
  equal(await operator.page.locator('.toast-bad').count(), 0, 'failures');

  const reader = await open({ gateway: await as('read-only') });
  await reader.visit('/ui/delivery-status/away.test');
  await reader.page.getByRole('link', { name: 'Show log lines' }).waitFor();
  equal(await reader.page.getByRole('button', { name: /Retry/ }).count(), 0, 'ways to retry');
  equal(await reader.page.getByRole('checkbox').count(), 0, 'ways to select');
});

/* --- logs --- */

test('monitor: logs are searched, followed and unfolded', async () => {
  await send({ subject: HOSTILE, helo: 'hostile.example' });
  const { page, visit } = await open();
  await visit(`/ui/mail-logs?q=${encodeURIComponent('onerror')}`);
  const line = page.locator('.log-line', { hasText: HOSTILE }).first();
  await line.waitFor();
  equal(await page.locator('main img').count(), 0, 'elements made of a subject');
  const links = await line.getByRole('link').allInnerTexts();
  equal(links.length, 1, `links in ${await line.innerText()}`);
  ok(links[0] !== 'MID 99999', 'an id in a subject became a link');

  await line.getByRole('button').click();
  await page.locator('.log-details', { hasText: 'mid_subject' }).waitFor();
  await line.getByRole('link').click();
  await page.waitForURL(/[?&]mid=\d+/);
  await page.getByText(/^Start/).first().waitFor();
  await page.getByRole('link', { name: /Remove the filter Message/ }).click();
  await page.waitForURL((url) => !url.searchParams.has('mid'));

  await page.getByRole('searchbox').fill('away.test');
  await page.getByRole('searchbox').press('Enter');
  await page.waitForURL(/q=away\.test/);
  await page.locator('.log-line', { hasText: 'late@away.test' }).first().waitFor();
});

test('monitor: logs go back page by page', async () => {
  for (let i = 0; i < 12; i++) await send();
  const { page, visit } = await open();
  await visit('/ui/mail-logs');
  equal(await page.locator('.log-line').count(), 100, 'lines at first');
  await page.getByRole('button', { name: 'Load older' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.log-line').length > 100);
  await visit('/ui/mail-logs?mid=nonsense');
  await page.locator('.notice-bad').waitFor();
  await page.getByRole('searchbox').waitFor();
});
