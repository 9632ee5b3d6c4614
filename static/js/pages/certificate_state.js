/* Health of a certificate where it is used: dot, word and days. */
import { HEALTH_DOTS, isDemonstration } from '../certs.js';
import { t } from '../i18n.js';
import { status } from '../ui/icons.js';

/** @param {{status: object}} certificate as GET /certificates gives it */
export function certificateState(certificate) {
  const { health, days_left: days } = certificate.status;
  if (health === undefined) return status('off', t('certificate.health.none'));
  if (health === 'ok' && isDemonstration(certificate)) return status('warn', t('certificate.health.demonstration'));
  return status(HEALTH_DOTS[health] || 'warn', t(`certificate.health.${health}`, { n: Math.abs(days) }));
}
