/* Mail Policies > Mail Flow Policies: the table of the schema with what uses each policy, and the same as
 * a matrix, a column a policy, where what differs from the default stands out.
 *
 *   /ui/mail-flow-policies?view=matrix */
import { html, nothing } from '../../vendor/lit.js';
import { draft } from '../draft.js';
import { t } from '../i18n.js';
import { setQuery } from '../router.js';
import { labelOf, listObjects, pagePath, placeText, sectionOf, titleOf, usersOf } from '../schema.js';
import { columnsOf, groupsOf } from '../sections.js';
import { valueText } from '../ui/field.js';
import { actionWord, policyTls, takesMail } from './policy_words.js';
import { sectionPage } from './section.js';

const NAME = 'mail-flow-policies';
const USERS_SHOWN = 3;

const dash = () => html`<span class="muted">${t('value.dash')}</span>`;

/* What uses each: {name: {items, total}} */
async function loadUses(signal) {
  const policies = await listObjects(NAME, {}, signal);
  const uses = await Promise.all(policies.map(({ name }) => usersOf(NAME, name)));
  return Object.fromEntries(policies.map(({ name }, i) => [name, uses[i]]));
}

function usedBy({ items, total } = { items: [], total: 0 }) {
  if (total === 0) return html`<span class="muted">${t('policy.unused')}</span>`;
  const shown = items.slice(0, USERS_SHOWN);
  return html`<ul class="users">${shown.map((user) => html`<li><a class="cell-link" href=${pagePath(user.section, user.listener, user.key)}>${placeText(user.listener, user.key)}</a></li>`)}
    ${total > shown.length ? html`<li class="muted">${t('value.more', { n: total - shown.length })}</li>` : nothing}</ul>`;
}

const cells = {
  action: (policy) => actionWord(policy),
  tls: (policy) => (takesMail(policy) ? policyTls(policy) : dash()),
};
/* Limits mean nothing where no mail comes in. */
function limitCells() {
  const numbers = columnsOf(sectionOf(NAME)).filter((row) => row.kind === 'number');
  return Object.fromEntries(numbers.map((row) => [row.key, (policy) => (takesMail(policy) ? valueText(NAME, row, policy[row.key]) : dash())]));
}

function matrixCell(policy, row) {
  if (row.key === 'action') return actionWord(policy);
  if (row.key === 'tls' && takesMail(policy)) return policyTls(policy);
  const isMeaningless = row.key.startsWith('reject_') ? policy.action !== 'reject' : !takesMail(policy);
  if (isMeaningless || policy[row.key] === '') return dash();
  const text = valueText(NAME, row, policy[row.key]);
  return policy[row.key] === row.default ? html`<span class="muted">${text}</span>` : html`<strong>${text}</strong>`;
}

function matrix(rows, uses, hrefOf) {
  const section = sectionOf(NAME);
  const params = groupsOf(section).flatMap((group) => group.rows).filter((row) => row.key !== section.key);
  return html`<p class="matrix-hint">${t('policy.matrix.hint')}</p>
    <div class="matrix-frame" tabindex="0" role="region" aria-label=${titleOf(NAME)}><table class="matrix">
    <thead><tr><td></td>${rows.map((policy) => html`<th scope="col"><a href=${hrefOf(policy)}>${policy.name}</a>
      ${draft.find(NAME, '', policy.name) ? html`<span class="badge badge-pending">${t('state.pending')}</span>` : nothing}</th>`)}</tr></thead>
    <tbody>${params.map((row) => html`<tr><th scope="row">${labelOf(NAME, row)}</th>${rows.map((policy) => html`<td>${matrixCell(policy, row)}</td>`)}</tr>`)}
      <tr><th scope="row">${t('policy.used_by')}</th>${rows.map((policy) => html`<td>${usedBy(uses[policy.name])}</td>`)}</tr></tbody></table></div>`;
}

export function render(root, ctx) {
  const isMatrix = (tools) => tools.page.ctx.query.get('view') === 'matrix';
  const button = (is, view, label) => html`<button type="button" class="segment-button" aria-pressed=${String(is)} @click=${() => setQuery({ view })}>${label}</button>`;
  return sectionPage(root, ctx, {
    extra: loadUses,
    cells: { ...cells, ...limitCells() },
    columns: (data) => [{
      key: 'used_by', after: 'tls', label: t('policy.used_by'),
      text: ({ name }) => (data().extra[name]?.items || []).map((user) => placeText(user.listener, user.key)).join(', '),
      cell: ({ name }) => usedBy(data().extra[name]),
    }],
    above: (data, tools) => html`<div class="segments segments-small matrix-switch" role="group" aria-label=${t('policy.view')}>
      ${button(!isMatrix(tools), '', t('policy.view.table'))}${button(isMatrix(tools), 'matrix', t('policy.view.matrix'))}</div>`,
    wrap: (data, shown, tools) => (isMatrix(tools) ? matrix(data.objects, data.extra, tools.hrefOf) : shown),
  });
}
