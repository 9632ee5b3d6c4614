/* System Administration > API Tokens: mine. A token is shown once; what it may do are its scopes, and
 * never more than I may. */
import { html, nothing } from '../../vendor/lit.js';
import { api, curlOf, pathOf, Problem } from '../api.js';
import { date, dateTime, fullTime, problemText, relative, t } from '../i18n.js';
import { session } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { ask, fieldError, textField, withProof } from '../ui/ask.js';
import { copyButton } from '../ui/copy.js';
import { confirm, dialog } from '../ui/dialog.js';
import { icon, status } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty, notice } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';

const DAYS = 365, DAYS_MAX = 1825;

const chosen = (elements) => [...document.querySelectorAll('input[name="scope"]:checked')].filter((each) => [...elements].includes(each)).map((each) => each.value);

const bodyOf = (elements) => ({ name: elements['token-name'].value.trim(), scopes: chosen(elements), days: Number(elements.days.value) });

const scopeField = (error) => html`<fieldset class="field choices"><legend class="label">${t('tokens.scopes')}</legend>
  <p class="field-help">${t('tokens.scopes_help')}</p>
  <div class="scope-grid">${session.permissions.map((scope) => html`<label class="tick choice-row"><input type="checkbox" name="scope" value=${scope}>
    <span><code class="choice-name">${scope}</code><span class="muted choice-help">${t(`scope.${scope.replace(':', '.')}`)}</span></span></label>`)}</div>
  ${error ? fieldError('scope', error) : nothing}</fieldset>`;

const create = () => ask({
  title: t('tokens.add'), lead: t('tokens.add_lead'), action: t('tokens.add'), size: 'wide',
  call: (elements) => ({ method: 'POST', path: '/me/tokens', body: bodyOf(elements) }),
  fields: (form) => html`
    ${textField({ id: 'token-name', label: t('tokens.name'), help: t('tokens.name_help'), most: 63, first: true, error: form.errorOf('/name') })}
    ${scopeField([form.errorOf('/scopes'), ...session.permissions.map((_, i) => form.errorOf(`/scopes/${i}`))].filter(Boolean).join(' '))}
    ${textField({ id: 'days', label: t('tokens.days'), help: t('tokens.days_help'), type: 'number', kind: 'control-number', value: String(DAYS), min: 1, max: DAYS_MAX, error: form.errorOf('/days') || form.errorOf('/expires') })}`,
  send: async (elements) => {
    const body = bodyOf(elements);
    if (body.scopes.length === 0) throw new Problem(422, { code: 'user.invalid', errors: [{ pointer: '/scopes', code: 'tokens.no_scope' }] });
    return (await withProof(() => api.post('/me/tokens', body))).data;
  },
});

/* The only time that the token itself is seen. */
function show(made) {
  const line = `TOKEN='${made.token}'\n${curlOf({ method: 'GET', path: '/session' })}`;
  return dialog({
    title: t('tokens.made', { name: made.name }), size: 'wide',
    body: () => html`${notice('warn', html`<p>${t('tokens.once')}</p>`)}
      <h3>${t('tokens.token')}</h3><div class="token-secret"><code class="code token-text" tabindex="0">${made.token}</code>${copyButton(made.token, t('tokens.copy'), 'button-primary')}</div>
      <h3>${t('tokens.try')}</h3><p class="muted">${t('tokens.try_text')}</p><pre class="code" tabindex="0">${line}</pre>
      <div>${copyButton(line, t('tokens.copy_line'))}</div>`,
    actions: (close) => html`<button type="button" class="button" @click=${() => close()}>${t('tokens.kept')}</button>`,
  });
}

const isOver = (token) => Date.parse(token.expires) < Date.now();
const when = (iso) => html`<span><time datetime=${iso} title=${fullTime(iso)}>${date(iso)}</time> <span class="muted">${relative(iso)}</span></span>`;

const columns = () => [
  { key: 'name', label: t('tokens.name'), text: (token) => token.name },
  { key: 'scopes', label: t('tokens.scopes'), text: (token) => token.scopes.join(' '),
    cell: (token) => html`<span class="scope-list">${token.scopes.map((scope) => html`<span class="badge" title=${t(`scope.${scope.replace(':', '.')}`)}>${scope}</span>`)}</span>` },
  { key: 'expires', label: t('tokens.expires'), text: (token) => dateTime(token.expires), sort: (token) => Date.parse(token.expires),
    cell: (token) => (isOver(token) ? status('bad', t('tokens.expired')) : when(token.expires)) },
  { key: 'used', label: t('tokens.used'), text: (token) => (token.used ? dateTime(token.used) : t('tokens.never')), sort: (token) => Date.parse(token.used || 0),
    cell: (token) => (token.used ? when(token.used) : html`<span class="muted">${t('tokens.never')}</span>`) },
  { key: 'created', label: t('users.created'), text: (token) => dateTime(token.created), sort: (token) => Date.parse(token.created), cell: (token) => when(token.created) },
];

export function render(root, ctx) {
  let frame;

  async function act(run) {
    try {
      await run();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast({ text: problemText(problem), kind: 'bad' });
    }
    await frame.reload();
  }

  const add = () => act(async () => {
    const made = await create();
    if (made === undefined) return;
    frame.reload();
    await show(made);
  });

  const revoke = (token) => act(async () => {
    const isSure = await confirm({
      title: t('tokens.revoke_title', { name: token.name }), body: html`<p>${t('tokens.revoke_text')}</p>`, action: t('tokens.revoke'), kind: 'bad',
    });
    if (!isSure) return;
    await api.del(pathOf('me', 'tokens', token.name));
    toast({ text: t('tokens.revoked', { name: token.name }), more: t('now.done') });
  });

  const addButton = () => html`<button type="button" class="button button-primary" data-new aria-haspopup="dialog" @click=${add}>${icon('add')}<span>${t('tokens.add')}</span></button>`;
  const table = new Table({
    name: 'tokens', label: t('page.tokens'), columns: columns(), update: () => frame.update(),
    rowKey: (token) => token.id, rowName: (token) => token.name,
    actions: (token) => [{ label: t('tokens.revoke'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => revoke(token) }],
  });

  const handle = page(root, ctx, {
    title: t('page.tokens'), lead: t('tokens.lead'),
    load: async (signal) => (await api.get('/me/tokens', { signal })).data.items,
    moved: (_, self) => self.update(),
    actions: (tokens) => html`${apiButton(() => ({ method: 'GET', path: '/me/tokens' }))}${tokens.length > 0 ? addButton() : nothing}`,
    body: (tokens) => html`${notice('info', html`<p>${t('now.tokens')}</p>`)}
      ${table.template(tokens, { empty: empty({ title: t('tokens.empty'), text: t('tokens.empty_text'), glyph: 'code', action: addButton() }) })}`,
  });
  frame = handle.page;
  return handle;
}
