/* The sender groups as a ladder: order by mouse, by Alt and the arrow keys, or by the list of places
 * behind each number. A new order is shown at once and put into the draft behind it, one after the other,
 * each against the state that it was made from. */
import { html, nothing, repeat } from '../../vendor/lit.js';
import { announce } from '../a11y.js';
import { api, Problem } from '../api.js';
import { draft } from '../draft.js';
import { problemText, t } from '../i18n.js';
import { pagePath } from '../schema.js';
import { stageOrder } from '../stage.js';
import { icon } from '../ui/icons.js';
import { menu } from '../ui/menu.js';
import { toast } from '../ui/toast.js';
import { actionWord, policyTls } from './policy_words.js';

const NAME = 'sender-groups';
const SHOWN = 3; /* senders of a group */

const isAll = ({ sender }) => sender.toUpperCase() === 'ALL';

/** The group that takes whoever is left; it can stand nowhere but last. */
export const isEverybody = (group) => group.senders.some(isAll);

export class Rungs {
  #given;
  #names = null; /* the order that is on its way, else null */
  #listener = '';
  #base = []; /* the order that it was made from */
  #saving = Promise.resolve();
  #underway = 0; /* orders that are not put yet */
  #turn = 0;
  #loaded = null; /* what the page shows */
  #stale = null; /* what it showed when the last order was put */
  #dragged = '';
  #target = ''; /* the rung that is dragged over */

  /** @param {{update: () => void, reload: () => Promise<void>}} given */
  constructor(given) {
    this.#given = given;
  }

  /** Rows in the order that is shown: ours until DATA has been loaded after it was put. */
  order(rows, data) {
    if (this.#underway === 0 && data !== this.#stale) this.#names = null;
    this.#loaded = data;
    const isOurs = this.#names !== null && rows.every(({ listener, name }) => listener === this.#listener && this.#names.includes(name));
    if (!isOurs) return rows;
    return this.#names.map((name) => rows.find((row) => row.name === name)).filter(Boolean);
  }

  /* Several may be queued: what follows one that failed was made from an order that never came. */
  async #save(listener, names, turn) {
    if (turn !== this.#turn) return;
    try {
      const { data, etag } = await api.get(`/config-order/${NAME}`, { query: { draft: 'me', listener } });
      if (data.join('\n') !== this.#base.join('\n')) throw new Problem(409, { code: 'order.keys' });
      await stageOrder(NAME, listener, names, etag, { isQuiet: this.#underway > 1 });
      this.#base = names;
      this.#underway--;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#names = null;
      this.#underway = 0;
      this.#turn++;
      toast({ text: problemText(problem), kind: 'bad' });
    }
    this.#stale = this.#loaded;
    if (this.#underway === 0) this.#given.reload();
  }

  #move(groups, listener, name, to) {
    const names = groups.map((group) => group.name);
    const from = names.indexOf(name);
    const last = groups.length - 1 - Number(isEverybody(groups.at(-1)));
    const place = Math.max(0, Math.min(to, last));
    if (place === from) return;
    if (this.#names === null) this.#base = [...names];
    names.splice(place, 0, ...names.splice(from, 1));
    this.#names = names;
    this.#listener = listener;
    this.#underway++;
    const turn = this.#turn;
    this.#saving = this.#saving.then(() => this.#save(listener, names, turn));
    announce(t('list.moved', { n: place + 1, of: names.length }));
    this.#given.update();
    setTimeout(() => document.querySelector(`[data-rung="${CSS.escape(name)}"] .rung-number`)?.focus());
  }

  #place(groups, group, i, { listener, isFrozen }) {
    if (isFrozen || isEverybody(group)) {
      return html`<div class="rung-place"><span class="rung-number">${i + 1}</span></div>`;
    }
    const others = groups.filter((each) => each !== group && !isEverybody(each));
    const items = [
      { label: t('hat.move.first'), checked: i === 0, onSelect: () => this.#move(groups, listener, group.name, 0) },
      ...others.map((each, at) => ({ label: t('hat.move.after', { name: each.name }), checked: i === at + 1, onSelect: () => this.#move(groups, listener, group.name, at + 1) })),
    ];
    return html`<div class="rung-place"><span class="grip" draggable="true" aria-hidden="true"
        @dragstart=${(event) => { this.#dragged = group.name; event.dataTransfer.effectAllowed = 'move'; event.dataTransfer.setDragImage(event.target.closest('.rung'), 12, 12); }}
        @dragend=${() => this.#drop()}>${icon('grip')}</span>
      ${menu({ name: `move:${listener}:${group.name}`, kind: 'rung-number rung-button', label: t('hat.move', { name: group.name, n: i + 1 }), content: html`${i + 1}`,
        head: html`<strong>${t('hat.move.to')}</strong><span class="muted">${t('hat.move.keys')}</span>`, items })}</div>`;
  }

  #drop() {
    this.#dragged = '';
    this.#target = '';
    this.#given.update();
  }

  #senders(group, step) {
    const texts = group.senders.map(({ sender }) => sender);
    const hit = step?.state === 'match' ? step.pattern : '';
    const first = hit === '' ? texts : [...texts.filter((text) => text === hit), ...texts.filter((text) => text !== hit)];
    if (isEverybody(group)) return html`<p class="rung-senders">${hit ? html`<mark>${t('hat.everybody')}</mark>` : t('hat.everybody')}</p>`;
    if (texts.length === 0) return html`<p class="rung-senders muted">${t('hat.nobody')}</p>`;
    return html`<p class="rung-senders">${first.slice(0, SHOWN).map((text) => (text === hit ? html`<mark><code>${text}</code></mark> ` : html`<code>${text}</code> `))}
      ${texts.length > SHOWN ? html`<span class="muted">${t('value.more', { n: texts.length - SHOWN })}</span>` : nothing}</p>`;
  }

  /* "never matches: 2 already has 198.51.100.0/24" */
  #shadow({ covered, of, isDead, by }) {
    if (covered === 0 || (!isDead && by.length === 0)) return nothing;
    const who = by.map(({ group, text }) => t('hat.shadow.by', { n: group + 1, text })).join(', ');
    return html`<p class="rung-shadow">${icon('warn')}<span>${isDead ? t('hat.shadow.dead', { who }) : t('hat.shadow.some', { n: covered, of, who })}</span></p>`;
  }

  #policy(group, policies) {
    const policy = policies.get(group.policy);
    return html`<div class="rung-policy"><a class="rung-link" href=${pagePath('mail-flow-policies', '', group.policy)}
      aria-label=${t('hat.policy', { name: group.policy })}>${group.policy}</a>
      ${policy ? html`<span class="rung-words">${actionWord(policy)} ${policyTls(policy)}</span>` : nothing}</div>`;
  }

  #badges(group, isRunning, listener) {
    const item = isRunning ? undefined : draft.find(NAME, listener, group.name);
    return item ? html`<span class="badge badge-pending">${t(item.op === 'add' ? 'hat.pending.new' : 'state.pending')}</span>` : nothing;
  }

  #rung(groups, group, i, given) {
    const { tools, listener, walk, isFrozen, isRunning, shadows, policies } = given;
    const step = walk?.[i];
    const isLast = isEverybody(group);
    const canMove = !isFrozen && !isLast;
    const isPending = !isRunning && draft.find(NAME, listener, group.name) !== undefined;
    const href = tools.hrefOf(group);
    const onKey = (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by || !event.altKey || event.isComposing || !canMove) return;
      event.preventDefault();
      this.#move(groups, listener, group.name, i + by);
    };
    const onOver = (event) => {
      if (this.#dragged === '' || isFrozen) return;
      event.preventDefault();
      if (this.#target !== group.name) { this.#target = group.name; this.#given.update(); }
    };
    const onDrop = (event) => {
      event.preventDefault();
      if (this.#dragged !== '') this.#move(groups, listener, this.#dragged, i);
      this.#drop();
    };
    const isTarget = this.#target === group.name && this.#dragged !== group.name;
    const isBelow = isTarget && groups.findIndex(({ name }) => name === this.#dragged) < i;
    const classes = [step && `rung-${step.state}`, isPending && 'rung-pending', isLast && 'rung-last', shadows[i].isDead && 'rung-dead', isTarget && (isBelow ? 'rung-drop-below' : 'rung-drop-above')];
    return html`<li class="rung ${classes.filter(Boolean).join(' ')}" data-rung=${group.name} @keydown=${onKey} @dragover=${onOver} @drop=${onDrop}>
      ${this.#place(groups, group, i, given)}
      <div class="rung-body">
        <p class="rung-head">${isRunning ? html`<strong>${group.name}</strong>` : html`<a class="rung-name" href=${href}>${group.name}</a>`}
          ${isLast ? html`<span class="badge">${icon('lock')} ${t('hat.last')}</span>` : nothing}${this.#badges(group, isRunning, listener)}</p>
        ${this.#senders(group, step)}
        ${group.comment ? html`<p class="rung-comment">${group.comment}</p>` : nothing}
        ${isLast ? nothing : this.#shadow(shadows[i])}
        ${step ? html`<p class="rung-step">${icon(step.state === 'match' ? 'check' : 'minus')}<span>${step.text}</span></p>` : nothing}
      </div>
      ${this.#policy(group, policies)}
      <div class="rung-actions">${isFrozen || isRunning ? nothing : menu({ name: `rung:${listener}:${group.name}`, label: t('table.actions_of', { name: group.name }),
        content: html`<span class="dots" aria-hidden="true"></span>`, items: [
          { label: t('action.edit'), icon: 'edit', href },
          ...(canMove ? [
            { label: t('list.up_hint'), icon: 'up', onSelect: () => this.#move(groups, listener, group.name, i - 1) },
            { label: t('list.down_hint'), icon: 'down', onSelect: () => this.#move(groups, listener, group.name, i + 1) },
            { label: t('action.delete'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => tools.remove([group]) }] : []),
        ] })}</div>
    </li>`;
  }

  /**
   * @param {object[]} groups in order
   * @param {{tools: object, listener: string, walk: object[] | null, isFrozen: boolean, isRunning: boolean,
   *          shadows: object[], policies: Map<string, object>}} given
   */
  template(groups, given) {
    return html`<ol class="rungs ${given.walk ? 'rungs-walked' : ''}" aria-label=${t('hat.rungs', { name: given.listener })}>
      ${repeat(groups, (group) => `${given.listener}/${group.name}`, (group, i) => this.#rung(groups, group, i, given))}</ol>`;
  }
}
