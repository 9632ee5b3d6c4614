/* Checks an object against the rows of the schema, as the server will: what can be known while typing.
 * Returns errors in the server's own shape, {pointer, code, params}, so that both are shown alike.
 * What needs the whole configuration (does that name exist, is the port free) the server says. */

const NAME_MAX = 63;
const LABEL = /^[\p{L}\p{N}_]([\p{L}\p{N}_-]{0,61}[\p{L}\p{N}_])?$/u;

export function isHostname(text) {
  return text.length <= 253 && text.split('.').every((label) => LABEL.test(label));
}

export function isIpv4(text) {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text) {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const isMapped = last !== undefined && last.includes('.');
  if (isMapped && !isIpv4(last)) return false;
  const hexes = isMapped ? groups.slice(0, -1) : groups;
  const count = hexes.length + (isMapped ? 2 : 0);
  return hexes.every((hex) => /^[0-9a-f]{1,4}$/i.test(hex)) && (halves.length === 2 ? count < 8 : count === 8);
}

export const isAddress = (text) => isIpv4(text) || isIpv6(text);

function isNetwork(text) {
  const [address, bits, ...rest] = text.split('/');
  if (rest.length > 0 || !isAddress(address)) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (isIpv4(address) ? 32 : 128));
}

function isLiteral(text) {
  const inner = /^\[(IPv6:)?(.*)\]$/i.exec(text);
  return inner !== null && (inner[1] ? isIpv6(inner[2]) : isIpv4(inner[2]));
}

const FORMS = {
  address: (text) => /^[^\s@]+@/.test(text) && isHostname(text.slice(text.lastIndexOf('@') + 1)),
  network: isNetwork,
  literal: isLiteral,
  domain: isHostname,
  subdomains: (text) => text.startsWith('.') && isHostname(text.slice(1)),
  all: () => false, /* the row's own word, looked at first */
};

function isEndpoint(text) {
  const [address, port, ...rest] = text.split('@');
  return rest.length === 0 && isAddress(address) && (port === undefined || (/^\d+$/.test(port) && port >= 1 && port <= 65535));
}

const checkHost = (row, value) => (isHostname(value) ? null : { code: 'value.hostname' });
const checkAddress = (row, value) => (isAddress(value) ? null : { code: 'value.address' });

function checkLength(row, value) {
  const length = new TextEncoder().encode(value).length;
  if (row.max !== undefined && length > row.max) return { code: 'value.too_long', params: { max: row.max } };
  if (row.min !== undefined && length < row.min) return { code: 'value.too_short', params: { min: row.min } };
  return null;
}

function checkName(row, value) {
  const isName = value.length <= NAME_MAX && !/[/\p{Cc}]/u.test(value) && value.trim() === value;
  return isName ? null : { code: 'value.name' };
}

function checkNumber(row, value) {
  const isIn = Number.isInteger(value) && value >= (row.min ?? 0) && value <= (row.max ?? Number.MAX_SAFE_INTEGER);
  return isIn ? null : { code: 'value.range', params: { min: row.min ?? 0, max: row.max } };
}

function checkPattern(row, value) {
  if (row.word && value.toLowerCase() === row.word.toLowerCase()) return null;
  return row.forms.some((form) => FORMS[form](value)) ? null : { code: 'value.form', params: { forms: row.forms, word: row.word } };
}

const CHECKS = {
  text: checkLength,
  name: checkName,
  hostname: checkHost,
  address: checkAddress,
  endpoint: (row, value) => (isEndpoint(value) ? null : { code: 'value.endpoint' }),
  pattern: checkPattern,
  number: checkNumber,
  word: (row, value) => (row.words.includes(value) ? null : { code: 'value.enum', params: { allowed: row.words } }),
};

function checkList(row, value, pointer) {
  const errors = [];
  if (row.min !== undefined && value.length < row.min) errors.push({ pointer, code: 'list.too_few', params: { n: row.min } });
  if (row.max !== undefined && value.length > row.max) errors.push({ pointer, code: 'list.too_many', params: { n: row.max } });
  value.forEach((item, i) => {
    const at = `${pointer}/${i}`;
    if (row.item.kind === 'object') errors.push(...checkObject(row.item.rows, item, at));
    else errors.push(...checkValue({ ...row.item, required: true }, item, at));
  });
  return errors;
}

/** @returns {{pointer: string, code: string, params?: object}[]} */
export function checkValue(row, value, pointer) {
  if (row.kind === 'list') return checkList(row, value || [], pointer);
  if (value === '' || value === null || value === undefined) {
    return row.required || row.kind === 'number' ? [{ pointer, code: 'value.required' }] : [];
  }
  const error = CHECKS[row.kind]?.(row, value);
  return error ? [{ pointer, ...error }] : [];
}

export function checkObject(rows, object, pointer = '') {
  return rows.flatMap((row) => checkValue(row, object[row.key], `${pointer}/${row.key}`));
}
