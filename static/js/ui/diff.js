/* One diff for the drawer, the Review page, History and files: per object its fields, old -> new, with
 * labels. Lists are shown as what was added and what was taken away.
 *
 *   diffItem(item, { tools: html`…`, isOpen: true })    an item of GET /drafts/me/diff */
import { html, nothing } from '../../vendor/lit.js';
import { t } from '../i18n.js';
import { labelOf, pagePath, placeName, rowOfPointer, titleOf } from '../schema.js';
import { valueText } from './field.js';
import { icon } from './icons.js';

const GLYPHS = { add: 'add', update: 'edit', remove: 'minus', order: 'order' };
const LONG = 120;

/** A value in a diff, whole: an object of a list is its values in the order of its rows. */
function textOf(found, value) {
  if (value === null || value === undefined || value === '') return '';
  if (!found) return typeof value === 'string' ? value : JSON.stringify(value);
  const { row, path } = found;
  if (row.kind !== 'list' || Array.isArray(value)) return valueText(path, row, value);
  return itemText(found, value);
}

function itemText({ row, path }, item) {
  if (row.item.kind !== 'object') return String(item);
  return row.item.rows
    .filter((member) => item[member.key] !== member.default || member.required)
    .map((member) => valueText(`${path}.${row.key}`, member, item[member.key])).join(' · ');
}

/** {added, removed}: entries of one list that the other lacks, by content. */
export function listChange(old, now) {
  const texts = (list) => (list || []).map((item) => JSON.stringify(item));
  const [before, after] = [texts(old), texts(now)];
  return {
    added: (now || []).filter((_, i) => !before.includes(after[i])),
    removed: (old || []).filter((_, i) => !after.includes(before[i])),
  };
}

const short = (text) => (text.length > LONG ? `${text.slice(0, LONG)}…` : text);
const plus = (text) => html`<li class="diff-add"><ins><span class="visually-hidden">${t('diff.added')}</span>${short(text)}</ins></li>`;
const minus = (text) => html`<li class="diff-remove"><del><span class="visually-hidden">${t('diff.removed')}</span>${short(text)}</del></li>`;

function listTemplate(found, field) {
  const { added, removed } = listChange(field.old, field.new);
  if (added.length + removed.length === 0) return html`<span class="diff-new">${t('diff.reordered')}</span>`;
  return html`<ul class="diff-list">${removed.map((item) => minus(itemText(found, item)))}${added.map((item) => plus(itemText(found, item)))}</ul>`;
}

function valuesTemplate(found, field, op) {
  if (field.kind === 'list') return listTemplate(found, field);
  const old = textOf(found, field.old);
  const now = textOf(found, field.new);
  if (op === 'add') return html`<ins class="diff-new">${short(now) || t('value.none')}</ins>`;
  if (op === 'remove') return html`<del class="diff-old">${short(old) || t('value.none')}</del>`;
  return html`<del class="diff-old"><span class="visually-hidden">${t('diff.old')}</span>${short(old) || t('value.none')}</del>
    <span class="diff-arrow" aria-hidden="true">→</span>
    <ins class="diff-new"><span class="visually-hidden">${t('diff.new')}</span>${short(now) || t('value.none')}</ins>`;
}

/* What a new object only has by default says nothing. */
function isTelling(item, field) {
  if (item.op !== 'add' && item.op !== 'remove') return true;
  const found = rowOfPointer(item.section, field.pointer);
  if (!found || found.row.required) return true;
  return JSON.stringify(item.op === 'add' ? field.new : field.old) !== JSON.stringify(found.row.default);
}

function fieldRow(item, field) {
  const found = rowOfPointer(item.section, field.pointer);
  const label = found ? labelOf(found.path, found.row) : field.label;
  return html`<div class="diff-field"><dt title=${field.pointer}>${label}</dt><dd>${valuesTemplate(found, field, item.op)}</dd></div>`;
}

/* Both orders in full, each name with where it stood before. */
function orderTemplate(item) {
  const [change] = item.fields;
  const old = change?.old || [];
  return html`<ol class="diff-order">${(change?.new || []).map((name, i) => {
    const was = old.indexOf(name);
    return html`<li class=${was === i ? '' : 'diff-moved'}>${name}${was !== i && was >= 0 ? html` <span class="muted">${t('diff.was_at', { n: was + 1 })}</span>` : nothing}</li>`;
  })}</ol>`;
}

export const activationText = (when) => t('activation.' + when);

/** Name of an item's object as a sentence: "Listener InboundMail". */
export function itemName(item) {
  if (item.op === 'order') return t('diff.order_of', { what: titleOf(item.section), listener: item.listener });
  return placeName(item);
}

const pageOf = (item) => pagePath(item.section, item.listener, item.op === 'order' || item.op === 'remove' ? undefined : item.key);

/** Glyph, operation and linked name on one line. */
export const itemHead = (item) => html`<span class="diff-op diff-op-${item.op}">${icon(GLYPHS[item.op])}<span class="visually-hidden">${t('diff.op.' + item.op)}</span></span>
  <a class="diff-name" href=${pageOf(item)}>${itemName(item)}</a>`;

export function diffItem(item, { tools = nothing, extra = nothing } = {}) {
  const fields = item.fields.filter((each) => isTelling(item, each));
  return html`<article class="diff-item">
    <header class="diff-head"><h3>${itemHead(item)}</h3>
      ${item.activation ? html`<span class="badge" title=${t('activation.title')}>${activationText(item.activation)}</span>` : nothing}${tools}</header>
    ${item.op === 'order' ? orderTemplate(item) : html`<dl class="diff-fields">${fields.map((each) => fieldRow(item, each))}</dl>`}
    ${extra}
  </article>`;
}
