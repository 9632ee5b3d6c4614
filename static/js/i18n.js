/* Words, numbers and times in the reader's language. English and Korean are both source languages.
 *
 * Catalogues are flat: key -> text with {name}, or {"one": …, "other": …} chosen by {n}. Keys:
 *   word.<word>, word.<section>.<key>.<word>            a word of an enumeration
 *   section.<name>, .one, .lead                         a section: page title, one object, one sentence
 *   schema.<section>.<key>.label|help                   Korean only: the English is in /schema
 *   problem.<code>                                      an error of the API by its code
 * A Korean text never puts a particle behind a variable: a fixed noun carries it. */
import { api } from './api.js';

export const LANGUAGES = ['en', 'ko'];
const STORED = 'postern.language';

let language = 'en';
let catalogue = {};
let formats = {};

/** The reader's choice, else the first language of the browser that we have. */
export function preferredLanguage() {
  const chosen = localStorage.getItem(STORED);
  if (LANGUAGES.includes(chosen)) return chosen;
  const wanted = (navigator.languages || []).map((tag) => tag.slice(0, 2));
  return wanted.find((tag) => LANGUAGES.includes(tag)) || 'en';
}

/** Fetches the catalogue and makes it the one in use. */
export async function setLanguage(code) {
  const url = document.querySelector(`meta[name="postern-catalogue-${code}"]`).content;
  useCatalogue(code, await api.asset(url));
  document.documentElement.lang = code;
}

export function chooseLanguage(code) {
  localStorage.setItem(STORED, code);
  return setLanguage(code);
}

/** What setLanguage() does once it has the texts; tests call it alone. */
export function useCatalogue(code, texts) {
  language = code;
  catalogue = texts;
  formats = {
    number: new Intl.NumberFormat(code),
    compact: new Intl.NumberFormat(code, { notation: 'compact', maximumFractionDigits: 1 }),
    percent: new Intl.NumberFormat(code, { style: 'percent', maximumFractionDigits: 1 }),
    when: new Intl.DateTimeFormat(code, { dateStyle: 'medium', timeStyle: 'medium' }),
    day: new Intl.DateTimeFormat(code, { dateStyle: 'medium' }),
    month: new Intl.DateTimeFormat(code, { year: 'numeric', month: 'short', timeZone: 'UTC' }),
    clock: new Intl.DateTimeFormat(code, { timeStyle: 'medium' }),
    zone: new Intl.DateTimeFormat(code, { dateStyle: 'full', timeStyle: 'long' }),
    relative: new Intl.RelativeTimeFormat(code, { numeric: 'auto' }),
    list: new Intl.ListFormat(code, { type: 'conjunction' }),
    plural: new Intl.PluralRules(code),
    collate: new Intl.Collator(code, { numeric: true, sensitivity: 'base' }),
  };
}

export const currentLanguage = () => language;
export const has = (key) => Object.hasOwn(catalogue, key);

function textOf(key, params) {
  const entry = catalogue[key];
  if (typeof entry === 'string') return entry;
  return entry[formats.plural.select(params.n)] ?? entry.other;
}

/** The text of a key; a key that is missing is shown as itself, so that it is seen. */
export function t(key, params = {}) {
  if (!has(key)) return key;
  return textOf(key, params).replace(/\{(\w+)\}/g, (whole, name) => {
    const value = params[name];
    if (value === undefined || value === null) return whole;
    return typeof value === 'number' ? formats.number.format(value) : String(value);
  });
}

/** The first of these keys that the catalogue has, else the text given last. */
export function firstOf(keys, otherwise = '') {
  const found = keys.find(has);
  return found === undefined ? otherwise : t(found);
}

/* --- numbers and times --- */

export const number = (value) => formats.number.format(value);
export const compact = (value) => formats.compact.format(value);
export const percent = (ratio) => formats.percent.format(ratio);
export const list = (texts) => formats.list.format(texts);
export const compare = (a, b) => formats.collate.compare(a, b);

const SIZES = [[2 ** 30, 'unit.gib'], [2 ** 20, 'unit.mib'], [2 ** 10, 'unit.kib']];
const SPANS = [[86400, 'unit.days'], [3600, 'unit.hours'], [60, 'unit.minutes'], [1, 'unit.seconds_n']];

/** 10485760 -> "10 MiB" */
export function bytes(value) {
  const [size, key] = SIZES.find(([least]) => value >= least) || [1, 'unit.bytes_n'];
  return t(key, { n: Math.round((value / size) * 10) / 10 });
}

/** 5400 -> "1 hour 30 minutes": the two largest units that are not zero */
export function duration(seconds) {
  const parts = [];
  let rest = Math.round(seconds);
  for (const [size, key] of SPANS) {
    const n = Math.floor(rest / size);
    rest %= size;
    if (n > 0) parts.push(t(key, { n }));
  }
  return parts.length === 0 ? t('unit.seconds_n', { n: 0 }) : parts.slice(0, 2).join(' ');
}

export const dateTime = (iso) => formats.when.format(new Date(iso));
export const date = (iso) => formats.day.format(new Date(iso));
/** "Jan 2027", of the first of a month in UTC */
export const month = (at) => formats.month.format(at);
export const clock = (iso) => formats.clock.format(new Date(iso));
/** With day of the week and zone: what a time's tooltip says. */
export const fullTime = (iso) => formats.zone.format(new Date(iso));

const STEPS = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60]];

/** "3 hours ago", "in 2 days" */
export function relative(iso, now = Date.now()) {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const [unit, size] = STEPS.find(([, least]) => Math.abs(seconds) >= least) || ['second', 1];
  return formats.relative.format(Math.round(seconds / size), unit);
}

/* --- errors --- */

/* Codes whose English sentence says more than the code: in Korean it stands behind the translation. */
const TOLD_BY_DETAIL = new Set(['value.pattern', 'commit.refused', 'config.invalid', 'rule.address_in_use']);

/** An error {code, params?, detail?} of the server or of validate.js in the reader's language. */
export function problemText(error) {
  const key = 'problem.' + error.code;
  const params = { ...error.params };
  if (Array.isArray(params.allowed)) params.allowed = params.allowed.join(', ');
  if (Array.isArray(params.forms)) params.forms = params.forms.map((form) => (form === 'all' ? params.word : t('form.' + form))).join(', ');
  const text = has(key) ? t(key, params) : '';
  const isWhole = text !== '' && !/\{\w+\}/.test(text);

  if (language === 'en' && error.detail) return error.detail[0].toUpperCase() + error.detail.slice(1);
  if (!isWhole) return error.detail || error.title || t('problem.unknown', { code: error.code });
  return TOLD_BY_DETAIL.has(error.code) && error.detail ? `${text} (${error.detail})` : text;
}
