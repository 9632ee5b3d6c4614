/* Fields that hold a list. A list of plain values is a text area, one a line, so that many can be
 * pasted at once; a list of structs is a small table whose rows are moved by the mouse or by Alt and
 * the arrow keys. */
import { html, live, nothing, repeat } from '../../vendor/lit.js';
import { announce } from '../a11y.js';
import { number, t } from '../i18n.js';
import { labelOf, wordOf } from '../schema.js';
import { icon } from './icons.js';

const SHOWN = 200; /* rows drawn at once; a list may have a hundred thousand */

/* --- plain values --- */

function lines(form, row, pointer) {
  const value = form.get(pointer) || [];
  const errors = form.errorsBelow(pointer);
  const read = (event) => form.set(pointer, event.target.value.split(/[\n,;]+/).map((line) => line.trim()).filter(Boolean));
  /* While somebody types, the text is theirs: it is put in order when they leave. */
  return html`<textarea class="control control-area code-like" id=${form.idOf(pointer)} rows=${Math.min(12, Math.max(3, value.length + 1))}
      spellcheck="false" aria-labelledby=${form.idOf(pointer, 'label')} aria-invalid=${errors.length > 0 ? 'true' : nothing}
      aria-describedby=${form.idOf(pointer, 'help')} .value=${form.textOf(pointer) ?? value.join('\n')}
      @input=${(event) => { form.holdText(pointer, event.target.value); read(event); }}
      @blur=${(event) => { form.holdText(pointer, undefined); read(event); form.check(pointer); }}></textarea>
    <p class="field-hint">${t('list.lines', { n: value.length })}</p>
    ${errors.map(({ at, text }) => html`<p class="field-error">${icon('warn')}<span>${t('list.line', { n: number(Number(at) + 1), value: value[at] ?? '' })} ${text}</span></p>`)}`;
}

/* --- structs --- */

const keys = new WeakMap(); /* of each struct, so that moving a row moves its elements with the focus in them */
let lastKey = 0;
function keyOf(item) {
  if (!keys.has(item)) keys.set(item, ++lastKey);
  return keys.get(item);
}

let dragged = null; /* {pointer, from} */

function move(form, pointer, from, to) {
  const items = [...form.get(pointer)];
  if (to < 0 || to >= items.length || from === to) return;
  items.splice(to, 0, ...items.splice(from, 1));
  form.set(pointer, items);
  announce(t('list.moved', { n: to + 1, of: items.length }));
}

function add(form, row, pointer) {
  const blank = Object.fromEntries(row.item.rows.map((each) => [each.key, structuredClone(each.default)]));
  const items = [...(form.get(pointer) || []), blank];
  form.set(pointer, items);
  setTimeout(() => document.getElementById(form.idOf(`${pointer}/${items.length - 1}/${row.item.rows[0].key}`))?.focus());
}

function drop(form, pointer, i) {
  form.set(pointer, form.get(pointer).filter((_, at) => at !== i));
  form.forget(pointer);
}

/* A struct's members change in place: the struct keeps its identity, and so its row. */
function cell(form, row, pointer, i, member) {
  const at = `${pointer}/${i}/${member.key}`;
  const path = `${form.path}.${row.key}`;
  const label = labelOf(path, member);
  const value = form.get(at);
  const error = form.errorOf(at);
  const common = { id: form.idOf(at), invalid: error ? 'true' : nothing, name: t('list.cell', { label, n: i + 1 }) };
  const number_ = member.kind === 'number';
  const input = (event) => {
    const text = event.target.value;
    form.set(at, number_ && /^\d{1,15}$/.test(text.trim()) ? Number(text) : text);
  };
  let control;
  if (member.kind === 'word') {
    control = html`<select class="control" id=${common.id} aria-label=${common.name} @change=${input}>
      ${member.words.map((word) => html`<option value=${word} .selected=${live(word === value)}>${wordOf(path, member, word)}</option>`)}</select>`;
  } else if (member.multiline) {
    control = html`<textarea class="control code-like" rows="4" id=${common.id} aria-label=${common.name} aria-invalid=${common.invalid}
      .value=${live(value ?? '')} @input=${input} @blur=${() => form.check(pointer)}></textarea>`;
  } else {
    control = html`<input class="control ${number_ ? 'control-number' : ''}" id=${common.id} aria-label=${common.name} autocomplete="off"
      spellcheck="false" aria-invalid=${common.invalid} placeholder=${member.default === '' ? nothing : String(member.default)}
      .value=${live(String(value ?? ''))} @input=${input} @blur=${() => form.check(pointer)}>`;
  }
  return html`<td data-l=${label}>${control}${error ? html`<p class="field-error">${icon('warn')}<span>${error}</span></p>` : nothing}</td>`;
}

function structRow(form, row, pointer, item, i) {
  const onKey = (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || !event.altKey || event.isComposing) return;
    event.preventDefault();
    move(form, pointer, i, i + step);
  };
  const onDrop = (event) => {
    event.preventDefault();
    if (dragged?.pointer === pointer) move(form, pointer, dragged.from, i);
    dragged = null;
  };
  const number_ = { n: i + 1 };
  return html`<tr @keydown=${onKey} @dragover=${(event) => dragged?.pointer === pointer && event.preventDefault()} @drop=${onDrop}>
    <td class="cell-grip"><span class="grip" draggable="true" @dragstart=${() => { dragged = { pointer, from: i }; }} aria-hidden="true">${icon('grip')}</span></td>
    ${row.item.rows.map((member) => cell(form, row, pointer, i, member))}
    <td class="cell-actions">
      <button type="button" class="icon-button" ?disabled=${i === 0} aria-label=${t('list.up', number_)} title=${t('list.up_hint')}
        @click=${() => move(form, pointer, i, i - 1)}>${icon('up')}</button>
      <button type="button" class="icon-button" ?disabled=${i === form.get(pointer).length - 1} aria-label=${t('list.down', number_)} title=${t('list.down_hint')}
        @click=${() => move(form, pointer, i, i + 1)}>${icon('down')}</button>
      <button type="button" class="icon-button" aria-label=${t('list.remove', number_)} title=${t('action.remove')}
        @click=${() => drop(form, pointer, i)}>${icon('remove')}</button>
    </td></tr>`;
}

function structs(form, row, pointer) {
  const items = form.get(pointer) || [];
  const shown = form.isWhole(pointer) ? items : items.slice(0, SHOWN);
  return html`<div class="list-field" id=${form.idOf(pointer)} tabindex="-1">
    ${items.length === 0 ? html`<p class="list-empty">${t('list.empty')}</p>` : html`<table class="list-table">
      <thead><tr><th class="cell-grip"><span class="visually-hidden">${t('list.order')}</span></th>
        ${row.item.rows.map((member) => html`<th scope="col">${labelOf(`${form.path}.${row.key}`, member)}</th>`)}
        <th><span class="visually-hidden">${t('table.actions')}</span></th></tr></thead>
      <tbody>${repeat(shown, keyOf, (item, i) => structRow(form, row, pointer, item, i))}</tbody></table>`}
    <div class="list-foot">
      <button type="button" class="button" @click=${() => add(form, row, pointer)}>${icon('add')}<span>${t('list.add')}</span></button>
      ${shown.length < items.length ? html`<button type="button" class="button button-quiet" @click=${() => form.showWhole(pointer)}>${t('list.show_all', { n: items.length })}</button>` : nothing}
    </div></div>`;
}

export const listField = (form, row, pointer) => (row.item.kind === 'object' ? structs : lines)(form, row, pointer);
