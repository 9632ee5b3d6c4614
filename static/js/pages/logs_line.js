/* One line of the log: as the text log has it, its ids as links, its fields below when unfolded.
 *
 * A line holds texts of strangers, and one may spell "MID 7": a number becomes a link only where the
 * event itself has that id. */
import { html, nothing } from '../../vendor/lit.js';
import { clock, date, fullTime, t } from '../i18n.js';
import { copyButton } from '../ui/copy.js';
import { icon, status } from '../ui/icons.js';

const LEVELS = { Info: 'off', Warning: 'warn', Critical: 'bad' };
const NAMES = { MID: ['mid', 'original'], ICID: ['icid'], DCID: ['dcid'] };
const HEAD = ['time', 'level', 'event', 'text'];

/** [{text, name?, value?}]: the pieces of a line's text, in order. */
export function piecesOf(line) {
  const pieces = [];
  let at = 0;
  for (const found of line.text.matchAll(/\b(MID|ICID|DCID) (\d+)\b/g)) {
    const [whole, word, digits] = found;
    if (!NAMES[word].some((key) => String(line[key]) === digits)) continue;
    pieces.push({ text: line.text.slice(at, found.index) }, { text: whole, name: word.toLowerCase(), value: digits });
    at = found.index + whole.length;
  }
  return [...pieces, { text: line.text.slice(at) }].filter(({ text }) => text !== '');
}

const valueText = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** What is shown of an event that has no text: one of another version. */
const fallback = (line) => [line.event, ...fieldsOf(line).map(([name, value]) => `${name}=${valueText(value)}`)].join(' ');

const fieldsOf = (line) => Object.entries(line).filter(([name]) => !HEAD.includes(name));

const textTemplate = (line, hrefOf) => (line.text === '' ? fallback(line) : piecesOf(line).map(({ text, name, value }) =>
  (name ? html`<a href=${hrefOf(name, value)} title=${t('logs.only', { what: text })}>${text}</a>` : text)));

const details = (line, id) => html`<tr class="log-more" id=${id}><td></td><td colspan="3">
  <dl class="log-details">${[['event', line.event], ['time', line.time], ...fieldsOf(line)].map(([name, value]) => html`<div><dt>${name}</dt><dd>${valueText(value)}</dd></div>`)}</dl>
  ${copyButton(JSON.stringify(line, null, 1), t('logs.copy'))}</td></tr>`;

/** @param {{id: string, isOpen: boolean, onFold: () => void, hrefOf: (name: string, value: string) => string}} given */
export const lineRow = (line, { id, isOpen, onFold, hrefOf }) => html`<tr class="log-line">
    <td class="log-fold"><button type="button" class="icon-button" aria-expanded=${String(isOpen)} aria-controls=${isOpen ? id : nothing}
      aria-label=${t('logs.fields_of', { what: line.text || line.event })} @click=${onFold}>${icon('chevron')}</button></td>
    <td class="log-time"><time datetime=${line.time} title=${fullTime(line.time)}>${date(line.time)} ${clock(line.time)}</time></td>
    <td class="log-level">${status(LEVELS[line.level] || 'off', t('logs.level.' + line.level.toLowerCase()))}</td>
    <td class="log-text">${textTemplate(line, hrefOf)}</td></tr>${isOpen ? details(line, id) : nothing}`;
