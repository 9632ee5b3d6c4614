/* Review: what I changed, whether it can go live, what it does, and the button that makes it live.
 *
 * The server says all of it: /drafts/me/diff what changes and what conflicts, /drafts/me/validate what
 * is wrong and when each object takes effect. A conflict is a field that somebody else committed
 * meanwhile: both values stand side by side, the choice goes to /drafts/me/rebase. */
import { html, live, nothing } from '../../vendor/lit.js';
import { announce, focusOn } from '../a11y.js';
import { api, pathOf, Problem } from '../api.js';
import { draft } from '../draft.js';
import { problemText, t } from '../i18n.js';
import { labelOfPointer, pagePath, placeName, placeOfPointer } from '../schema.js';
import { can } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { confirm } from '../ui/dialog.js';
import { activationText, diffItem, itemName } from '../ui/diff.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty, notice, problemNotice } from '../ui/state.js';
import { conflictsTemplate, resolution } from './conflicts.js';

const COMMENT_KEPT = 'postern.comment';

async function load(signal) {
  const [diff, validation] = await Promise.all([
    api.get('/drafts/me/diff', { signal }),
    api.post('/drafts/me/validate', undefined, { signal }),
  ]);
  return { ...diff.data, validation: validation.data };
}

/** One thing that validation found, with a link to where. */
export function finding(error) {
  const place = placeOfPointer(error.pointer);
  if (!place) return html`<li>${problemText(error)}</li>`;
  const href = pagePath(place.section, place.listener, place.key);
  return html`<li><a href=${href}>${placeName(place)}</a>${place.pointer ? html` · ${labelOfPointer(place.section, place.pointer)}` : nothing}: ${problemText(error)}</li>`;
}

function findings({ errors, warnings }) {
  if (errors.length === 0 && warnings.length === 0) return notice('ok', html`<p>${t('changes.valid')}</p>`);
  return html`${errors.length === 0 ? nothing : notice('bad', html`<p><strong>${t('changes.errors', { n: errors.length })}</strong></p><ul>${errors.map(finding)}</ul>`)}
    ${warnings.length === 0 ? nothing : notice('warn', html`<p><strong>${t('changes.warnings', { n: warnings.length })}</strong></p><ul>${warnings.map(finding)}</ul>`)}`;
}

/* How many objects take effect in which way. */
function effects(items) {
  const ways = ['at_once', 'new_connections', 'rebind'].map((when) => [when, items.filter((item) => item.activation === when)]);
  return html`<ul class="effects">${ways.filter(([, of]) => of.length > 0).map(([when, of]) => html`<li class="effect effect-${when}">
    <strong>${activationText(when)}</strong><span>${t(`activation.${when}.help`, { n: of.length })}</span>
    ${when === 'rebind' ? html`<span class="muted">${of.map(itemName).join(', ')}</span>` : nothing}</li>`)}</ul>`;
}

/* What the commit did, in the place of what it was about to do. */
const done = (result) => html`<section class="card done" tabindex="-1" id="done">
  <span class="state-icon state-icon-ok">${icon('check')}</span>
  <h2>${result.changed ? t('changes.done', { n: result.revision }) : t('changes.nothing')}</h2>
  <p>${t('changes.took', { n: result.took_ms })}</p>
  ${result.items.length === 0 ? nothing : html`<div class="diff">${result.items.map((item) => diffItem(item))}</div>`}
  <div class="state-actions"><a class="button" href="/ui/history">${t('page.history')}</a></div>
</section>`;

export function render(root, ctx) {
  let comment = sessionStorage.getItem(COMMENT_KEPT) || (ctx.query.get('from') === 'setup' ? t('setup.comment') : '');
  let problem = null;
  let result = null;
  let isBusy = false;
  let choices = new Map();

  async function act(self, fn) {
    problem = null;
    isBusy = true;
    self.update();
    try {
      await fn();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problem = error;
    }
    isBusy = false;
    await Promise.all([draft.refresh(), self.reload()]);
    self.update();
  }

  const discard = (self, item) => act(self, () => api.post('/drafts/me/discard', {
    section: item.section, ...(item.listener && { listener: item.listener }),
    ...(item.op === 'order' ? { order: true } : item.key && { key: item.key }),
  }));

  async function discardAll(self, data) {
    const isSure = await confirm({
      title: t('changes.discard_title'), body: html`<p>${t('changes.discard_body', { n: data.items.length })}</p>`,
      action: t('changes.discard_all'), kind: 'bad',
    });
    if (isSure) await act(self, () => api.del(pathOf('drafts', 'me')));
  }

  const commit = (self, data) => isBusy || !data.validation.ok || data.items.length === 0 || act(self, async () => {
    result = (await api.post('/drafts/me/commit', { comment })).data;
    comment = '';
    sessionStorage.removeItem(COMMENT_KEPT);
    announce(t('changes.done', { n: result.revision }));
    setTimeout(() => focusOn(document.querySelector('#done')));
  });

  const rebase = (self, data) => act(self, async () => {
    await api.post('/drafts/me/rebase', { resolve: resolution(data.conflicts, choices) });
    choices = new Map();
  });

  const commitCall = () => ({ method: 'POST', path: '/drafts/me/commit', body: { comment } });
  const keep = (event) => {
    comment = event.target.value;
    sessionStorage.setItem(COMMENT_KEPT, comment);
  };

  const commitCard = (data, self) => html`<aside class="commit card">
    <h2>${t('changes.effect')}</h2>
    ${effects(data.items)}
    <form @submit=${(event) => { event.preventDefault(); commit(self, data); }}
        @keydown=${(event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.isComposing) commit(self, data); }}>
      <div class="field"><div class="field-head"><label for="comment">${t('changes.comment')}</label><span class="field-default">${t('field.optional')}</span></div>
        <textarea class="control" id="comment" rows="3" maxlength="500" .value=${live(comment)} @input=${keep} aria-describedby="comment-help"></textarea>
        <p class="field-help" id="comment-help">${t('changes.comment_help')}</p></div>
      <button class="button button-primary button-wide" ?disabled=${isBusy || !data.validation.ok || data.conflicts.length > 0 || !can('config:commit')} aria-keyshortcuts="Control+Enter">
        ${isBusy ? t('action.sending') : t('action.commit')}<kbd>Ctrl ⏎</kbd></button>
      ${can('config:commit') ? nothing : html`<p class="form-note">${icon('lock')}${t('state.read_only', { scope: 'config:commit' })}</p>`}
    </form>
    ${apiButton(commitCall)}
  </aside>`;

  const onKey = (self) => (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.isComposing || event.target.closest('form')) return;
    event.preventDefault();
    commit(self, self.data);
  };

  const handle = page(root, ctx, {
    title: t('page.changes'),
    lead: t('changes.lead'),
    load,
    topics: ['draft', 'commit'],
    actions: (data, self) => (data.items.length === 0 || !can('config:draft') ? nothing : html`<button type="button" class="button" ?disabled=${isBusy} @click=${() => discardAll(self, data)}>${t('changes.discard_all')}</button>`),
    body: (data, self) => {
      if (data.items.length === 0) {
        if (result) return done(result);
        return html`${problem ? problemNotice(problem) : nothing}${empty({ title: t('changes.empty'), text: t('changes.empty_text'), glyph: 'check' })}`;
      }
      const drop = (item) => (can('config:draft') ? html`<button type="button" class="button button-small button-quiet" ?disabled=${isBusy}
        aria-label=${t('changes.discard_one', { what: itemName(item) })} @click=${() => discard(self, item)}>${icon('reset')}<span>${t('action.discard')}</span></button>` : nothing);
      return html`${problem ? problemNotice(problem) : nothing}
        ${data.conflicts.length > 0 ? conflictsTemplate(data.conflicts, choices, { isBusy, update: self.update, rebase: () => rebase(self, data) }) : findings(data.validation)}
        <div class="review"><section class="diff" aria-label=${t('changes.list')}>${data.items.map((item) => diffItem(item, { tools: drop(item) }))}</section>${commitCard(data, self)}</div>`;
    },
  });
  const listener = onKey(handle.page);
  document.addEventListener('keydown', listener);
  return {
    update: handle.update,
    end() {
      document.removeEventListener('keydown', listener);
      handle.end();
    },
  };
}
