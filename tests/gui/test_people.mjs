/* Users, API tokens, sessions, passphrases, the audit log; what is hidden from those who may less. */
import { equal, gateways, ok, open, test } from './lib/suite.mjs';

const PASSWORD = 'a long enough passphrase';

const as = (user) => gateways.main.as(user, PASSWORD);

async function make(name, role) {
  const { status } = await gateways.main.call('POST', '/users', { name, role, password: PASSWORD });
  equal(status, 201, `status for ${name}`);
}

const rowOf = (page, name) => page.locator('tbody tr', { has: page.locator('th', { hasText: name }) });

async function choose(page, row, item) {
  await rowOf(page, row).locator('.cell-actions > button').click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('users: added, given another role, disabled, deleted, at once', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/users');
  await page.getByRole('button', { name: 'Add User' }).click();
  await page.fill('#name', 'not a name');
  await page.fill('#password', PASSWORD);
  await page.fill('#password-again', PASSWORD);
  const add = page.locator('dialog[open] .dialog-foot .button-primary');
  await add.click();
  await page.waitForSelector('#name-error');
  await page.fill('#name', 'lee');
  await add.click();
  await page.waitForSelector('.toast');
  await watch.quiet(page);
  ok((await rowOf(page, 'lee').innerText()).includes('Operator'), 'the role that was chosen');

  await choose(page, 'lee', 'Change role');
  await page.getByLabel('Read-Only Operator').check();
  await page.locator('dialog[open] .dialog-foot .button-primary').click();
  await watch.quiet(page);
  equal((await gateways.main.call('GET', '/users/lee')).data.role, 'read-only', 'role');

  await choose(page, 'lee', 'Disable');
  await page.locator('dialog[open] .button-bad').click();
  await watch.quiet(page);
  ok((await rowOf(page, 'lee').innerText()).includes('Disabled'), 'the state');

  await choose(page, 'lee', 'Delete');
  await page.locator('dialog[open] .button-bad').click();
  await watch.quiet(page);
  equal((await gateways.main.call('GET', '/users/lee')).status, 404, 'status of who was deleted');

  await choose(page, 'kim', 'Delete');
  await page.locator('dialog[open] .button-bad').click();
  await page.waitForSelector('.toast-bad');
  equal((await gateways.main.call('GET', '/users/kim')).status, 200, 'the last administrator stays');
});

test('users: the API wants the passphrase again, and gets it', async () => {
  const { page, context, watch, visit } = await open();
  let refused = 0;
  await context.route(/\/api\/v1\/users$/, async (route) => {
    if (route.request().method() !== 'POST' || refused++ > 0) return route.fallback();
    return route.fulfill({ status: 403, contentType: 'application/problem+json', json: { code: 'auth.reauth', title: 'Forbidden', status: 403 } });
  });
  await visit('/ui/users');
  await page.getByRole('button', { name: 'Add User' }).click();
  await page.fill('#name', 'cho');
  await page.fill('#password', PASSWORD);
  await page.fill('#password-again', PASSWORD);
  await page.locator('dialog[open] .dialog-foot .button-primary').click();
  await page.waitForSelector('#proof');
  await page.fill('#proof', 'wrong');
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.waitForSelector('.notice-bad:has-text("wrong")');
  equal(new URL(page.url()).pathname, '/ui/users', 'a wrong passphrase does not log out');
  await page.fill('#proof', gateways.main.password);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.waitForSelector('.toast');
  await watch.quiet(page);
  equal((await gateways.main.call('GET', '/users/cho')).status, 200, 'made after the proof');
  await gateways.main.call('DELETE', '/users/cho');
});

test('tokens: shown once, work, are revoked', async () => {
  const { page, watch, visit } = await open();
  await visit('/ui/tokens');
  await page.getByRole('button', { name: 'Create Token' }).click();
  await page.fill('#token-name', 'monitoring');
  const add = page.locator('dialog[open] .dialog-foot .button-primary');
  await add.click();
  await page.waitForSelector('#scope-error');
  await page.getByLabel('metrics:read').check();
  await page.fill('#days', '30');
  await add.click();
  await page.waitForSelector('.token-text');
  const token = await page.locator('.token-text').innerText();
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json' };
  const { data } = await gateways.main.raw('GET', '/api/v1/session', headers);
  equal(data.permissions.join(), 'metrics:read', 'what the token may do');
  ok((await page.locator('pre.code').innerText()).includes('curl'), 'a line to try it');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await watch.quiet(page);
  ok(!(await page.content()).includes(token), 'it is not on the page any more');

  await choose(page, 'monitoring', 'Revoke');
  await page.locator('dialog[open] .button-bad').click();
  await watch.quiet(page);
  equal((await gateways.main.raw('GET', '/api/v1/session', headers)).status, 401, 'status with a revoked token');
});

test('sessions: mine is marked, another is ended; passphrase changed', async () => {
  await make('han', 'administrator');
  const [mine, other] = [as('han'), as('han')];
  await other.logIn();
  const { page, watch, visit } = await open({ gateway: mine });
  await visit('/ui/sessions');
  equal(await page.locator('tbody tr').count(), 2, 'sessions');
  equal(await page.locator('tbody .badge', { hasText: 'this one' }).count(), 1, 'marked as mine');
  await page.getByRole('button', { name: 'End all others' }).click();
  await page.locator('dialog[open] .button-bad').click();
  await watch.quiet(page);
  equal((await other.call('GET', '/session')).status, 401, 'status of the other session');

  await page.goto('/ui/password');
  await page.fill('#old', 'wrong');
  await page.fill('#new', `${PASSWORD} 2`);
  await page.fill('#new-again', `${PASSWORD} 2`);
  await page.locator('form .button-primary').click();
  await page.waitForSelector('.notice-bad');
  await page.fill('#old', PASSWORD);
  await page.locator('form .button-primary').click();
  await page.waitForSelector('.notice-ok');
  other.password = `${PASSWORD} 2`;
  await other.logIn();
  await gateways.main.call('DELETE', '/users/han');
});

test('audit: filtered in the address, refusals found', async () => {
  await make('seo', 'read-only');
  const seo = as('seo');
  equal((await seo.call('GET', '/users')).status, 403, 'status for who may not');
  const { page, watch, visit } = await open();
  await visit('/ui/audit?who=seo&outcome=refused');
  equal(await page.locator('tbody tr').count(), 1, 'refusals of seo');
  ok((await page.locator('tbody tr').innerText()).includes('List users'), 'the action in words');
  await page.getByLabel('Outcome').selectOption('');
  await watch.quiet(page);
  equal(new URL(page.url()).search, '?who=seo', 'the filter in the address');
  ok(await page.locator('tbody tr').count() > 1, 'the login is there as well');
  await gateways.main.call('DELETE', '/users/seo');
});

test('people: who may less sees why, and no way to it', async () => {
  await make('yun', 'read-only');
  const gateway = as('yun');
  const { page, visit } = await open({ gateway });
  for (const path of ['/ui/users', '/ui/audit']) {
    await visit(path);
    ok((await page.locator('.state').innerText()).includes('users:write'), `${path} names what is missing`);
    equal(await page.locator(`nav a[href="${path}"]`).count(), 0, `links to ${path}`);
  }
  await visit('/ui/config-file');
  equal(await page.locator('.drop-input').count(), 0, 'ways to load a file');
  equal(await page.getByRole('button', { name: 'Download sealed' }).count(), 0, 'ways to the keys');
  await visit('/ui/certificates/mx1');
  equal(await page.getByRole('button', { name: /Delete|Assign/ }).count(), 0, 'ways to change a certificate');
  await visit('/ui/tokens');
  await page.getByRole('button', { name: 'Create Token' }).click();
  equal(await page.locator('input[name=scope][value="users:write"]').count(), 0, 'scopes that the role lacks');
  await gateways.main.call('DELETE', '/users/yun');
});
