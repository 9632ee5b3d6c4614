/* What the pages about certificates read out of a certificate's `status` (CertificateStatus of the
 * API): its state in one word, its names, keys and issuer, and what uses it. Only the leaf of a chain
 * speaks for the certificate; the pair that ends first counts for all. */
import { html, nothing, svg } from '../vendor/lit.js';
import { date, dateTime, fullTime, t } from './i18n.js';
import { labelOfPointer, oneOf, pagePath, placeText, sectionOf, titleOf } from './schema.js';

const DAY_MS = 86400000;

export const leavesOf = (object) => object.status.pairs.map((pair) => pair.chain[0]).filter(Boolean);
export const isDemonstration = (object) => object.status.pairs.some((pair) => pair.demonstration);
export const isSelfSigned = (object) => leavesOf(object).some((leaf) => leaf.self_signed);

/* A triangle says: do something soon; a square: it is already refused, or nearly. */
export const HEALTH_DOTS = { ok: 'ok', warning: 'warn', critical: 'bad', not_yet_valid: 'warn', expired: 'bad' };

/**
 * The one word that says how it is: what its dates say comes before who signed it.
 * @returns {{dot: 'ok'|'warn'|'bad', text: string, help: string}}
 */
export function stateOf(object) {
  const { health } = object.status;
  if (!health) return { dot: 'bad', text: t('cert.health.unreadable'), help: t('cert.health.unreadable.help') };
  const isFine = health === 'ok';
  if (isFine && isDemonstration(object)) return { dot: 'warn', text: t('cert.demonstration'), help: t('cert.demonstration.help') };
  if (isFine && isSelfSigned(object)) return { dot: 'warn', text: t('cert.self_signed'), help: t('cert.self_signed.help') };
  return { dot: HEALTH_DOTS[health], text: t(`cert.health.${health}`), help: t(`cert.health.${health}.help`) };
}

/** A value of a distinguished name (RFC 4514), its escapes taken away; '' if it has none. */
export function partOf(dn, type) {
  const found = new RegExp(`(?:^|[,+])${type}=((?:\\\\.|[^,+\\\\])*)`).exec(dn);
  return found ? found[1].replace(/\\(.)/g, '$1') : '';
}

/** What people call the one whose distinguished name it is. */
export const callName = (dn) => partOf(dn, 'CN') || partOf(dn, 'O') || dn || t('value.dash');

/** Names it is good for: those of all its leaves, the common name where there are no others. */
export function namesOf(object) {
  const names = leavesOf(object).flatMap((leaf) => (leaf.names.length > 0 ? leaf.names : [leaf.common_name]));
  return [...new Set(names.filter(Boolean))];
}

export function issuersOf(object) {
  return [...new Set(leavesOf(object).map((leaf) => (leaf.self_signed ? t('cert.by_itself') : callName(leaf.issuer))))];
}

/** "RSA 2048", "ECDSA P-256" */
export const keyText = (cert) => (/\d/.test(cert.key) ? cert.key : `${cert.key} ${cert.bits}`);

export const keysOf = (object) => object.status.pairs.map((pair) => (pair.chain[0] ? keyText(pair.chain[0]) : pair.type.toUpperCase()));

/** How long it still holds, in words. */
export function leftText(days) {
  if (days < -1) return t('cert.ended_ago', { n: -days - 1 });
  if (days < 0) return t('cert.ended_today');
  return days === 0 ? t('cert.ends_today') : t('cert.days_left', { n: days });
}

/** Share of its life that is left, 0 to 1. */
export function shareLeft({ not_before: from, not_after: to }, now = Date.now()) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return Math.max(0, Math.min(1, (end - now) / Math.max(end - start, DAY_MS)));
}

/** Date, days left, and how much of its life that is. */
export function endsCell(object) {
  const { status } = object;
  if (!status.not_after) return html`<span class="muted">${t('value.dash')}</span>`;
  const { dot } = stateOf({ status: { ...status, pairs: [] } });
  return html`<span class="ends"><time datetime=${status.not_after} title=${fullTime(status.not_after)}>${date(status.not_after)}</time>
    <span class="ends-left">${leftText(status.days_left)}</span>
    <svg class="ends-bar ends-${dot}" width="64" height="6" aria-hidden="true" focusable="false"><rect class="ends-life" width="64" height="6" rx="3"></rect>
      ${svg`<rect class="ends-rest" width=${Math.round(64 * shareLeft(status))} height="6" rx="3"></rect>`}</svg></span>`;
}

/** @param {{section: string, listener: string, key: string, pointer: string}} use */
export function useText(use) {
  return sectionOf(use.section)?.singleton ? titleOf(use.section) : placeText(use.listener, use.key);
}

/** "Listener: Certificate" */
export const useKind = (use) => kindText(use.section, labelOfPointer(use.section, use.pointer));

/** A section that is one object is named already. */
export const kindText = (section, label) => (sectionOf(section)?.singleton ? label : `${oneOf(section)}: ${label}`);

export const usePath = (use) => pagePath(use.section, use.listener, use.key);

/** Links to what uses it; what is beyond the first hundred is counted. */
export function usesCell(object) {
  const { items, total } = object.status.used_by;
  if (total === 0) return html`<span class="muted">${t('cert.unused')}</span>`;
  const rest = total - items.length;
  return html`<ul class="uses">${items.map((use) => html`<li><a class="cell-link" href=${usePath(use)} title=${useKind(use)}>${useText(use)}</a></li>`)}
    ${rest > 0 ? html`<li class="muted">${t('value.more', { n: rest })}</li>` : nothing}</ul>`;
}

export const spanText = (cert) => t('cert.span', { from: date(cert.not_before), to: date(cert.not_after) });
export const spanTitle = (cert) => t('cert.span', { from: dateTime(cert.not_before), to: dateTime(cert.not_after) });
