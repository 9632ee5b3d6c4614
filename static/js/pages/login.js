/* Who are you? The address that was wanted is kept and returned to. */
import { html, nothing } from '../../vendor/lit.js';
import { setTitle } from '../a11y.js';
import { Problem } from '../api.js';
import { problemText, t } from '../i18n.js';
import { logIn } from '../session.js';
import { mark } from '../ui/icons.js';
import { notice } from '../ui/state.js';
import { view } from '../view.js';

/** Only an address of ours, whatever the query says. */
export function safeNext(next) {
  const isOurs = /^\/ui\/(?!login)[^\\]*$/.test(next || '') && !next.startsWith('//');
  return isOurs ? next : '/ui/';
}

export function render(root, ctx) {
  let problem = null;
  let isBusy = false;

  async function submit(event) {
    event.preventDefault();
    if (isBusy) return;
    const { user, password } = event.target.elements;
    isBusy = true;
    problem = null;
    update();
    try {
      await logIn(user.value, password.value);
      /* A fresh document: nothing of an earlier session stays in memory. */
      location.replace(safeNext(ctx.query.get('next')));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
      isBusy = false;
      update();
      password.select();
    }
  }

  const template = () => html`<div class="gate"><form class="gate-card card" @submit=${submit}>
    <header class="gate-head">${mark()}<div><h1>${t('login.title')}</h1><p class="muted">${location.hostname}</p></div></header>
    ${ctx.query.get('ended') && !problem ? notice('info', html`<p>${t('login.ended')}</p>`) : nothing}
    ${problem ? notice('bad', html`<p>${problemText(problem)}</p>${problem.retryAfter ? html`<p>${t('login.wait', { n: problem.retryAfter })}</p>` : nothing}`) : nothing}
    <div class="field"><div class="field-head"><label for="user">${t('login.user')}</label></div>
      <input class="control" id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></div>
    <div class="field"><div class="field-head"><label for="password">${t('login.password')}</label></div>
      <input class="control" id="password" name="password" type="password" autocomplete="current-password" required></div>
    <button class="button button-primary button-wide" ?disabled=${isBusy}>${isBusy ? t('action.sending') : t('login.submit')}</button>
    <p class="gate-foot">${t('login.first')} <a href="/ui/setup">${t('login.setup')}</a></p>
  </form></div>`;

  setTitle(t('login.submit'));
  const update = view(root, template);
  root.querySelector('#user').focus();
  return { end: update.end };
}
