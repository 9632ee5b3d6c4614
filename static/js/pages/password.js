/* Mine: another passphrase. At once; my other sessions end. */
import { html, nothing } from '../../vendor/lit.js';
import { api, Problem } from '../api.js';
import { problemText, t } from '../i18n.js';
import { session } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { textField } from '../ui/ask.js';
import { page } from '../ui/page.js';
import { newPassphrase, readPassphrase } from '../ui/passphrase.js';
import { notice } from '../ui/state.js';

const PASSPHRASE_MIN = 8;

const call = () => ({ method: 'PUT', path: '/me/password', body: { old: 'OLD PASSPHRASE', new: 'NEW PASSPHRASE' } });

export function render(root, ctx) {
  let state = {};
  let problem = null;
  let isBusy = false;
  let isDone = false;
  let frame;

  const form = {
    errorOf: (pointer) => (problem?.errors || []).filter((each) => each.pointer === pointer).map(problemText).join(' '),
    redraw: () => frame.update(),
  };

  async function submit(event) {
    event.preventDefault();
    if (isBusy) return;
    const { target } = event;
    isBusy = true;
    problem = null;
    isDone = false;
    frame.update();
    try {
      await api.put('/me/password', { old: target.elements.old.value, new: readPassphrase(target.elements, 'new') }, { quiet: true });
      target.reset();
      state = {};
      isDone = true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error.code === 'auth.login' ? new Problem(422, { code: 'prove.wrong' }) : error;
    }
    isBusy = false;
    frame.update();
  }

  const told = () => {
    if (isDone) return notice('ok', html`<p>${t('password.done')}</p>`, html`<a class="button button-small" href="/ui/sessions">${t('page.sessions')}</a>`);
    if (problem === null || problem.errors.length > 0) return nothing;
    return notice('bad', html`<p>${problemText(problem)}</p>${problem.retryAfter ? html`<p>${t('login.wait', { n: problem.retryAfter })}</p>` : nothing}`);
  };

  const handle = page(root, ctx, {
    title: t('page.password'), lead: t('password.lead'), narrow: true,
    body: () => html`${told()}<form class="card ask password-card" @submit=${submit}>
      <input hidden name="username" autocomplete="username" .value=${session.name} readonly>
      ${textField({ id: 'old', label: t('password.old'), type: 'password', autocomplete: 'current-password', first: true })}
      ${newPassphrase({ id: 'new', label: t('password.new'), least: PASSPHRASE_MIN, form, state, pointer: '/new' })}
      <footer class="file-foot"><button class="button button-primary" ?disabled=${isBusy}>${isBusy ? t('action.sending') : t('password.change')}</button>
        <span class="form-foot-space"></span>${apiButton(call)}</footer></form>`,
  });
  frame = handle.page;
  return handle;
}
