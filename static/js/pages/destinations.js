/* Mail Policies > Destination Controls: the table of the schema with the level of TLS as shield and word
 * and what happens when it cannot be kept, the entry Default first, and the global settings, which the
 * vendor keeps here and the configuration in its section `delivery`.
 *
 *   /ui/destination-controls?settings=1   Edit Global Settings */
import { html, nothing } from '../../vendor/lit.js';
import { api } from '../api.js';
import { draft } from '../draft.js';
import { firstOf, t } from '../i18n.js';
import { go, urlWith } from '../router.js';
import { apiPath, labelOf, listObjects, pagePath, sectionOf } from '../schema.js';
import { hintsOf } from '../sections.js';
import { can } from '../session.js';
import { putCall, stagePut } from '../stage.js';
import { tlsWord } from '../pic/shield.js';
import { Form } from '../ui/form.js';
import { icon } from '../ui/icons.js';
import { sheet } from '../ui/sheet.js';
import { certificateState } from './certificate_state.js';
import { sectionPage } from './section.js';

const NAME = 'destination-controls';
const GLOBAL = 'delivery';
const GLOBAL_ROWS = ['certificate']; /* of that section, those that the vendor has here */
const DEFAULT = hintsOf(NAME).fixed[0];

const rowOf = (key) => sectionOf(NAME).rows.find((row) => row.key === key);
const isDefault = ({ domain }) => domain === DEFAULT;
const inherits = ({ tls }) => tls === 'default';

async function loadExtra(signal) {
  const [read, certificates] = await Promise.all([
    api.get(apiPath(GLOBAL), { signal, query: { draft: 'me' } }),
    can('certificates:read') ? listObjects('certificates', {}, signal) : [],
  ]);
  return { ...read, certificates };
}

/* The section's form with the rows that belong here; the others go back as they came. */
class GlobalSettings {
  #form = null;
  #etag = '';

  template(extra, { page, isWriter }) {
    const closeHref = urlWith({ settings: '' });
    if (this.#form === null || (this.#etag !== extra.etag && !this.#form.isDirty)) {
      const whole = sectionOf(GLOBAL);
      this.#etag = extra.etag;
      this.#form = new Form({ section: { ...whole, rows: whole.rows.filter((row) => GLOBAL_ROWS.includes(row.key)) }, value: extra.data,
        names: { certificates: extra.certificates.map((each) => each.name) }, storage: `${GLOBAL}/global`, update: () => page.update(), pending: draft.find(GLOBAL, '', '') });
    }
    const save = async (value) => {
      await stagePut(GLOBAL, { value, etag: this.#etag });
      await draft.refresh();
      this.#form = null;
      go(closeHref, { replace: true });
      page.reload();
    };
    return sheet({ title: t('destination.global.edit'), lead: t('destination.global.lead'), closeHref,
      body: this.#form.template({ submit: t('action.submit'), onSubmit: save, cancel: closeHref, isReadOnly: !isWriter, call: (value) => putCall(GLOBAL, { value }) }) });
  }
}

/* What the vendor shows in a table of its own: one line here. */
function globalCard({ data, certificates }, isWriter) {
  const row = sectionOf(GLOBAL).rows.find((each) => each.key === 'certificate');
  const isPending = draft.find(GLOBAL, '', '')?.fields.some((field) => GLOBAL_ROWS.some((key) => field.pointer === `/${key}`));
  const certificate = certificates.find((each) => each.name === data.certificate);
  return html`<section class="card global-card ${isPending ? 'global-pending' : ''}" aria-labelledby="global-settings">
    <h2 id="global-settings">${t('destination.global')}</h2>
    <p><span class="muted">${labelOf(GLOBAL, row)}</span> ${data.certificate === '' ? html`<span>${t('destination.global.none')}</span>`
      : html`<a href=${pagePath('certificates', '', data.certificate)}>${data.certificate}</a> ${certificate ? certificateState(certificate) : nothing}`}
      ${isPending ? html` <span class="badge badge-pending">${t('state.pending')}</span>` : nothing}</p>
    <a class="button" href=${urlWith({ settings: '1', new: '' }, pagePath(NAME) + location.search)}>${icon('edit')}<span>${t(isWriter ? 'destination.global.edit' : 'destination.global.open')}</span></a>
  </section>`;
}

/** The level that counts for an entry: its own, or that of Default. */
const levelOf = (entry, data) => (inherits(entry) ? data.objects.find(isDefault)?.tls ?? 'none' : entry.tls);

/* The form says it in full (ui/ladder.js). */
const shortFailure = (level) => firstOf([`word.${NAME}.tls.${level}.short`]);

const cells = {
  domain: (entry) => (isDefault(entry) ? html`<span class="locked">${icon('lock')}<span>${DEFAULT}</span></span>` : entry.domain),
  tls: (entry, data) => html`${tlsWord(NAME, rowOf('tls'), levelOf(entry, data), inherits(entry) ? 'muted' : '')}
    ${inherits(entry) ? html`<p class="cell-note">${t('field.inherited_from', { from: DEFAULT })}</p>` : nothing}`,
};

export function render(root, ctx) {
  const settings = new GlobalSettings();
  return sectionPage(root, ctx, {
    extra: loadExtra,
    cells,
    arrange: (rows) => [...rows.filter(isDefault), ...rows.filter((row) => !isDefault(row))],
    columns: (data) => [{ key: 'failure', after: 'tls', label: t('level.fails.column'), text: (entry) => shortFailure(levelOf(entry, data())) }],
    above: (data, tools) => globalCard(data.extra, tools.isWriter),
    below: (data, tools) => (tools.page.ctx.query.get('settings') === null ? nothing : settings.template(data.extra, tools)),
  });
}
