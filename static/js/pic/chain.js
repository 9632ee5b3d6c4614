/* A chain of certificates as a picture: each a card, the line from one to the next its signature, at the
 * end the authority that the other side must know by itself. A signature that does not fit is a broken
 * line with a cross and with words. */
import { html, nothing, svg } from '../../vendor/lit.js';
import { callName, keyText, spanText } from '../certs.js';
import { t } from '../i18n.js';

const WIDTH = 340, CARD = 92, GAP = 40, PAD = 14;

/** Cut so that about PX pixels of it remain; Hangul takes a whole em. */
export function fit(text, px, size) {
  let width = 0;
  for (let i = 0; i < text.length; i++) {
    width += text.charCodeAt(i) > 0x1100 ? size : size * 0.54;
    if (width > px) return `${text.slice(0, Math.max(1, i - 1))}…`;
  }
  return text;
}

const titleOf = (cert) => cert.common_name || cert.names[0] || callName(cert.subject);

function kindOf(cert, i) {
  if (i === 0) return t('cert.kind.leaf');
  return t(cert.self_signed ? 'cert.kind.root' : 'cert.kind.intermediate');
}

function card(cert, i, y) {
  const inside = WIDTH - 2 * PAD;
  const state = i === 0 ? 'leaf' : cert.ca ? 'ca' : 'odd';
  return svg`<g transform="translate(0 ${y})"><rect class="chain-card chain-${state}" x="1" y="1" width=${WIDTH - 2} height=${CARD - 2} rx="9"></rect>
    <text class="chain-kind" x=${PAD} y="20">${kindOf(cert, i)}</text>
    <text class="chain-key" x=${WIDTH - PAD} y="20" text-anchor="end">${keyText(cert)}</text>
    <text class="chain-name" x=${PAD} y="41">${fit(titleOf(cert), inside, 14)}</text>
    <text class="chain-line" x=${PAD} y="60">${fit(t('cert.issued_by', { name: callName(cert.issuer) }), inside, 12)}</text>
    <text class="chain-line" x=${PAD} y="78">${fit(spanText(cert), inside, 12)}</text></g>`;
}

/* The authority that did not come with the chain. */
function anchor(cert, y) {
  return svg`<g transform="translate(0 ${y})"><rect class="chain-card chain-anchor" x="1" y="1" width=${WIDTH - 2} height="54" rx="9"></rect>
    <text class="chain-kind" x=${PAD} y="21">${fit(t('cert.kind.anchor'), WIDTH - 2 * PAD, 12)}</text>
    <text class="chain-name" x=${PAD} y="42">${fit(callName(cert.issuer), WIDTH - 2 * PAD, 14)}</text></g>`;
}

function signature(isFitting, y, text) {
  const state = isFitting ? 'ok' : 'bad';
  const glyph = isFitting ? 'm-4 0 3 3 5-6' : 'm-4 -4 8 8m0 -8 -8 8';
  return svg`<g transform="translate(34 ${y})" class="chain-signature chain-${state}"><path d="M0 0v${GAP}" class="chain-path"></path>
    <circle cx="0" cy=${GAP / 2} r="9"></circle><path d=${`M0 ${GAP / 2}${glyph}`} class="chain-glyph"></path>
    <text x="18" y=${GAP / 2 + 4}>${text}</text></g>`;
}

/* A signature that comes back to its own certificate. */
const itself = (y, text) => svg`<g transform="translate(24 ${y})" class="chain-signature chain-itself"><path d="M0 0v12a10 10 0 0 0 20 0v-9" class="chain-path"></path>
  <path d="m16 7 4-5 4 5" class="chain-path"></path><text x="34" y="18">${fit(text, WIDTH - 62, 12)}</text></g>`;

/** Whether each certificate's issuer is the next one's subject: [true, …], one less than certificates. */
export const fits = (chain) => chain.slice(0, -1).map((cert, i) => cert.issuer === chain[i + 1].subject);

function wordsOf(chain, isFitting) {
  const steps = chain.map((cert, i) => {
    const what = `${kindOf(cert, i)}: ${titleOf(cert)}`;
    return i > 0 && !isFitting[i - 1] ? `${t('cert.gap')} ${what}` : what;
  });
  const last = chain.at(-1);
  return [...steps, last.self_signed ? t('cert.by_itself') : `${t('cert.kind.anchor')}: ${callName(last.issuer)}`].join(' → ');
}

/** @param {object[]} chain of a pair, the leaf first */
export function chainPicture(chain) {
  if (chain.length === 0) return nothing;
  const isFitting = fits(chain);
  const last = chain.at(-1);
  const step = CARD + GAP;
  const height = chain.length * step + (last.self_signed ? 2 : 56);
  return html`<svg class="chain" role="img" aria-label=${wordsOf(chain, isFitting)} viewBox="0 0 ${WIDTH} ${height}" width=${WIDTH} height=${height} focusable="false">
    ${chain.slice(0, -1).map((cert, i) => signature(isFitting[i], i * step + CARD, t(isFitting[i] ? 'cert.signed_by' : 'cert.gap')))}
    ${last.self_signed
      ? itself((chain.length - 1) * step + CARD, t(chain.length === 1 ? 'cert.by_itself_text' : 'cert.root_sent'))
      : svg`${signature(true, (chain.length - 1) * step + CARD, t('cert.signed_by'))}${anchor(last, chain.length * step)}`}
    ${chain.map((cert, i) => card(cert, i, i * step))}
  </svg>`;
}
