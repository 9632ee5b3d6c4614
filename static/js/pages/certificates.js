/* Network > Certificates: every certificate with its health, who signed it, when it ends, what uses it;
 * above them, the same as a picture of time.
 *
 *   /ui/certificates          the list; ?new=1 with an empty form, ?q= filtered
 *   /ui/certificates/mx1      one of them: certificate.js; ?edit=1 with its form */
import { html, nothing } from '../../vendor/lit.js';
import { focusMain } from '../a11y.js';
import { endsCell, isDemonstration, issuersOf, keysOf, namesOf, stateOf, usesCell, useText } from '../certs.js';
import { draft } from '../draft.js';
import { date, list, problemText, t } from '../i18n.js';
import { go, urlWith } from '../router.js';
import { leadOf, listObjects, pagePath, sectionOf, titleOf } from '../schema.js';
import { can } from '../session.js';
import { stageDelete } from '../stage.js';
import { expiryPicture } from '../pic/expiry.js';
import { apiButton } from '../ui/apicall.js';
import { status } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty, notice } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';
import * as certificate from './certificate.js';
import { ObjectSheet } from './object.js';

const NAMES_SHOWN = 2;

async function load(signal) {
  const [objects, listeners] = await Promise.all([
    listObjects('certificates', {}, signal),
    can('config:read') ? listObjects('listeners', {}, signal) : [],
  ]);
  return { objects, listeners };
}

function some(texts, shown) {
  if (texts.length === 0) return html`<span class="muted">${t('value.dash')}</span>`;
  const rest = texts.length - shown;
  return html`<ul class="cert-list" title=${texts.join(', ')}>${texts.slice(0, shown).map((text) => html`<li>${text}</li>`)}
    ${rest > 0 ? html`<li class="muted">${t('value.more', { n: rest })}</li>` : nothing}</ul>`;
}

const columns = () => [
  { key: 'name', label: t('cert.name'), text: (object) => object.name, cell: (object) => html`<span class="cert-word">${object.name}</span>` },
  { key: 'health', label: t('cert.health'), text: (object) => stateOf(object).text,
    cell: (object) => html`<span title=${stateOf(object).help}>${status(stateOf(object).dot, stateOf(object).text)}</span>` },
  { key: 'names', label: t('cert.names'), text: (object) => namesOf(object).join(' '), cell: (object) => some(namesOf(object), NAMES_SHOWN) },
  { key: 'issuer', label: t('cert.issuer'), text: (object) => issuersOf(object).join(' '), cell: (object) => some(issuersOf(object), 1) },
  { key: 'keys', label: t('cert.keys'), text: (object) => keysOf(object).join(' '), cell: (object) => html`<ul class="cert-list cert-keys">${keysOf(object).map((key) => html`<li>${key}</li>`)}</ul>` },
  { key: 'ends', label: t('cert.ends'), text: (object) => (object.status.not_after ? date(object.status.not_after) : ''),
    sort: (object) => Date.parse(object.status.not_after || 0), cell: endsCell },
  { key: 'uses', label: t('cert.used_by'), text: (object) => object.status.used_by.items.map(useText).join(' '),
    sort: (object) => object.status.used_by.total, cell: usesCell },
];

const laneOf = (object) => ({
  name: object.name, dot: stateOf(object).dot,
  from: Date.parse(object.status.not_before), to: Date.parse(object.status.not_after), renew: Date.parse(object.status.renew_after),
});

function picture(objects) {
  const lanes = objects.filter((object) => object.status.used_by.total > 0 && object.status.not_after).map(laneOf).sort((a, b) => a.to - b.to);
  if (lanes.length === 0) return nothing;
  return html`<section class="card expiry-card" aria-labelledby="expiry-title"><h2 id="expiry-title">${t('expiry.title')}</h2>${expiryPicture(lanes)}</section>`;
}

/* Public listeners whose peers cannot verify what they are shown, or see that it has ended. */
function banner({ objects, listeners }) {
  const served = (object) => listeners.filter((each) => each.type === 'public' && each.certificate === object.name).map((each) => each.name);
  const found = objects.map((object) => ({ object, names: served(object) })).filter(({ names }) => names.length > 0);
  const ended = found.filter(({ object }) => object.status.health === 'expired');
  const demonstrations = found.filter(({ object }) => object.status.health !== 'expired' && isDemonstration(object));
  const link = (object) => html`<a class="button button-small" href=${pagePath('certificates', '', object.name)}>${t('cert.show', { name: object.name })}</a>`;
  return html`${ended.map(({ object, names }) => notice('bad', html`<p><strong>${t('cert.banner.expired', { name: object.name })}</strong></p>
      <p>${t('cert.banner.expired_text', { listeners: list(names) })}</p>`, link(object)))}
    ${demonstrations.map(({ object, names }) => notice('warn', html`<p><strong>${t('cert.banner.demonstration')}</strong></p>
      <p>${t('cert.banner.demonstration_text', { listeners: list(names) })}</p>`, link(object)))}`;
}

const putCall = () => ({
  method: 'PUT', path: '/certificates/NAME', query: { commit: 'now', comment: 'NAME' },
  body: { name: 'NAME', keys: [{ type: 'ecdsa', spki: 'SHA-256 OF THE PUBLIC KEY', chain: '-----BEGIN CERTIFICATE-----\n…' }] },
});

const today = () => html`<aside class="cert-help"><p>${t('cert.help')}</p>
  <p>${t('cert.today')}</p>${apiButton(putCall)}</aside>`;

function listPage(root, ctx) {
  const isWriter = can('certificates:write');
  let frame;
  let form = null;

  async function remove(objects) {
    try {
      if (await stageDelete('certificates', objects.map((object) => ({ key: object.name })))) frame.reload();
    } catch (problem) {
      toast({ text: problemText(problem), kind: 'bad' });
    }
  }

  const hrefOf = (object) => pagePath('certificates', '', object.name);
  const table = new Table({
    name: 'certificates', label: titleOf('certificates'), columns: columns(), update: () => frame.update(),
    rowKey: (object) => object.name, rowName: (object) => object.name, href: hrefOf,
    mark: (object) => (draft.find('certificates', '', object.name) ? 'pending' : ''),
    actions: (object) => [
      { label: t('action.open'), icon: 'link', href: hrefOf(object) },
      ...(isWriter ? [
        { label: t('action.edit'), icon: 'edit', href: `${hrefOf(object)}?edit=1` },
        { label: t('action.delete'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => remove([object]) },
      ] : []),
    ],
  });

  /* A reference's "new" leads here; the page itself has no button for it. */
  function newSheet() {
    if (frame.ctx.query.get('new') === null || !isWriter) {
      form = null;
      return nothing;
    }
    const close = urlWith({ new: '' });
    form ||= new ObjectSheet({ section: sectionOf('certificates'), wanted: 'new', isNew: true, listener: '', isWriter, isFixed: false,
      update: () => frame.update(), onDone: () => { go(urlWith({ new: '' }), { replace: true }); frame.reload(); } });
    return form.template(close);
  }

  const handle = page(root, ctx, {
    title: titleOf('certificates'), lead: leadOf('certificates'), load,
    topics: ['commit', 'draft'],
    moved: (_, self) => self.update(),
    body: (data) => html`${banner(data)}${picture(data.objects)}
      ${table.template(data.objects, { empty: empty({ title: t('cert.empty'), text: t('cert.empty_text'), glyph: 'lock' }) })}
      ${today()}${newSheet()}`,
  });
  frame = handle.page;
  const off = draft.on(() => frame.update());
  return { update: handle.update, end: () => { off(); handle.end(); } };
}

export function render(root, ctx) {
  const draw = (at) => (at.params.key === undefined ? listPage(root, at) : certificate.render(root, at));
  let { key } = ctx.params;
  let shown = draw(ctx);
  return {
    update(next) {
      if (next.params.key === key) {
        shown.update(next);
        return;
      }
      shown.end();
      ({ key } = next.params);
      shown = draw(next);
      focusMain();
    },
    end: () => shown.end(),
  };
}
