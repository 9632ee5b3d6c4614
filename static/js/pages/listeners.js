/* Network > Listeners: above the table each listener as a card, with the way that a message takes through
 * it and the state of the certificate that it shows. */
import { html, nothing } from '../../vendor/lit.js';
import { draft } from '../draft.js';
import { t } from '../i18n.js';
import { flow } from '../pic/flow.js';
import { shield } from '../pic/shield.js';
import { listObjects, pagePath, publicFirst, sectionOf, wordHelpOf, wordOf } from '../schema.js';
import { can } from '../session.js';
import { icon, status } from '../ui/icons.js';
import { certificateState } from './certificate_state.js';
import { takesMail } from './policy_words.js';
import { sectionPage } from './section.js';

const NAME = 'listeners';

const typeRow = () => sectionOf(NAME).rows.find((row) => row.key === 'type');
const withListener = (page, name) => `/ui/${page}?${new URLSearchParams({ listener: name })}`;

async function loadExtra(signal) {
  const names = ['interfaces', 'sender-groups', 'mail-flow-policies', 'rat'];
  const [interfaces, groups, policies, rat, certificates] = await Promise.all([
    ...names.map((name) => listObjects(name, {}, signal)),
    can('certificates:read') ? listObjects('certificates', {}, signal) : null,
  ]);
  return { interfaces, groups, policies, rat, certificates };
}

function endpointOf(listener, interfaces) {
  const found = interfaces.find(({ name }) => name === listener.interface);
  const address = found?.address ?? listener.interface;
  return address.includes(':') ? `[${address}]:${listener.port}` : `${address}:${listener.port}`;
}

function certificateLine(listener, certificates) {
  if (listener.certificate === '') return status('warn', t('listener.no_tls'));
  const found = certificates?.find(({ name }) => name === listener.certificate);
  return html`<a href=${pagePath('certificates', '', listener.certificate)}>${listener.certificate}</a>
    ${found ? certificateState(found) : certificates === null ? nothing : status('bad', t('reference.missing', { name: '' }))}`;
}

function stagesOf(listener, { interfaces, groups, policies, rat }) {
  const { name, type } = listener;
  const own = groups.filter((group) => group.listener === name);
  const used = new Set(own.map((group) => group.policy));
  const entries = rat.filter((entry) => entry.listener === name);
  const takers = policies.filter((policy) => used.has(policy.name) && takesMail(policy));
  const accepted = entries.filter((entry) => entry.action === 'accept');
  const isPublic = type === 'public';
  return [
    { glyph: 'internet', title: t(isPublic ? 'listener.flow.internet' : 'listener.flow.hosts'), lines: [] },
    { glyph: 'listener', title: name, href: pagePath(NAME, '', name), lines: [html`<code>${endpointOf(listener, interfaces)}</code>`,
      html`<span class="tls-word">${shield(listener.certificate === '' ? 'off' : 'preferred')}<span>${t(listener.certificate === '' ? 'listener.no_starttls' : 'listener.starttls')}</span></span>`] },
    { glyph: 'hat', title: t('listener.flow.hat'), href: withListener('sender-groups', name), lines: [t('listener.flow.groups', { n: own.length })] },
    { glyph: 'policy', title: t('section.mail-flow-policies'), href: '/ui/mail-flow-policies', lines: [t('listener.flow.policies', { n: used.size }), t('listener.flow.takers', { n: takers.length })] },
    ...(isPublic ? [{ glyph: 'rat', title: t('listener.flow.rat'), href: withListener('rat', name), lines: [t('listener.flow.entries', { n: entries.length }), t('listener.flow.accepted', { n: accepted.length })] }]
      : [{ glyph: 'rat', title: t('listener.flow.rat'), lines: [t('listener.flow.no_rat')], isOff: true }]),
    type === 'blackhole' ? { glyph: 'away', title: t('listener.flow.away'), lines: [t('listener.flow.counted')] }
      : { glyph: 'queue', title: t('listener.flow.queue'), lines: [t('listener.flow.on_disk')] },
  ];
}

function card(listener, extra) {
  const isPending = draft.find(NAME, '', listener.name) !== undefined;
  return html`<article class="card listener-card ${isPending ? 'listener-pending' : ''}">
    <header class="listener-head"><h2><a href=${pagePath(NAME, '', listener.name)}>${listener.name}</a></h2>
      <span class="badge">${wordOf(NAME, typeRow(), listener.type)}</span>${isPending ? html`<span class="badge badge-pending">${t('state.pending')}</span>` : nothing}
      <span class="listener-certificate">${icon('lock')}${certificateLine(listener, extra.certificates)}</span></header>
    <p class="muted">${wordHelpOf(NAME, typeRow(), listener.type)}</p>
    ${flow(stagesOf(listener, extra), t('listener.flow', { name: listener.name }))}
  </article>`;
}

export const render = (root, ctx) => sectionPage(root, ctx, {
  extra: loadExtra,
  above: (data) => html`<div class="listener-cards">${publicFirst(data.objects).map((listener) => card(listener, data.extra))}</div>`,
});
