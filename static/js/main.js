/* Where it begins: theme, texts and session, then the frame and the page of the address.
 *
 * The modules, from the ground up:
 *   api live session draft     the gateway, its events, who one is, what is pending
 *   i18n schema sections       words, the schema, what a section's pages know besides
 *   view router routes a11y    drawing, addresses, the table of pages, focus and titles
 *   ui/                        form, table, diff, dialog, sheet, menu, toast: parts that pages use
 *   pages/                     one file a page: render(root, ctx) -> {update?(ctx), end()} */
import { render } from '../vendor/lit.js';
import { focusMain, setTitle } from './a11y.js';
import { api, Problem } from './api.js';
import { draft } from './draft.js';
import { preferredLanguage, setLanguage, t } from './i18n.js';
import { live } from './live.js';
import { go, startRouter } from './router.js';
import { home, match } from './routes.js';
import { loadSchema } from './schema.js';
import { endSession, loadHostname, loadSession, session, setTheme, theme } from './session.js';
import { drawShell, frameFor, watch } from './shell.js';
import { startShortcuts } from './shortcuts.js';
import { closeDialogs } from './ui/dialog.js';
import { empty, failure } from './ui/state.js';
import { dropToastsTo } from './ui/toast.js';

const NOT_FOUND = {
  title: 'state.gone', group: '', scope: '',
  load: async () => ({
    render(root) {
      setTitle(t('state.gone'));
      render(empty({ title: t('state.gone'), text: t('state.gone_do') }), root);
      return {};
    },
  }),
};

const isStart = (pathname) => /^\/(ui\/?)?$/.test(pathname);

/* What address is shown for the one that was asked for; null when another one is on its way. */
async function before(found) {
  closeDialogs();
  if (session.isIn && isStart(location.pathname)) return match(home());
  if (!session.isIn && !found?.route.bare) {
    const next = isStart(location.pathname) ? '' : `?next=${encodeURIComponent(location.pathname + location.search)}`;
    return again(`/ui/login${next}`);
  }
  return found || { route: NOT_FOUND, params: {} };
}

function again(url) {
  go(url, { replace: true });
  return null;
}

function failed(error, root) {
  const problem = error instanceof Problem ? error : new Problem(500, { code: 'page.failed', detail: '' });
  render(failure(problem, () => location.reload()), root);
  if (!(error instanceof Problem)) throw error;
}

function after(ctx, isNew) {
  dropToastsTo(ctx.path);
  if (isNew && !ctx.route.bare) focusMain();
}

/* The session ended under a page: what was typed is kept (ui/form.js), and so is the address. */
function onEnded() {
  if (!session.isIn) return;
  endSession();
  live.end();
  draft.end();
  go(`/ui/login?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`);
}

async function startSession() {
  live.start();
  await Promise.all([loadSchema(), loadHostname(), draft.start()]);
  live.on('commit', () => loadHostname().then(drawShell, () => {}));
}

async function start() {
  setTheme(theme());
  const asked = loadSession().then((isIn) => isIn, (problem) => problem);
  await setLanguage(preferredLanguage());
  const answer = await asked;
  if (answer instanceof Problem) {
    render(failure(answer, () => location.reload()), document.querySelector('#app'));
    return;
  }
  if (answer) await startSession();
  watch();
  api.on('unauthenticated', onEnded);
  startShortcuts();
  await startRouter({ root: frameFor, before, after, failed });
}

start();
