/* One field, drawn from a row of the schema: label, control by kind, help, default, error.
 *
 *   field(form, row, '/tls')    FORM keeps the values (ui/form.js); the pointer says which
 *
 * Kinds: word (segments, a ladder, or a select when there are many), boolean, number with its unit, reference,
 * secret, list (ui/field_list.js), and text in all its forms. */
import { html, live, nothing } from '../../vendor/lit.js';
import { bytes, duration, number, t } from '../i18n.js';
import { helpOf, labelOf, oneOf, pagePath, wordHelpOf, wordOf } from '../schema.js';
import { hintsOf } from '../sections.js';
import { listField } from './field_list.js';
import { icon } from './icons.js';
import { ladder } from './ladder.js';

const SEGMENTS_MAX = 4;

/** A value as text, for defaults, tables and diffs. PATH: where the row's words are found. */
export function valueText(path, row, value) {
  if (value === null || value === undefined || value === '') return t('value.none');
  if (row.kind === 'boolean') return t(value ? 'value.on' : 'value.off');
  if (row.kind === 'word') return wordOf(path, row, value);
  if (row.kind === 'number') return numberText(row, value);
  if (row.kind === 'list') return value.length === 0 ? t('value.none') : t('value.entries', { n: value.length });
  if (row.kind === 'secret') return t(value.set ? 'secret.set' : 'secret.unset');
  return String(value);
}

/* 8443 is a port, not a quantity: only what counts or measures is grouped. */
const isPlain = (row) => /port|code/.test(row.key);

export function numberText(row, value) {
  if (row.unit === 'seconds') return duration(value);
  if (row.unit === 'bytes') return bytes(value);
  return isPlain(row) ? String(value) : number(value);
}

const describedBy = (form, pointer, hasHelp) =>
  [hasHelp && form.idOf(pointer, 'help'), form.errorOf(pointer) && form.idOf(pointer, 'error')].filter(Boolean).join(' ') || nothing;

/* The attributes that every control shares; `live` puts the value back when it was reset. */
function textControl(form, row, pointer, type = 'text', extra = '') {
  const value = form.get(pointer) ?? '';
  const error = form.errorOf(pointer);
  const isNumber = row.kind === 'number';
  return html`<input class="control ${extra}" id=${form.idOf(pointer)} type=${type} autocomplete="off" spellcheck="false"
    inputmode=${isNumber ? 'numeric' : nothing} maxlength=${row.kind === 'name' ? 63 : nothing}
    placeholder=${row.default === '' || row.default === undefined || row.default === null ? nothing : String(row.default)}
    .value=${live(String(value))} ?readonly=${form.isFixed(row)} ?required=${row.required}
    aria-invalid=${error ? 'true' : nothing} aria-describedby=${describedBy(form, pointer, row.help)}
    @input=${(event) => form.set(pointer, isNumber ? toNumber(event.target.value) : event.target.value)}
    @blur=${() => form.check(pointer)}>`;
}

/* What is no number stays text, so that nothing typed is lost; validation says so. */
function toNumber(text) {
  const trimmed = text.trim();
  return /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed;
}

function numberControl(form, row, pointer) {
  const value = form.get(pointer);
  const isMeasure = row.unit && typeof value === 'number' && value > 0;
  return html`<div class="control-row">${textControl(form, row, pointer, 'text', 'control-number')}
    ${row.unit ? html`<span class="unit">${t('unit.' + row.unit)}</span>` : nothing}
    ${isMeasure ? html`<span class="unit unit-same">= ${numberText(row, value)}</span>` : nothing}</div>`;
}

function areaControl(form, row, pointer) {
  const error = form.errorOf(pointer);
  return html`<textarea class="control control-area code-like" id=${form.idOf(pointer)} rows="8" spellcheck="false"
    .value=${live(form.get(pointer) ?? '')} aria-invalid=${error ? 'true' : nothing}
    aria-describedby=${describedBy(form, pointer, row.help)}
    @input=${(event) => form.set(pointer, event.target.value)} @blur=${() => form.check(pointer)}></textarea>`;
}

function segments(form, row, pointer) {
  const value = form.get(pointer);
  const hint = wordHelpOf(form.path, row, value);
  return html`<div class="segments" role="radiogroup" aria-labelledby=${form.idOf(pointer, 'label')}
      aria-describedby=${describedBy(form, pointer, row.help)}>
    ${row.words.map((word, i) => html`<label class="segment"><input type="radio" name=${form.idOf(pointer)}
      id=${i === 0 ? form.idOf(pointer) : nothing} value=${word} .checked=${live(word === value)} ?disabled=${form.isFixed(row)}
      @change=${() => form.set(pointer, word)}><span>${wordOf(form.path, row, word)}</span></label>`)}
  </div>${hint ? html`<p class="field-help" id=${form.idOf(pointer, 'help')}>${hint}</p>` : nothing}`;
}

const select = (form, row, pointer, options) => html`<select class="control" id=${form.idOf(pointer)}
  aria-invalid=${form.errorOf(pointer) ? 'true' : nothing} aria-describedby=${describedBy(form, pointer, row.help)}
  ?disabled=${form.isFixed(row)} @change=${(event) => form.set(pointer, event.target.value)} @blur=${() => form.check(pointer)}>
  ${options.map(([value, label]) => html`<option value=${value} .selected=${live(value === (form.get(pointer) ?? ''))}>${label}</option>`)}
</select>`;

const isLadder = (form, row) => row.kind === 'word' && Boolean(hintsOf(form.path).ladders?.includes(row.key));

function wordControl(form, row, pointer) {
  if (isLadder(form, row)) {
    const { inherit } = hintsOf(form.path);
    const isSource = inherit && form.key === inherit.from; /* the entry that others inherit from has nothing to inherit */
    return ladder(form, row, pointer, row.words.filter((word) => !isSource || word !== inherit.empty[row.key]));
  }
  if (row.words.length <= SEGMENTS_MAX) return segments(form, row, pointer);
  return select(form, row, pointer, row.words.map((word) => [word, wordOf(form.path, row, word)]));
}

/* Names of the other section, with a way to look at the one chosen and to make another. */
function referenceControl(form, row, pointer) {
  const value = form.get(pointer) ?? '';
  const names = form.namesOf(row.section);
  const options = names.map((name) => [name, name]);
  if (row.word) options.unshift([row.word, t('reference.word', { word: row.word })]);
  if (!row.required && !row.word) options.unshift(['', t('value.none')]);
  if (value !== '' && !options.some(([each]) => each === value)) options.push([value, t('reference.missing', { name: value })]);
  if (value === '' && row.required) options.unshift(['', t('reference.choose')]);
  const isThere = names.includes(value);
  return html`<div class="control-row">${select(form, row, pointer, options)}
    ${isThere ? html`<a class="button button-quiet" href=${pagePath(row.section, '', value)}
      aria-label=${t('reference.open', { name: value })}>${icon('link')}<span>${t('action.open')}</span></a>` : nothing}
    ${form.isFixed(row) || form.isReadOnly ? nothing : html`<a class="button button-quiet" href="/ui/${row.section}?new=1"
      aria-label=${t('reference.new', { what: oneOf(row.section) })}>${icon('add')}<span>${t('action.new')}</span></a>`}</div>`;
}

/* Read as {set, changed}; written as text to set, null to clear, itself to keep. */
function secretControl(form, row, pointer) {
  const value = form.get(pointer);
  const isKept = value !== null && typeof value === 'object' && value.set;
  if (isKept) {
    return html`<div class="control-row"><span class="secret">${icon('lock')}${t('secret.set')}</span>
      <button type="button" class="button" @click=${() => form.set(pointer, '')}>${t('secret.change')}</button>
      <button type="button" class="button" @click=${() => form.set(pointer, null)}>${t('secret.clear')}</button></div>`;
  }
  const old = form.initialOf(pointer);
  return html`<div class="control-row">${textControl(form, row, pointer, 'password')}
    ${old?.set ? html`<button type="button" class="button" @click=${() => form.set(pointer, old)}>${t('secret.keep')}</button>` : nothing}</div>`;
}

function switchControl(form, row, pointer) {
  return html`<label class="switch"><input type="checkbox" role="switch" id=${form.idOf(pointer)}
    .checked=${live(form.get(pointer) === true)} aria-labelledby=${form.idOf(pointer, 'label')}
    aria-describedby=${describedBy(form, pointer, row.help)} @change=${(event) => form.set(pointer, event.target.checked)}>
    <span class="switch-track" aria-hidden="true"></span><span>${t(form.get(pointer) ? 'value.on' : 'value.off')}</span></label>`;
}

const CONTROLS = {
  boolean: switchControl,
  word: wordControl,
  number: numberControl,
  reference: referenceControl,
  secret: secretControl,
  list: listField,
};

export function control(form, row, pointer) {
  if (row.multiline) return areaControl(form, row, pointer);
  return (CONTROLS[row.kind] || textControl)(form, row, pointer);
}

/* The default beside the label, with the way back; what is inherited says from where. */
function defaultOf(form, row, pointer) {
  if (row.required || row.kind === 'list' || row.kind === 'secret' || form.isFixed(row)) return nothing;
  const value = form.get(pointer);
  const inherited = form.inheritedOf(row, value);
  if (inherited !== undefined) {
    return html`<span class="field-default">${t('field.inherited', { from: form.inheritsFrom, value: valueText(form.path, row, inherited) })}</span>`;
  }
  const text = form.inheritsFrom ? t('field.inherit', { from: form.inheritsFrom }) : t('field.default', { value: valueText(form.path, row, row.default) });
  if (value === row.default || form.isReadOnly) return html`<span class="field-default">${text}</span>`;
  const what = t('field.reset', { label: labelOf(form.path, row) });
  return html`<button type="button" class="field-reset" title=${what} @click=${() => form.set(pointer, row.default)}>
    ${icon('reset')}<span class="visually-hidden">${what}</span><span>${text}</span></button>`;
}

const isToldByControl = (form, row) => row.kind === 'word' && (row.words.length <= SEGMENTS_MAX || isLadder(form, row));
const isLabelled = (form, row) => row.kind !== 'list' && !isToldByControl(form, row);

export function field(form, row, pointer) {
  const error = form.errorOf(pointer);
  const label = labelOf(form.path, row);
  const isTold = isToldByControl(form, row) && wordHelpOf(form.path, row, form.get(pointer)) !== '';
  const help = isTold ? '' : helpOf(form.path, row); /* what the chosen word means says more */
  const isPending = form.isPending(pointer);
  return html`<div class="field field-${row.kind} ${isPending ? 'is-pending' : ''}" data-pointer=${pointer}>
    <div class="field-head">
      ${isLabelled(form, row)
        ? html`<label id=${form.idOf(pointer, 'label')} for=${form.idOf(pointer)}>${label}</label>`
        : html`<span class="label" id=${form.idOf(pointer, 'label')}>${label}</span>`}
      ${row.required ? html`<span class="field-required">${t('field.required')}</span>` : nothing}
      ${isPending ? html`<span class="badge badge-pending">${t('state.pending')}</span>` : nothing}
      ${defaultOf(form, row, pointer)}
    </div>
    ${control(form, row, pointer)}
    ${help ? html`<p class="field-help" id=${form.idOf(pointer, 'help')}>${help}</p>` : nothing}
    ${error ? html`<p class="field-error" id=${form.idOf(pointer, 'error')}>${icon('warn')}<span>${error}</span></p>` : nothing}
  </div>`;
}
