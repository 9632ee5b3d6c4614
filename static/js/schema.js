/* The schema of the configuration, GET /schema, and what forms, tables and diffs ask of it.
 *
 * A section is {name, key, singleton, ordered, per_listener, rows}; a row {key, kind, label, help,
 * default, required, activation, …} with min, max, unit, words, forms, section (of a reference), word
 * (what a reference or pattern may say instead), item (of a list; {kind: 'object', rows} for structs).
 * English labels and help are the schema's own, Korean ones are in the catalogue. */
import { api, pathOf } from './api.js';
import { currentLanguage, firstOf, has, t } from './i18n.js';

let sections = new Map();

export async function loadSchema() {
  useSchema((await api.get('/schema')).data);
}

/** What loadSchema() does with the answer; tests call it alone. */
export function useSchema(data) {
  sections = new Map(data.sections.map((section) => [section.name, section]));
}

export const sectionOf = (name) => sections.get(name);
export const allSections = () => [...sections.values()];

/* --- words --- */

function wordsOf(path, row, what) {
  const key = `schema.${path}.${row.key}.${what}`;
  return currentLanguage() !== 'en' && has(key) ? t(key) : row[what];
}

/** Label of a row. PATH: the section's name, and for rows of a list's structs also the list's key:
 * "sender-groups.senders". */
export const labelOf = (path, row) => wordsOf(path, row, 'label');
export const helpOf = (path, row) => wordsOf(path, row, 'help');

/** A word of an enumeration: "required" -> "Required". */
export const wordOf = (path, row, word) => firstOf([`word.${path}.${row.key}.${word}`, `word.${word}`], word);
/** One sentence on what the word means, or ''. */
export const wordHelpOf = (path, row, word) => firstOf([`word.${path}.${row.key}.${word}.help`]);

export const titleOf = (name) => firstOf([`section.${name}`], name);
export const oneOf = (name) => firstOf([`section.${name}.one`], name);
export const leadOf = (name) => firstOf([`section.${name}.lead`]);

/* --- places --- */

/** The API's path of a section, or of an object in it. */
export function apiPath(section, key) {
  const parts = section === 'certificates' ? ['certificates'] : ['config', section];
  return pathOf(...parts, ...(key === undefined ? [] : [key]));
}

/** The page of a section, or of an object in it; a section that is one object has one page. */
export function pagePath(section, listener, key) {
  if (key === undefined || sections.get(section)?.singleton) return pathOf('ui', section);
  return pathOf(...['ui', section, ...(sections.get(section)?.per_listener ? [listener] : []), key]);
}

export const keyOf = (section, object) => object[sections.get(section).key];

/** "InboundMail / TRUSTED", or just the key. */
export const placeText = (listener, key) => (listener ? `${listener} / ${key}` : key);

/** "Sender group InboundMail / TRUSTED"; the section's name where it is one object. */
export const placeName = ({ section, listener, key }) =>
  (key === undefined || sections.get(section)?.singleton ? titleOf(section) : `${oneOf(section)} ${placeText(listener, key)}`);

/**
 * Where a pointer of validation leads: "/rat/InboundMail/ALL/action" is in an object of "rat".
 * @returns {{section: string, listener: string, key?: string, pointer: string} | null}
 */
export function placeOfPointer(pointer) {
  const parts = pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const section = sections.get(parts[0]);
  if (!section) return null;
  const rest = parts.slice(1);
  const listener = section.per_listener ? rest.shift() || '' : '';
  const key = section.singleton ? undefined : rest.shift();
  return { section: section.name, listener, key, pointer: rest.length === 0 ? '' : '/' + rest.join('/') };
}

/** The row of a pointer such as /senders/0/sender, with the path that its words are found under. */
export function rowOfPointer(sectionName, pointer) {
  let rows = sections.get(sectionName)?.rows || [];
  let path = sectionName;
  let found = null;
  for (const part of pointer.split('/').slice(1)) {
    if (/^\d+$/.test(part) && found?.item?.rows) {
      path = `${path}.${found.key}`;
      rows = found.item.rows;
      continue;
    }
    const row = rows.find((each) => each.key === part);
    if (!row) break;
    found = row;
  }
  return found === null ? null : { row: found, path };
}

/** "Senders > Sender", the labels along a pointer. */
export function labelOfPointer(sectionName, pointer, otherwise = pointer) {
  const found = rowOfPointer(sectionName, pointer);
  if (found === null) return otherwise;
  return labelOf(found.path, found.row);
}

/* --- objects --- */

/** An object with every default in it: what a form for a new one begins with. */
export function blankOf(rows) {
  return Object.fromEntries(rows.map((row) => [row.key, structuredClone(row.default)]));
}

/** Objects of a section as my draft has them, all pages of the list. */
export async function listObjects(section, query = {}, signal = undefined) {
  const items = [];
  let cursor;
  do {
    const { data } = await api.get(apiPath(section), { signal, query: { draft: 'me', limit: '1000', ...query, cursor } });
    items.push(...data.items);
    cursor = data.next;
  } while (cursor);
  return items;
}

const KINDS = ['public', 'private', 'blackhole'];
/** Listeners in the order in which one thinks of them: those that face the world first. */
export const publicFirst = (listeners) => [...listeners].sort((a, b) => KINDS.indexOf(a.type) - KINDS.indexOf(b.type));

/** Sections whose objects may name one of SECTION: [{section, row}] */
export function referrers(section) {
  return allSections().flatMap((each) =>
    each.rows.filter((row) => row.kind === 'reference' && row.section === section).map((row) => ({ section: each, row })),
  );
}

/** What names an object, in my draft: {items: [{section, listener, key, label}], total}. The items are
 * the first hundred. */
export async function usersOf(section, key, listener = '') {
  const isCertificate = section === 'certificates'; /* they say it themselves */
  const path = isCertificate ? apiPath(section, key) : pathOf('config-uses', section, key);
  const reply = await api.get(path, { query: { draft: 'me', listener } });
  const data = isCertificate ? reply.data.status.used_by : reply.data;
  const items = data.items.map((each) => ({
    section: each.section,
    listener: each.listener,
    key: each.key,
    label: labelOfPointer(each.section, each.pointer, each.label),
  }));
  return { items, total: data.total };
}
