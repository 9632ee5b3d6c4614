/* What a page shows when it has nothing to show: loading, empty, not permitted, failed. */
import { html, nothing } from '../../vendor/lit.js';
import { problemText, t } from '../i18n.js';
import { copyIcon } from './copy.js';
import { icon } from './icons.js';

/** Grey bars in the place of what comes. */
export const skeleton = (lines = 5) => html`<div class="skeleton" aria-hidden="true">
  ${Array.from({ length: lines }, () => html`<div class="skeleton-line"></div>`)}</div>
  <p class="visually-hidden" role="status">${t('state.loading')}</p>`;

/** @param {{title: string, text?: string, glyph?: string, action?: unknown}} given action: the one next step */
export const empty = ({ title, text, glyph = 'info', action }) => html`<div class="state">
  <span class="state-icon">${icon(glyph)}</span>
  <h2>${title}</h2>
  ${text ? html`<p>${text}</p>` : nothing}
  ${action ? html`<div class="state-actions">${action}</div>` : nothing}
</div>`;

/** Says which scope is missing, and who can give it. */
export const noPermission = (scope) => html`<div class="state">
  <span class="state-icon">${icon('lock')}</span>
  <h2>${t('state.forbidden')}</h2>
  <p>${t('state.forbidden_why', { scope })}</p>
</div>`;

function adviceOf(problem) {
  if (problem.status === 0) return t('state.offline_do');
  if (problem.status === 404) return t('state.gone_do');
  if (problem.status === 412) return t('state.stale_do');
  if (problem.status >= 500) return t('state.server_do');
  return '';
}

/** An error that took a whole page's place. @param {import('../api.js').Problem} problem */
export function failure(problem, retry) {
  if (problem.status === 403) return noPermission(problem.params.permission || '');
  const advice = adviceOf(problem);
  return html`<div class="state" role="alert">
    <span class="state-icon state-icon-bad">${icon('warn')}</span>
    <h2>${problem.status === 404 ? t('state.gone') : t('state.failed')}</h2>
    <p>${problemText(problem)}</p>
    ${advice ? html`<p>${advice}</p>` : nothing}
    ${requestId(problem)}
    ${retry ? html`<div class="state-actions"><button type="button" class="button" @click=${retry}>${t('action.retry')}</button></div>` : nothing}
  </div>`;
}

export const requestId = (problem) => (problem.requestId
  ? html`<p class="request-id">${t('state.request_id')} <code>${problem.requestId}</code>${copyIcon(problem.requestId, t('state.copy_request_id'))}</p>`
  : nothing);

/** An error beside what is still shown: above a form, in a drawer. */
export const notice = (kind, content, action = nothing) => html`<div class="notice notice-${kind}" role=${kind === 'bad' ? 'alert' : 'status'}>
  ${icon(kind === 'ok' ? 'check' : kind === 'info' ? 'info' : 'warn')}<div class="notice-text">${content}</div>${action}</div>`;

export const problemNotice = (problem) => notice('bad', html`<p>${problemText(problem)}</p>${requestId(problem)}`);
