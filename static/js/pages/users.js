/* System Administration > Users: who may administer this gateway, and as what. All of it at once. */
import { html, nothing } from '../../vendor/lit.js';
import { api, pathOf, Problem } from '../api.js';
import { date, dateTime, fullTime, problemText, relative, t } from '../i18n.js';
import { session } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { ask, choiceField, textField, withProof } from '../ui/ask.js';
import { confirm } from '../ui/dialog.js';
import { icon, status } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { newPassphrase, readPassphrase } from '../ui/passphrase.js';
import { notice } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';

const ROLES = ['administrator', 'operator', 'read-only'];
const PASSPHRASE_MIN = 8;

const roleChoices = () => ROLES.map((role) => ({ value: role, label: t(`role.${role}`), help: t(`role.${role}.help`) }));
const pathOfUser = (name) => pathOf('users', name);

/* The dialogs; each resolves to what the server says of the user then. */

function addUser() {
  const state = {};
  const bodyOf = ({ name, role }) => ({ name: name.value.trim(), role: role.value });
  return ask({
    title: t('users.add'), lead: t('users.add_lead'), action: t('users.add'),
    call: (elements) => ({ method: 'POST', path: '/users', body: { ...bodyOf(elements), password: 'PASSPHRASE' } }),
    fields: (form) => html`
      ${textField({ id: 'name', label: t('login.user'), help: t('users.name_help'), most: 63, first: true, error: form.errorOf('/name') })}
      ${choiceField({ id: 'role', label: t('users.role'), choices: roleChoices(), value: 'operator', error: form.errorOf('/role') })}
      ${newPassphrase({ id: 'password', label: t('login.password'), least: PASSPHRASE_MIN, form, state, pointer: '/password' })}`,
    send: async (elements) => {
      const password = readPassphrase(elements, 'password');
      return (await withProof(() => api.post('/users', { ...bodyOf(elements), password }))).data;
    },
  });
}

const patch = (name, body) => withProof(() => api.patch(pathOfUser(name), body)).then((reply) => reply.data);
const patchCall = (name, body) => ({ method: 'PATCH', path: pathOfUser(name), body });

const changeRole = (user) => ask({
  title: t('users.role_title', { name: user.name }), lead: t('users.role_lead'), action: t('users.role_action'),
  call: ({ role }) => patchCall(user.name, { role: role.value }),
  fields: (form) => choiceField({ id: 'role', label: t('users.role'), choices: roleChoices(), value: user.role, error: form.errorOf('/role') }),
  send: ({ role }) => patch(user.name, { role: role.value }),
});

function setPassphrase(user) {
  const state = {};
  return ask({
    title: t('users.password_title', { name: user.name }), lead: t('users.password_lead'), action: t('users.password_action'),
    call: () => patchCall(user.name, { password: 'PASSPHRASE' }),
    fields: (form) => newPassphrase({ id: 'password', label: t('password.new'), least: PASSPHRASE_MIN, form, state, pointer: '/password', first: true }),
    send: (elements) => patch(user.name, { password: readPassphrase(elements, 'password') }),
  });
}

async function setDisabled(user, disabled) {
  const isSure = !disabled || await confirm({
    title: t('users.disable_title', { name: user.name }), body: html`<p>${t('users.disable_text')}</p>`, action: t('users.disable'), kind: 'bad',
  });
  return isSure ? patch(user.name, { disabled }) : undefined;
}

async function remove(user) {
  const isSure = await confirm({
    title: t('delete.title', { what: user.name }), body: html`<p>${t('users.delete_text')}</p>`, action: t('action.delete'), kind: 'bad',
  });
  if (!isSure) return undefined;
  await withProof(() => api.del(pathOfUser(user.name)));
  return true;
}

const when = (iso) => html`<span><time datetime=${iso} title=${fullTime(iso)}>${date(iso)}</time> <span class="muted">${relative(iso)}</span></span>`;

const columns = () => [
  { key: 'name', label: t('login.user'), text: (user) => user.name,
    cell: (user) => html`${user.name}${user.name === session.name ? html` <span class="badge">${t('users.me')}</span>` : nothing}` },
  { key: 'role', label: t('users.role'), text: (user) => t(`role.${user.role}`) },
  { key: 'state', label: t('users.state'), text: (user) => t(user.disabled ? 'users.disabled' : 'users.enabled'),
    cell: (user) => (user.disabled ? status('off', t('users.disabled')) : status('ok', t('users.enabled'))) },
  { key: 'password', label: t('users.password_changed'), text: (user) => dateTime(user.password_changed), sort: (user) => Date.parse(user.password_changed), cell: (user) => when(user.password_changed) },
  { key: 'created', label: t('users.created'), text: (user) => dateTime(user.created), sort: (user) => Date.parse(user.created), cell: (user) => when(user.created) },
];

const rolesCard = () => html`<section class="roles" aria-labelledby="roles-title"><h2 id="roles-title">${t('users.roles')}</h2>
  <div class="role-cards">${ROLES.map((role) => html`<article class="card role-card"><h3>${icon(role === 'administrator' ? 'system' : role === 'operator' ? 'mail' : 'search')}${t(`role.${role}`)}</h3>
    <p class="muted">${t(`role.${role}.help`)}</p></article>`)}</div></section>`;

export function render(root, ctx) {
  let frame;

  /* Runs an action of a row and says what it did. */
  async function act(run, done, name) {
    try {
      const result = await run();
      if (result === undefined) return;
      toast({ text: t(done, { name: name || result.name }), more: t('now.done') });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast({ text: problem.errors.length > 0 ? problemText(problem.errors[0]) : problemText(problem), kind: 'bad' });
    }
    await frame.reload();
  }

  const table = new Table({
    name: 'users', label: t('page.users'), columns: columns(), update: () => frame.update(),
    rowKey: (user) => user.name, rowName: (user) => user.name,
    actions: (user) => [
      { label: t('users.role_action'), icon: 'policy', onSelect: () => act(() => changeRole(user), 'users.role_done', user.name) },
      { label: t('users.password_action'), icon: 'lock', onSelect: () => act(() => setPassphrase(user), 'users.password_done', user.name) },
      user.disabled
        ? { label: t('users.enable'), icon: 'check', onSelect: () => act(() => setDisabled(user, false), 'users.enable_done', user.name) }
        : { label: t('users.disable'), icon: 'minus', onSelect: () => act(() => setDisabled(user, true), 'users.disable_done', user.name) },
      { label: t('action.delete'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => act(() => remove(user), 'users.delete_done', user.name) },
    ],
  });

  const handle = page(root, ctx, {
    title: t('page.users'), lead: t('users.lead'),
    load: async (signal) => (await api.get('/users', { signal })).data.items,
    moved: (_, self) => self.update(),
    actions: () => html`${apiButton(() => ({ method: 'GET', path: '/users' }))}
      <button type="button" class="button button-primary" data-new aria-haspopup="dialog" @click=${() => act(addUser, 'users.add_done')}>${icon('add')}<span>${t('users.add')}</span></button>`,
    body: (users) => html`${notice('info', html`<p>${t('now.people')}</p>`)}${table.template(users)}${rolesCard()}`,
  });
  frame = handle.page;
  return handle;
}
