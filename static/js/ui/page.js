/* The frame of every page: title, one plain sentence, actions at the right, and the states that any
 * page can be in. A page gives what to load and how to draw it; this does the rest.
 *
 *   export function render(root, ctx) {
 *     return page(root, ctx, {
 *       title: t('page.overview'), english: 'Overview', lead: t('overview.lead'),
 *       load: async (signal, ctx) => (await api.get('/status', { signal })).data,
 *       actions: (data, page) => html`…`,
 *       body: (data, page) => html`…`,
 *       topics: ['counters'],          load again at these events of the stream
 *       moved: (ctx, page) => …,       the address changed within the page (default: load if the path did)
 *     });
 *   }
 *
 * page.update() draws again, page.reload() loads again (what is shown stays until it comes), page.ctx
 * is where one is. What comes late, after the page has gone, is dropped. */
import { html, nothing } from '../../vendor/lit.js';
import { setTitle } from '../a11y.js';
import { clock, currentLanguage, t } from '../i18n.js';
import { live } from '../live.js';
import { can } from '../session.js';
import { view } from '../view.js';
import { icon } from './icons.js';
import { failure, noPermission, notice, skeleton } from './state.js';

const PATIENCE_MS = 300; /* shorter waits show nothing at all */

/** Title, and in Korean the English name in brackets: a guide in either language can be followed. */
const titleTemplate = (title, english) => html`<h1>${title}${
  english && currentLanguage() !== 'en' && english !== title ? html` <span class="page-english" lang="en">(${english})</span>` : nothing}</h1>`;

export function page(root, ctx, given) {
  let data;
  let problem = null;
  let isSlow = false;
  let loaded = 0;
  let abort = new AbortController();
  const isAllowed = can(ctx.route.scope);

  const textOf = (what) => (typeof what === 'function' ? what(data, self) : what);

  function content() {
    if (!isAllowed) return noPermission(ctx.route.scope);
    if (problem !== null && data === undefined) return failure(problem, self.reload);
    if (given.load && data === undefined) return isSlow ? skeleton() : nothing;
    const stale = problem === null ? nothing : notice('warn', t('state.stale', { time: clock(loaded) }),
      html`<button type="button" class="button button-small" @click=${self.reload}>${t('action.retry')}</button>`);
    return html`${stale}${given.body(data, self)}`;
  }

  const template = () => html`<div class="page ${given.narrow ? 'page-narrow' : ''}">
    <header class="page-head">
      <div class="page-title">
        ${given.back ? html`<a class="page-back" href=${given.back.href}>${icon('back')}${given.back.label}</a>` : nothing}
        ${titleTemplate(textOf(given.title), given.english ?? ctx.route.english)}
        ${given.lead ? html`<p class="page-lead">${textOf(given.lead)}</p>` : nothing}
      </div>
      ${given.actions && isAllowed && (data !== undefined || !given.load)
        ? html`<div class="page-actions">${given.actions(data, self)}</div>` : nothing}
    </header>
    ${content()}
  </div>`;

  async function load() {
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    const timer = setTimeout(() => {
      isSlow = true;
      self.update();
    }, PATIENCE_MS);
    try {
      const got = await given.load(signal, self.ctx);
      if (signal.aborted) return;
      data = got;
      problem = null;
      loaded = Date.now();
    } catch (error) {
      if (error.name === 'AbortError' || signal.aborted) return;
      if (error.name !== 'Problem') throw error;
      problem = error;
    } finally {
      clearTimeout(timer);
    }
    self.update();
    given.loaded?.(data, self);
  }

  const self = {
    ctx,
    update: () => {},
    reload: () => (given.load && isAllowed ? load() : Promise.resolve()),
    get data() {
      return data;
    },
  };
  setTitle(textOf(given.title));
  self.update = view(root, template);
  const offs = (given.topics || []).map((topic) => live.on(topic, () => self.reload()));
  self.reload();

  return {
    page: self,
    /* The same page at another address: a filter, a sheet. Unless it says otherwise it loads again
     * only when it shows something else. */
    update(next) {
      const isSame = next.path === self.ctx.path;
      self.ctx = next;
      if (given.moved) given.moved(next, self);
      else if (isSame) self.update();
      else self.reload();
    },
    end() {
      abort.abort();
      for (const off of offs) off();
      given.end?.();
      self.update.end();
    },
  };
}
