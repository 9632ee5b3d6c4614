/* Fields that somebody else committed while they were in my draft: what was there, theirs, mine. One
 * of the two is chosen for each; fields that only one side touched merge by themselves. */
import { html } from '../../vendor/lit.js';
import { t } from '../i18n.js';
import { labelOf, placeName, rowOfPointer } from '../schema.js';
import { valueText } from '../ui/field.js';
import { notice } from '../ui/state.js';

const idOf = (conflict) => [conflict.section, conflict.listener, conflict.key, conflict.pointer].join('/');

function show(conflict, value) {
  const found = rowOfPointer(conflict.section, conflict.pointer);
  if (value === null || value === undefined) return t('diff.not_there');
  if (found && (found.row.kind === 'list') === Array.isArray(value)) return valueText(found.path, found.row, value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What POST /drafts/me/rebase wants; a conflict without a choice stays one. */
export const resolution = (conflicts, choices) => conflicts.filter((each) => choices.has(idOf(each))).map((each) => ({
  section: each.section, listener: each.listener, key: each.key, pointer: each.pointer, take: choices.get(idOf(each)),
}));

function choice(conflict, choices, update, take, i) {
  return html`<label class="choice"><input type="radio" name="conflict-${i}" .checked=${choices.get(idOf(conflict)) === take}
    @change=${() => { choices.set(idOf(conflict), take); update(); }}><span>${show(conflict, conflict[take])}</span></label>`;
}

function row(conflict, choices, update, i) {
  const found = rowOfPointer(conflict.section, conflict.pointer);
  const label = found ? labelOf(found.path, found.row) : t('diff.whole');
  return html`<tr><th scope="row">${placeName(conflict)}<br><span class="muted">${label}</span></th>
    <td data-l=${t('conflict.base')}>${show(conflict, conflict.base)}</td>
    <td data-l=${t('conflict.theirs')}>${choice(conflict, choices, update, 'theirs', i)}</td>
    <td data-l=${t('conflict.mine')}>${choice(conflict, choices, update, 'mine', i)}</td></tr>`;
}

export function conflictsTemplate(conflicts, choices, { isBusy, update, rebase }) {
  const isWhole = conflicts.every((each) => choices.has(idOf(each)));
  return html`${notice('warn', html`<p><strong>${t('conflict.title', { n: conflicts.length })}</strong></p><p>${t('conflict.lead')}</p>`)}
    <div class="table-frame"><table class="table table-conflicts"><caption class="visually-hidden">${t('conflict.title', { n: conflicts.length })}</caption>
      <thead><tr><th scope="col">${t('conflict.field')}</th><th scope="col">${t('conflict.base')}</th><th scope="col">${t('conflict.theirs')}</th><th scope="col">${t('conflict.mine')}</th></tr></thead>
      <tbody>${conflicts.map((each, i) => row(each, choices, update, i))}</tbody></table></div>
    <p class="table-action"><button type="button" class="button button-primary" ?disabled=${!isWhole || isBusy} @click=${rebase}>${t('conflict.resolve')}</button></p>`;
}
