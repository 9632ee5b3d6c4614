/* Health of a certificate where it is used: dot, word and days. */
import { t } from '../i18n.js';
import { status } from '../ui/icons.js';

const SHAPES = { ok: 'ok', warning: 'warn', critical: 'bad', not_yet_valid: 'warn', expired: 'bad' };

/** One that only proves that encryption works: nobody can verify it. */
export const isDemonstration = (certificate) => certificate.status.pairs.some((pair) => pair.demonstration);

/** @param {{status: object}} certificate as GET /certificates gives it */
export function certificateState(certificate) {
  const { health, days_left: days } = certificate.status;
  if (health === undefined) return status('off', t('certificate.health.none'));
  if (health === 'ok' && isDemonstration(certificate)) return status('warn', t('certificate.health.demonstration'));
  return status(SHAPES[health] || 'warn', t(`certificate.health.${health}`, { n: Math.abs(days) }));
}
