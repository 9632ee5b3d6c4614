/* Addresses and networks as ranges of numbers, and what a list of groups that is read from the top makes
 * of them. The gateway decides; this only shows ahead which groups can never be reached. IPv4-mapped
 * IPv6 counts as IPv4, as it does there. */
import { isIpv4, isIpv6 } from './validate.js';

const MAPPED = 0xffffn << 32n;
const EXAMPLES = 3; /* covering entries that are named */

const numberOf4 = (text) => text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);

function groupsOf6(text) {
  const parts = text === '' ? [] : text.split(':');
  return parts.flatMap((part) => {
    if (!part.includes('.')) return [BigInt('0x' + part)];
    const last = numberOf4(part);
    return [last >> 16n, last & 0xffffn];
  });
}

function numberOf6(text) {
  const [head, tail] = text.split('::').map(groupsOf6);
  const gap = tail === undefined ? [] : Array(8 - head.length - tail.length).fill(0n);
  return [...head, ...gap, ...(tail || [])].reduce((sum, group) => (sum << 16n) + group, 0n);
}

/**
 * "198.51.100.0/24" -> {family: 4, first, last}; null for what is no address and no network.
 * @param {string} text
 */
export function rangeOf(text) {
  const [address, bits] = text.split('/');
  const is4 = isIpv4(address);
  if (!is4 && !isIpv6(address)) return null;
  let family = is4 ? 4 : 6;
  let width = is4 ? 32 : 128;
  let number = is4 ? numberOf4(address) : numberOf6(address);
  let prefix = bits === undefined ? width : Number(bits);
  if (!(prefix >= 0 && prefix <= width)) return null;
  if (!is4 && number >> 32n === MAPPED >> 32n && prefix >= 96) {
    [family, width, prefix, number] = [4, 32, prefix - 96, number & 0xffffffffn];
  }
  const host = (1n << BigInt(width - prefix)) - 1n;
  return { family, first: number & ~host, last: number | host };
}

/** Whether network A holds all of B. */
export const holds = (a, b) => a.family === b.family && a.first <= b.first && b.last <= a.last;

/* Ranges of one family, sorted and merged: what overlaps or touches is one. */
function merge(ranges) {
  const sorted = [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged = [];
  for (const { first, last } of sorted) {
    const end = merged.at(-1);
    if (end === undefined || first > end.last + 1n) merged.push({ first, last });
    else if (last > end.last) end.last = last;
  }
  return merged;
}

/* The merged range that begins last at or before RANGE holds it, or none does. */
function isWithin(merged, range) {
  let low = 0;
  let high = merged.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (merged[middle].first <= range.first) low = middle + 1;
    else high = middle;
  }
  return low > 0 && merged[low - 1].last >= range.last;
}

const meets = (a, b) => a.family === b.family && a.first <= b.last && b.first <= a.last;

/* Entries of the groups above that take these senders' place: one that holds a sender whole, else those
 * that share it. */
function takersOf(above, covered) {
  const found = [];
  for (const sender of covered) {
    const whole = above.find((each) => holds(each.range, sender.range));
    for (const taker of whole ? [whole] : above.filter((each) => meets(each.range, sender.range))) {
      if (!found.includes(taker)) found.push(taker);
      if (found.length === EXAMPLES) return found;
    }
  }
  return found;
}

/**
 * For each group, read from the top, which of its senders the groups above it have already.
 * @param {{senders: {sender: string}[]}[]} groups in order
 * @returns {{covered: number, of: number, isDead: boolean, by: {group: number, text: string}[]}[]}
 *     isDead: no address comes here; by: at most three entries above that are to blame
 */
export function shadowsOf(groups) {
  const above = [];
  const merged = { 4: [], 6: [] };
  return groups.map(({ senders }, group) => {
    const own = senders.map(({ sender }) => ({ group, text: sender, range: rangeOf(sender) }));
    const nets = own.filter(({ range }) => range !== null);
    const covered = nets.filter(({ range }) => isWithin(merged[range.family], range));
    const by = covered.length === 0 ? [] : takersOf(above, covered);
    above.push(...nets);
    for (const family of [4, 6]) {
      const ranges = nets.filter(({ range }) => range.family === family).map(({ range }) => range);
      if (ranges.length > 0) merged[family] = merge([...merged[family], ...ranges]);
    }
    return { covered: covered.length, of: own.length, isDead: covered.length === own.length, by: by.map(({ group: at, text }) => ({ group: at, text })) };
  });
}
