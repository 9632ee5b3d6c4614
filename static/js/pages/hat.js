/* Mail Policies > HAT Overview: the sender groups of a listener as the ladder that a connecting server
 * goes down (hat_rungs.js), and the question which rung stops an address (hat_test.js). With pending
 * changes there are two ladders, the one that runs and the one after the commit; only that one can be
 * changed. Groups are added, edited and deleted in the sheet that every section has.
 *
 *   /ui/sender-groups?listener=InboundMail&ip=203.0.113.9   with that address tested */
import { html, nothing } from '../../vendor/lit.js';
import { draft } from '../draft.js';
import { t } from '../i18n.js';
import { pagePath, sectionOf, wordOf, listObjects } from '../schema.js';
import { shadowsOf } from '../network.js';
import { urlWith } from '../router.js';
import { icon } from '../ui/icons.js';
import { isEverybody, Rungs } from './hat_rungs.js';
import { hatQuestion, walkOf } from './hat_test.js';
import { sectionPage } from './section.js';

const TABS_MAX = 5; /* listeners; more are a list to choose from */
const NAME = 'sender-groups';

const byName = (policies) => new Map(policies.map((policy) => [policy.name, policy]));

/* What runs now is loaded only when it can differ from the draft. */
async function loadExtra(signal) {
  const isDrafted = draft.count > 0;
  const [policies, groups, running] = await Promise.all([
    listObjects('mail-flow-policies', {}, signal),
    isDrafted ? listObjects(NAME, { draft: '' }, signal) : null,
    isDrafted ? listObjects('mail-flow-policies', { draft: '' }, signal) : null,
  ]);
  return { policies: byName(policies), running: isDrafted ? { groups, policies: byName(running) } : null };
}

function listenerTabs(data, tools) {
  const now = tools.listener();
  const row = sectionOf('listeners').rows.find((each) => each.key === 'type');
  const kind = (name) => wordOf('listeners', row, data.kinds[name]);
  const hrefOf = (name) => urlWith({ listener: name }, pagePath(NAME) + location.search);
  if (data.listeners.length > TABS_MAX) {
    return html`<label class="inline-field"><span>${t('field.listener')}</span><select class="control" @change=${(event) => tools.setListener(event.target.value)}>
      ${data.listeners.map((name) => html`<option value=${name} .selected=${name === now}>${name}</option>`)}</select></label>`;
  }
  return html`<nav class="tabs" aria-label=${t('field.listener')}>${data.listeners.map((name) => html`<a class="tab" href=${hrefOf(name)}
    aria-current=${name === now ? 'page' : nothing}><span class="tab-name">${name}</span><span class="tab-kind">${kind(name)}</span></a>`)}</nav>`;
}

/* Groups that the draft takes away stand in no ladder of it: they are named below it. */
function removed(listener) {
  const gone = draft.items.filter((item) => item.section === NAME && item.listener === listener && item.op === 'remove');
  if (gone.length === 0) return nothing;
  return html`<p class="rungs-gone">${icon('remove')}<span>${t('hat.gone', { n: gone.length })} ${gone.map((item) => item.key).join(', ')}</span></p>`;
}

export function render(root, ctx) {
  let view = 'draft';
  let shadowOf = { groups: null, shadows: [] }; /* of the groups that were last drawn */
  const update = () => page.page.update();
  const question = hatQuestion(update);
  const rungs = new Rungs({ update, reload: () => page.page.reload() });

  function shadows(groups) {
    const isSame = shadowOf.groups?.length === groups.length && groups.every((group, i) => group === shadowOf.groups[i]);
    if (!isSame) shadowOf = { groups, shadows: shadowsOf(groups) };
    return shadowOf.shadows;
  }

  const viewButton = (which, label) => html`<button type="button" class="segment-button" aria-pressed=${String(view === which)}
    @click=${() => { view = which; update(); }}>${label}</button>`;

  function ladder(data, rows, tools) {
    const listener = tools.listener();
    const { running } = data.extra;
    const isRunning = view === 'running' && running !== null;
    const groups = isRunning ? running.groups.filter((group) => group.listener === listener) : rungs.order(rows, data);
    const walk = walkOf(question.answers, isRunning ? 'now' : 'after', groups);
    return html`<div class="hat split">
      <div class="split-main">
        <div class="hat-bar">${listenerTabs(data, tools)}
          ${running === null ? nothing : html`<div class="segments segments-small" role="group" aria-label=${t('hat.view')}>
            ${viewButton('running', t('ask.now'))}${viewButton('draft', t('ask.after'))}</div>`}</div>
        ${rungs.template(groups, { tools, listener, walk, isFrozen: isRunning || !tools.isWriter, isRunning,
          shadows: shadows(groups), policies: isRunning ? running.policies : data.extra.policies })}
        ${isRunning ? nothing : removed(listener)}
      </div>
      <aside class="split-side">${question.template(listener)}</aside>
    </div>`;
  }

  const page = sectionPage(root, ctx, {
    lead: t('hat.lead'),
    extra: loadExtra,
    isFixed: isEverybody,
    list: (data, rows, tools) => {
      question.ask(tools.page.ctx.query.get('ip'), tools.listener());
      return ladder(data, rows, tools);
    },
  });
  const off = draft.on(() => {
    const { data } = page.page;
    if (data !== undefined && (draft.count > 0) !== (data.extra.running !== null)) page.page.reload();
  });
  return {
    update: page.update,
    end() {
      off();
      page.end();
    },
  };
}
