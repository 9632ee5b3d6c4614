/* First run: from nothing to a gateway that takes mail and passes it on. Each step is an ordinary call
 * of the API into the draft, so leaving in the middle loses nothing, and Review shows all of it.
 *
 *   1 setup code and administrator   2 host name   3 domains we accept (RAT)   4 where to deliver
 *   (SMTP route)   then /ui/changes, where it is committed. /ui/setup?step=2 names a step. */
import { html, nothing } from '../../vendor/lit.js';
import { setTitle } from '../a11y.js';
import { Problem } from '../api.js';
import { t } from '../i18n.js';
import { go } from '../router.js';
import { session } from '../session.js';
import { icon, mark } from '../ui/icons.js';
import { problemNotice } from '../ui/state.js';
import { view } from '../view.js';
import { administratorStep, domainsStep, hostStep, routeStep } from './setup_steps.js';

const STEPS = [administratorStep, hostStep, domainsStep, routeStep];

export function render(root, ctx) {
  let problem = null;
  let isBusy = false;
  let step = null;

  const wanted = () => {
    const asked = Number(new URLSearchParams(location.search).get('step')) || 1;
    return session.isIn ? Math.min(Math.max(asked, 2), STEPS.length) : 1;
  };

  async function open(n) {
    step = { n, ...STEPS[n - 1], state: {} };
    problem = null;
    update();
    try {
      if (step.load) step.state = await step.load();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
    }
    step.isReady = true;
    update();
    setTimeout(() => root.querySelector('input, textarea')?.focus());
  }

  const nextHref = (n) => (n >= STEPS.length ? '/ui/changes?from=setup' : `/ui/setup?step=${n + 1}`);

  async function submit(event) {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    problem = null;
    update();
    try {
      await step.save(step.state, event.target.elements);
      const { n } = step;
      isBusy = false;
      if (step.isFresh) location.replace(nextHref(n)); /* logged in now: begin with a fresh document */
      else go(nextHref(n));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
      isBusy = false;
      update();
    }
  }

  const progress = () => html`<ol class="steps" aria-label=${t('setup.steps')}>${STEPS.map((each, i) => {
    const n = i + 1;
    const state = n < step.n ? 'done' : n === step.n ? 'now' : 'next';
    return html`<li class="step step-${state}" aria-current=${state === 'now' ? 'step' : nothing}>
      <span class="step-number">${state === 'done' ? icon('check') : n}</span><span class="step-name">${t(each.name)}</span></li>`;
  })}<li class="step step-next"><span class="step-number">${STEPS.length + 1}</span><span class="step-name">${t('setup.step.review')}</span></li></ol>`;

  const template = () => (step === null ? nothing : html`<div class="gate"><div class="gate-card gate-wide card">
    <header class="gate-head">${mark()}<div><h1>${t('setup.title')}</h1><p class="muted">${t('setup.lead')}</p></div></header>
    ${progress()}
    <form class="setup-step" @submit=${submit}>
      <h2>${t(step.name)}</h2><p>${t(step.lead)}</p>
      ${problem ? problemNotice(problem) : nothing}
      ${step.isReady || !step.load ? step.fields(step.state, update) : nothing}
      <footer class="form-foot">
        <button class="button button-primary" ?disabled=${isBusy}>${isBusy ? t('action.sending') : t(step.n === STEPS.length ? 'setup.review' : 'setup.next')}</button>
        ${step.n > 1 ? html`<a class="button button-quiet" href=${nextHref(step.n)}>${t('setup.skip')}</a>` : html`<a class="button button-quiet" href="/ui/login">${t('setup.have')}</a>`}
      </footer>
    </form></div></div>`);

  setTitle(t('setup.title'));
  const update = view(root, template);
  open(wanted());
  return { update: () => open(wanted()), end: update.end, ctx };
}
