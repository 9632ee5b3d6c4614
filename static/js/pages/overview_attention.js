/* What needs somebody: worded, the worst first, each with the one place that mends it. Pure.
 *
 *   attention({ status, summary, destinations, certificates, listeners })
 *     -> [{ id, kind: 'bad'|'warn', key, params, href, action, actionParams }]   keys of the catalogue */
import { relative } from '../i18n.js';
import { pathOf } from '../api.js';

const OLD_MAIL_S = 4 * 3600;  /* as long as a busy host may greylist */
const DESTINATIONS = 3;       /* named one by one; the rest is counted */
const ENDS = { expired: 'bad', critical: 'bad', not_yet_valid: 'bad', warning: 'warn' };

const certificateHref = (name) => '/ui' + pathOf('certificates', name);
export const destinationHref = (name) => '/ui' + pathOf('delivery-status', name);

function readiness({ ready, spool, loops, loops_alive: alive, ending }) {
  const found = [];
  if (ready) return found;
  const add = (id, params, href, action) => found.push({ id, kind: 'bad', key: `attention.${id}`, params, href, action });
  if (ending) add('ending', {}, '/ui/mail-logs', 'attention.open_logs');
  else if (spool === 'full') add('spool_full', {}, '/ui/delivery-status', 'attention.open_queue');
  else if (spool === 'failed') add('spool_failed', {}, '/ui/mail-logs', 'attention.open_logs');
  if (!ending && alive < loops) add('loops', { n: loops - alive, of: loops }, '/ui/mail-logs', 'attention.open_logs');
  return found;
}

const usesOf = (certificate) => certificate.status?.used_by.items || [];

/* Health counts where a certificate is shown to somebody; one that nobody uses may end in peace. */
function certificateEnds(certificates) {
  return certificates.filter((each) => ENDS[each.status?.health] && usesOf(each).length > 0).map((each) => ({
    id: `certificate:${each.name}`, kind: ENDS[each.status.health], key: `attention.certificate_${each.status.health}`,
    params: { name: each.name, n: each.status.days_left, when: relative(each.status.not_after), begins: relative(each.status.not_before) },
    href: certificateHref(each.name), action: 'attention.open_certificate', actionParams: { name: each.name },
  }));
}

function demonstrations(certificates, listeners) {
  const isPublic = (use) => use.section === 'listeners' && listeners.some(({ name, type }) => name === use.key && type === 'public');
  return certificates.filter((each) => each.status?.pairs.some((pair) => pair.demonstration)).flatMap((each) =>
    usesOf(each).filter(isPublic).map((use) => ({
      id: `demonstration:${use.key}`, kind: 'warn', key: 'attention.demonstration', params: { listener: use.key },
      href: '/ui/certificates', action: 'attention.open_certificates',
    })));
}

function destinationItem(each, now) {
  const reply = replyText(each.last_reply);
  const params = { name: each.destination, n: each.messages, reply, age: relative(each.oldest, now) };
  const about = { href: destinationHref(each.destination), action: 'attention.open_destination', actionParams: { name: each.destination } };
  if (each.state !== 'up') return { id: `down:${each.destination}`, kind: 'bad', key: reply ? 'attention.down' : 'attention.down_silent', params, ...about };
  if (each.oldest && now - new Date(each.oldest) > OLD_MAIL_S * 1000)
    return { id: `old:${each.destination}`, kind: 'warn', key: reply ? 'attention.old' : 'attention.old_silent', params, ...about };
  return null;
}

function destinationsOf(destinations, now) {
  const found = destinations.map((each) => destinationItem(each, now)).filter(Boolean)
    .sort((a, b) => (a.kind === b.kind ? b.params.n - a.params.n : a.kind === 'bad' ? -1 : 1));
  const rest = found.length - DESTINATIONS;
  if (rest <= 1) return found;
  return [...found.slice(0, DESTINATIONS), {
    id: 'more', kind: found[DESTINATIONS].kind, key: 'attention.more_destinations', params: { n: rest }, href: '/ui/delivery-status', action: 'attention.open_queue',
  }];
}

function droppedLines({ log_dropped: n }) {
  return n === 0 ? [] : [{ id: 'log_dropped', kind: 'warn', key: 'attention.log_dropped', params: { n }, href: '/ui/mail-logs', action: 'attention.open_logs' }];
}

/** "450 4.2.1 Try again later", as the other side said it; '' when nothing was said. */
export const replyText = (reply) => (reply ? [reply.code, reply.enhanced, reply.text].filter(Boolean).join(' ') : '');

export function attention({ status, destinations = [], certificates = [], listeners = [] }, now = Date.now()) {
  const found = [
    ...readiness(status.readiness),
    ...certificateEnds(certificates),
    ...destinationsOf(destinations, now),
    ...demonstrations(certificates, listeners),
    ...droppedLines(status.counters),
  ];
  return [...found.filter(({ kind }) => kind === 'bad'), ...found.filter(({ kind }) => kind !== 'bad')];
}
