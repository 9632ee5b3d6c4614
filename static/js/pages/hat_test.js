/* "Which sender group matches this address?": asked of the gateway, once of what runs and, with pending
 * changes, once of the draft. The answer is shown twice: on the ladder, rung by rung, and in words. */
import { html, live, nothing } from '../../vendor/lit.js';
import { announce } from '../a11y.js';
import { api, Problem } from '../api.js';
import { draft } from '../draft.js';
import { problemText, t } from '../i18n.js';
import { pagePath, sectionOf, wordHelpOf } from '../schema.js';
import { setQuery } from '../router.js';
import { apiButton } from '../ui/apicall.js';
import { icon } from '../ui/icons.js';
import { isAddress } from '../validate.js';
import { actionWord, policyTls } from './hat_rungs.js';

const PATH = '/tests/hat';
const POLICIES = 'mail-flow-policies';

const rowOf = (key) => sectionOf(POLICIES).rows.find((row) => row.key === key);

export class HatTest {
  #update;
  #ip = '';
  #asked = ''; /* what was asked last, so that drawing again does not ask again */
  #problem = '';
  #answers = null; /* {now, after}: `after` is null without a draft */
  #call = null;

  constructor({ update }) {
    this.#update = update;
  }

  /** Asks when something else is wanted than last time: another address, listener or draft. */
  ask(ip, listener) {
    const state = JSON.stringify([draft.base, draft.items]);
    const wanted = ip === '' || listener === '' ? '' : [listener, ip, state].join('\n');
    if (wanted === this.#asked) return;
    const isNews = wanted.split('\n')[1] !== this.#asked.split('\n')[1];
    this.#asked = wanted;
    if (wanted === '') this.#answers = null;
    else this.#run(ip, listener, wanted, isNews);
  }

  async #run(ip, listener, wanted, isNews) {
    if (isNews) this.#ip = ip;
    const body = { listener, ip };
    this.#call = { method: 'POST', path: PATH, body, query: draft.count > 0 ? { draft: 'me' } : {} };
    try {
      if (!isAddress(ip)) throw new Problem(422, { code: 'value.ip' });
      const [now, after] = await Promise.all([api.post(PATH, body), draft.count > 0 ? api.post(PATH, body, { query: { draft: 'me' } }) : null]);
      if (this.#asked !== wanted) return;
      this.#answers = { ip, now: now.data, after: after?.data ?? null };
      this.#problem = '';
      if (isNews) announce(this.#sentence(this.#answers.after ?? this.#answers.now));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#answers = null;
      this.#problem = problemText(problem);
    }
    this.#update();
  }

  #sentence = (answer) => (answer.found ? t('hat.test.found', { group: answer.group, policy: answer.policy }) : t('hat.test.none'));

  /** Of each of these groups what became of the address there; null when none is asked about. */
  walk(which, groups) {
    if (this.#answers === null) return null;
    const answer = which === 'after' ? this.#answers.after ?? this.#answers.now : this.#answers.now;
    const at = answer.found ? groups.findIndex(({ name }) => name === answer.group) : groups.length;
    if (at < 0) return null; /* the ladder is just being loaded again */
    const { ip } = this.#answers;
    return groups.map((group, i) => {
      if (i < at) return { state: 'no', text: t('hat.walk.no', { ip }) };
      if (i === at) return { state: 'match', text: t('hat.walk.match', { ip }), pattern: answer.pattern };
      return { state: 'unseen', text: t('hat.walk.unseen') };
    });
  }

  #card(answer, title, isChanged) {
    const words = { action: answer.action, tls: answer.tls };
    return html`<section class="verdict ${isChanged ? 'verdict-changed' : ''}"><h3>${title}</h3>
      ${answer.found ? html`<dl class="facts">
        <div><dt>${t('section.sender-groups.one')}</dt><dd><strong>${answer.group}</strong> <code>${answer.pattern}</code></dd></div>
        <div><dt>${t('section.mail-flow-policies.one')}</dt><dd><a href=${pagePath(POLICIES, '', answer.policy)}>${answer.policy}</a></dd></div>
        <div><dt>${t('hat.test.then')}</dt><dd>${actionWord(words)}<p class="muted">${wordHelpOf(POLICIES, rowOf('action'), answer.action)}</p></dd></div>
        ${policyTls(words) === nothing ? nothing : html`<div><dt>TLS</dt><dd>${policyTls(words)}<p class="muted">${wordHelpOf(POLICIES, rowOf('tls'), answer.tls)}</p></dd></div>`}
      </dl>` : html`<p>${t('hat.test.none')}</p>`}</section>`;
  }

  #results() {
    if (this.#answers === null) return nothing;
    const { now, after } = this.#answers;
    const isSame = after === null || JSON.stringify(now) === JSON.stringify(after);
    return html`<div class="verdicts">
      ${isSame ? this.#card(now, after === null ? t('hat.now') : t('hat.test.same'), false)
        : html`<p class="verdict-note">${icon('warn')}<span>${t('hat.test.changes')}</span></p>${this.#card(now, t('hat.now'), false)}${this.#card(after, t('hat.after'), true)}`}
      <div class="verdict-foot"><button type="button" class="button button-small" @click=${() => { this.#ip = ''; setQuery({ ip: '' }); }}>${t('hat.test.clear')}</button>
        ${apiButton(() => this.#call)}</div></div>`;
  }

  template(listener) {
    const submit = (event) => {
      event.preventDefault();
      const ip = this.#ip.trim();
      this.#problem = '';
      this.#asked = '';
      if (ip !== '') setQuery({ ip });
    };
    return html`<div class="card hat-test"><form @submit=${submit}>
        <label for="hat-ip"><h2>${t('hat.test.title')}</h2></label>
        <p class="muted" id="hat-ip-help">${t('hat.test.help', { listener })}</p>
        <div class="test-row"><input class="control" id="hat-ip" data-filter autocomplete="off" spellcheck="false" placeholder="203.0.113.9"
          aria-describedby=${this.#problem ? 'hat-ip-error' : 'hat-ip-help'} aria-invalid=${this.#problem ? 'true' : nothing}
          .value=${live(this.#ip)} @input=${(event) => { this.#ip = event.target.value; }}>
          <button class="button button-primary">${t('action.test')}</button></div>
        ${this.#problem ? html`<p class="field-error" id="hat-ip-error" role="alert">${icon('warn')}<span>${this.#problem}</span></p>` : nothing}
      </form>${this.#results()}</div>`;
  }
}
