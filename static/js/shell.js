/* What stands around every page: the bar at the top, the navigation at the left (a drawer on narrow
 * screens), the line that says when the gateway does not answer. */
import { html, nothing, ref, render } from '../vendor/lit.js';
import { markPending } from './a11y.js';
import { api } from './api.js';
import { draft } from './draft.js';
import { chooseLanguage, currentLanguage, LANGUAGES, t } from './i18n.js';
import { live } from './live.js';
import { redraw } from './router.js';
import { groups, home, routes } from './routes.js';
import { can, hostName, logOut, session, setTheme, theme, THEMES } from './session.js';
import { copyIcon } from './ui/copy.js';
import { modal } from './ui/dialog.js';
import { icon, mark } from './ui/icons.js';
import { menu } from './ui/menu.js';
import { openPending } from './ui/pending.js';
import { showShortcuts } from './shortcuts.js';

const THEME_ICONS = { auto: 'auto', light: 'sun', dark: 'moon' };
const GROUP_ICONS = { monitor: 'monitor', mail: 'policy', network: 'network', system: 'system' };

const app = () => document.querySelector('#app');
let here = null; /* the route that is shown */
let isDrawerOpen = false;

export const pathOfRoute = (route) => route.path.replace(/\/:.*/, '');

async function setLanguageTo(code) {
  await chooseLanguage(code);
  drawShell();
  redraw();
}

const languages = () => html`<div class="segments segments-small" role="group" aria-label=${t('shell.language')}>${LANGUAGES.map((code) => html`
  <button type="button" class="segment-button" lang=${code} aria-pressed=${code === currentLanguage()}
    @click=${() => setLanguageTo(code)}>${t('language.' + code)}</button>`)}</div>`;

const themes = (name) => menu({
  name, label: t('shell.theme'), content: icon(THEME_ICONS[theme()]),
  items: THEMES.map((each) => ({ label: t('theme.' + each), icon: THEME_ICONS[each], checked: each === theme(), onSelect: () => { setTheme(each); drawShell(); } })),
});

async function leave() {
  await logOut();
  location.replace('/ui/login'); /* a fresh document: nothing of the session stays in memory */
}

const userMenu = () => menu({
  name: 'user', label: t('shell.user', { name: session.name }), kind: 'user-button',
  content: html`<span class="avatar" aria-hidden="true" data-letter=${[...session.name][0]?.toUpperCase()}></span><span class="user-name">${session.name}</span>${icon('chevron')}`,
  head: html`<strong>${session.name}</strong><span class="muted">${t('role.' + session.role)}</span>`,
  items: [
    { label: t('page.sessions'), icon: 'monitor', href: '/ui/sessions' },
    { label: t('page.password'), icon: 'lock', href: '/ui/password' },
    { label: t('shell.shortcuts'), icon: 'info', onSelect: showShortcuts },
    { label: t('shell.logout'), icon: 'user', onSelect: leave },
  ],
});

function pendingButton() {
  if (!can('config:read')) return nothing;
  const { count } = draft;
  return html`<button type="button" class="button pending ${count > 0 ? 'pending-some' : ''}" aria-haspopup="dialog" @click=${openPending}>
    ${count > 0 ? html`<span class="pending-count" data-letter=${count}></span>` : icon('check')}<span class="pending-text">${count > 0 ? t('pending.some', { n: count }) : t('pending.none')}</span></button>`;
}

function navigation() {
  return groups.map((group) => {
    const pages = routes.filter((route) => route.group === group && can(route.scope));
    if (pages.length === 0) return nothing;
    return html`<section class="nav-group"><h2>${icon(GROUP_ICONS[group])}${t('nav.' + group)}</h2><ul>${pages.map((route) => html`<li>
      <a href=${pathOfRoute(route)} aria-current=${route === here ? 'page' : nothing}>${t(route.title)}</a></li>`)}</ul></section>`;
  });
}

function closeDrawer() {
  isDrawerOpen = false;
  drawShell();
}

const openDrawer = () => {
  isDrawerOpen = true;
  drawShell();
};

const drawer = () => html`<dialog class="drawer" aria-label=${t('shell.navigation')} @close=${closeDrawer}
    ${ref(modal)}>
  <header class="drawer-head">${brand()}<button type="button" class="icon-button" aria-label=${t('action.close')} @click=${closeDrawer}>${icon('close')}</button></header>
  <nav class="nav" aria-label=${t('shell.navigation')}>${navigation()}</nav>
  <footer class="drawer-foot">${languages()}${themes('theme-drawer')}</footer></dialog>`;

const brand = () => html`<a class="brand" href=${home()} aria-label=${t('shell.home')}>${mark()}<span>${t('shell.product')}</span></a>`;

function banner() {
  if (!api.isReachable) return html`<div class="banner banner-bad" role="alert">${icon('offline')}<span>${t('shell.offline')}</span></div>`;
  return nothing;
}

const template = () => html`<a class="skip" href="#main" @click=${skip}>${t('shell.skip')}</a>
  <header class="topbar">
    <button type="button" class="icon-button only-narrow" aria-label=${t('shell.open_navigation')} @click=${openDrawer}>${icon('bars')}</button>
    ${brand()}
    <span class="host"><span class="host-name">${hostName()}</span>${copyIcon(hostName(), t('shell.copy_host'))}</span>
    <span class="topbar-space"></span>
    ${live.isLive ? nothing : html`<span class="reconnecting" role="status">${icon('clock')}<span>${t('shell.reconnecting')}</span></span>`}
    ${pendingButton()}
    <span class="only-wide topbar-choices">${languages()}${themes('theme')}</span>
    ${userMenu()}
  </header>
  ${banner()}
  <div class="frame">
    <nav class="nav only-wide" aria-label=${t('shell.navigation')}>${navigation()}</nav>
    <main class="main" id="main" tabindex="-1"><div id="page"></div></main>
  </div>
  ${isDrawerOpen ? drawer() : nothing}`;

function skip(event) {
  event.preventDefault();
  document.querySelector('#main').focus();
}

const bare = () => html`<div class="bare-choices">${languages()}${themes('theme-bare')}</div>${banner()}
  <main class="main" id="main" tabindex="-1"><div id="page"></div></main>`;

/** Draws what stands around a page and returns the element that the page is drawn into. */
export function frameFor(route) {
  here = route;
  isDrawerOpen = false;
  drawShell();
  return document.querySelector('#page');
}

export function drawShell() {
  if (here === null) return;
  const isBare = here.bare === true;
  document.body.classList.toggle('is-bare', isBare);
  render(isBare ? bare() : template(), app());
  markPending(draft.count > 0);
}

/** Everything that the shell shows and that changes by itself. */
export function watch() {
  draft.on(drawShell);
  live.on('state', drawShell);
  api.on('reachable', drawShell);
}
