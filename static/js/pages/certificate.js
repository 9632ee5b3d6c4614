/* One certificate: each of its key pairs as a picture of its chain with the facts beside it, what uses
 * it, and what it can be given to. */
import { html, nothing } from '../../vendor/lit.js';
import { api, Problem } from '../api.js';
import { endsCell, isDemonstration, isSelfSigned, keyText, spanTitle, stateOf, useKind, usePath, useText } from '../certs.js';
import { draft } from '../draft.js';
import { date, problemText, t } from '../i18n.js';
import { go } from '../router.js';
import { apiPath, pagePath, sectionOf, titleOf } from '../schema.js';
import { can } from '../session.js';
import { stageDelete } from '../stage.js';
import { chainPicture, fits } from '../pic/chain.js';
import { apiButton } from '../ui/apicall.js';
import { copyIcon } from '../ui/copy.js';
import { icon, status } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { notice } from '../ui/state.js';
import { toast } from '../ui/toast.js';
import { Assignment } from './certificate_assign.js';
import { ObjectSheet } from './object.js';

/** "9f2c…" in groups that an eye can follow. */
export const grouped = (hex) => hex.replaceAll(':', '').toUpperCase().replace(/(..)(?=.)/g, '$1:');

const fact = (label, value) => html`<div class="fact"><dt>${label}</dt><dd>${value}</dd></div>`;

const copied = (text, label) => html`<span class="copied"><code>${text}</code>${copyIcon(text, label)}</span>`;

function facts(cert, pair) {
  return html`<dl class="cert-facts">
    ${fact(t('cert.names'), cert.names.length > 0 ? html`<ul class="fact-list">${cert.names.map((name) => html`<li>${name}</li>`)}</ul>` : t('cert.no_names'))}
    ${fact(t('cert.subject'), cert.subject || t('value.dash'))}
    ${fact(t('cert.issuer'), cert.self_signed ? t('cert.by_itself') : cert.issuer)}
    ${fact(t('cert.valid'), spanTitle(cert))}
    ${fact(t('cert.keys'), keyText(cert))}
    ${fact(t('cert.serial'), copied(cert.serial, t('cert.copy_serial')))}
    ${fact(t('cert.fingerprint'), copied(grouped(cert.fingerprint), t('cert.copy_fingerprint')))}
    ${fact(t('cert.spki'), copied(pair.spki, t('cert.copy_spki')))}
  </dl>`;
}

function pairCard(pair) {
  const [leaf] = pair.chain;
  const heading = leaf ? keyText(leaf) : pair.type.toUpperCase();
  const isBroken = fits(pair.chain).includes(false);
  return html`<section class="card pair"><h2>${t('cert.pair', { key: heading })}</h2>
    ${leaf ? html`${isBroken ? notice('bad', html`<p>${t('cert.gap_text')}</p>`) : nothing}
      <div class="pair-body"><div class="pair-chain">${chainPicture(pair.chain)}</div>${facts(leaf, pair)}</div>`
    : notice('bad', html`<p>${t('cert.health.unreadable.help')}</p>`)}</section>`;
}

function notices(object) {
  const { health, not_after: end, renew_after: renew } = object.status;
  if (health === 'expired') return notice('bad', html`<p>${t('cert.note.expired', { date: date(end) })}</p>`);
  if (health === 'critical' || health === 'warning') return notice(health === 'critical' ? 'bad' : 'warn', html`<p>${t('cert.note.renew', { date: date(end) })}</p>`);
  if (isDemonstration(object)) return notice('warn', html`<p>${t('cert.demonstration.help')}</p>`);
  if (isSelfSigned(object)) return notice('warn', html`<p>${t('cert.self_signed.help')}</p>`);
  return renew ? html`<p class="muted">${t('cert.note.fine', { date: date(renew) })}</p>` : nothing;
}

function uses(object) {
  const { items, total } = object.status.used_by;
  const rest = total - items.length;
  return html`<section class="card cert-side"><h2>${t('cert.used_by')}</h2>
    ${total === 0 ? html`<p class="muted">${t('cert.unused_text')}</p>` : html`<ul class="use-list">${items.map((use) => html`<li>
      <a href=${usePath(use)}>${useText(use)}</a><span class="muted">${useKind(use)}</span></li>`)}
      ${rest > 0 ? html`<li class="muted">${t('value.more', { n: rest })}</li>` : nothing}</ul>`}</section>`;
}

export function render(root, ctx) {
  const name = ctx.params.key;
  const isWriter = can('certificates:write');
  const here = pagePath('certificates', '', name);
  const assignment = new Assignment(name, () => frame.reload(), () => frame.update());
  let frame;
  let form = null;

  async function load(signal) {
    const [reply] = await Promise.all([
      api.get(apiPath('certificates', name), { signal, query: { draft: 'me' } }),
      assignment.load(signal),
    ]);
    return { object: reply.data, etag: reply.etag };
  }

  async function remove({ etag }) {
    try {
      if (await stageDelete('certificates', [{ key: name, etag }])) go('/ui/certificates');
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast({ text: problemText(problem), kind: 'bad' });
    }
  }

  function editSheet() {
    if (frame.ctx.query.get('edit') === null) {
      form = null;
      return nothing;
    }
    form ||= new ObjectSheet({ section: sectionOf('certificates'), wanted: name, isNew: false, listener: '', key: name, isWriter, isFixed: false,
      update: () => frame.update(), onDone: () => { go(here, { replace: true }); frame.reload(); } });
    return form.template(here);
  }

  const head = ({ object }) => {
    const state = stateOf(object);
    return html`<div class="cert-head"><span class="cert-state">${status(state.dot, state.text)}</span>
      ${draft.find('certificates', '', name) ? html`<span class="badge badge-pending">${t('state.pending')}</span>` : nothing}
      ${endsCell(object)}</div>`;
  };

  const handle = page(root, ctx, {
    title: name, english: '', back: { href: '/ui/certificates', label: titleOf('certificates') },
    load, topics: ['commit', 'draft'],
    moved: (_, self) => self.update(),
    actions: (data) => html`${apiButton(() => ({ method: 'GET', path: apiPath('certificates', name) }))}
      ${isWriter ? html`<button type="button" class="button button-quiet button-danger" aria-label=${t('cert.delete', { name })} @click=${() => remove(data)}>${icon('remove')}<span>${t('action.delete')}</span></button>
        <a class="button" href="${here}?edit=1" aria-label=${t('cert.edit', { name })}>${icon('edit')}<span>${t('action.edit')}</span></a>` : nothing}`,
    body: (data) => html`${head(data)}${notices(data.object)}
      <div class="cert-columns"><div class="pairs">${data.object.status.pairs.map(pairCard)}</div>
        <div class="cert-sides">${uses(data.object)}${assignment.template()}</div></div>${editSheet()}`,
  });
  frame = handle.page;
  return handle;
}
