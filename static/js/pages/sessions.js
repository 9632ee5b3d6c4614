/* Mine: where I am logged in, and the end of it. At once. */
import { html, nothing } from '../../vendor/lit.js';
import { api, pathOf, Problem } from '../api.js';
import { dateTime, fullTime, problemText, relative, t } from '../i18n.js';
import { apiButton } from '../ui/apicall.js';
import { confirm } from '../ui/dialog.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { notice } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';

/* Names that browsers give themselves, the telling one first: most claim to be several. */
const BROWSERS = [[/Edg\/(\d+)/, 'Edge'], [/Firefox\/(\d+)/, 'Firefox'], [/Chrome\/(\d+)/, 'Chrome'], [/Version\/(\d+).*Safari/, 'Safari']];
const SYSTEMS = [[/Windows/, 'Windows'], [/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']];

/** "Firefox 121, Linux"; what is not known is shown as it came. */
export function agentText(agent) {
  const browser = BROWSERS.map(([pattern, name]) => [pattern.exec(agent), name]).find(([found]) => found);
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent));
  const parts = [browser && `${browser[1]} ${browser[0][1]}`, browser && system && system[1]].filter(Boolean);
  return parts.join(', ') || agent || t('value.dash');
}

const when = (iso) => html`<span><time datetime=${iso} title=${fullTime(iso)}>${dateTime(iso)}</time> <span class="muted">${relative(iso)}</span></span>`;

const columns = () => [
  { key: 'agent', label: t('sessions.agent'), text: (each) => agentText(each.agent),
    cell: (each) => html`<span title=${each.agent}>${agentText(each.agent)}</span>${each.current ? html` <span class="badge badge-pending">${t('sessions.current')}</span>` : nothing}` },
  { key: 'address', label: t('sessions.address'), text: (each) => each.address || '', cell: (each) => each.address || html`<span class="muted">${t('value.dash')}</span>` },
  { key: 'seen', label: t('sessions.seen'), text: (each) => dateTime(each.seen), sort: (each) => Date.parse(each.seen), cell: (each) => when(each.seen) },
  { key: 'created', label: t('sessions.created'), text: (each) => dateTime(each.created), sort: (each) => Date.parse(each.created), cell: (each) => when(each.created) },
  { key: 'ends', label: t('sessions.ends'), text: (each) => dateTime(each.ends), sort: (each) => Date.parse(each.ends), cell: (each) => when(each.ends) },
];

export function render(root, ctx) {
  let frame;

  async function end(sessions) {
    const isSure = await confirm({
      title: t('sessions.end_title', { n: sessions.length }), body: html`<p>${t('sessions.end_text')}</p>`, action: t('sessions.end_action', { n: sessions.length }), kind: 'bad',
    });
    if (!isSure) return;
    try {
      for (const each of sessions) await api.del(pathOf('me', 'sessions', each.id));
      toast({ text: t('sessions.ended', { n: sessions.length }), more: t('now.done') });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast({ text: problemText(problem), kind: 'bad' });
    }
    await frame.reload();
  }

  const table = new Table({
    name: 'sessions', label: t('page.sessions'), columns: columns(), update: () => frame.update(),
    rowKey: (each) => each.id, rowName: (each) => `${agentText(each.agent)}, ${each.address || each.id}`,
    actions: (each) => (each.current ? [] : [{ label: t('sessions.end'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => end([each]) }]),
  });

  const handle = page(root, ctx, {
    title: t('page.sessions'), lead: t('sessions.lead'),
    load: async (signal) => (await api.get('/me/sessions', { signal })).data.items,
    moved: (_, self) => self.update(),
    actions: (sessions) => {
      const others = sessions.filter((each) => !each.current);
      return html`${apiButton(() => ({ method: 'GET', path: '/me/sessions' }))}
        ${others.length > 0 ? html`<button type="button" class="button" @click=${() => end(others)}>${icon('remove')}<span>${t('sessions.end_others')}</span></button>` : nothing}`;
    },
    body: (sessions) => html`${notice('info', html`<p>${t('now.sessions')}</p>`)}${table.template(sessions)}`,
  });
  frame = handle.page;
  return handle;
}
