/* System Administration > Configuration File: all of the configuration as one file, with or without its
 * keys, and the way back in (config_load.js). */
import { html, nothing } from '../../vendor/lit.js';
import { api } from '../api.js';
import { t } from '../i18n.js';
import { can, hostName } from '../session.js';
import { apiButton } from '../ui/apicall.js';
import { ask, withProof } from '../ui/ask.js';
import { fileName, saveFile } from '../ui/download.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { newPassphrase, readPassphrase } from '../ui/passphrase.js';
import { problemNotice } from '../ui/state.js';
import { toast } from '../ui/toast.js';
import { Loading } from './config_load.js';

const PASSPHRASE_MIN = 12;

const sealCall = () => ({ method: 'POST', path: '/config-file/seal', body: { passphrase: 'PASSPHRASE' } });

function saved(name) {
  toast({ text: t('file.saved', { name }) });
}

/* Asks for a passphrase and saves the sealed file. */
function seal() {
  const state = {};
  return ask({
    title: t('file.seal_title'), lead: t('file.seal_lead'), action: t('file.seal'), call: sealCall,
    fields: (form) => newPassphrase({ id: 'passphrase', label: t('file.passphrase'), least: PASSPHRASE_MIN, form, state, pointer: '/passphrase', first: true }),
    send: async (elements) => {
      const passphrase = readPassphrase(elements, 'passphrase');
      const { data } = await withProof(() => api.post('/config-file/seal', { passphrase }, { asText: true }));
      const name = fileName(hostName(), 'sealed');
      saveFile(name, data);
      saved(name);
    },
  });
}

/* What is in which file, at a glance. */
const pill = (isIn, text) => html`<li class=${isIn ? 'file-in' : 'file-out'}>${icon(isIn ? 'check' : 'close')}<span>${text}</span></li>`;

export function render(root, ctx) {
  let problem = null;
  let isBusy = false;
  let frame;
  const loading = new Loading(() => frame.update());

  async function download() {
    if (isBusy) return;
    isBusy = true;
    problem = null;
    frame.update();
    try {
      const { data } = await api.get('/config-file', { asText: true });
      const name = fileName(hostName());
      saveFile(name, data);
      saved(name);
    } catch (error) {
      if (error.name !== 'Problem') throw error;
      problem = error;
    }
    isBusy = false;
    frame.update();
  }

  const plain = () => html`<section class="card file-card" aria-labelledby="file-plain">
    <h2 id="file-plain">${t('file.plain_title')}</h2><p class="muted">${t('file.plain_text')}</p>
    <ul class="file-holds">${pill(true, t('file.holds.settings'))}${pill(true, t('file.holds.chains'))}${pill(false, t('file.holds.keys'))}${pill(false, t('file.holds.people'))}</ul>
    ${problem ? problemNotice(problem) : nothing}
    <footer class="file-foot"><button type="button" class="button button-primary" ?disabled=${isBusy} @click=${download}>${icon('down')}<span>${t('file.download')}</span></button>
      ${apiButton(() => ({ method: 'GET', path: '/config-file' }))}</footer></section>`;

  const sealed = () => html`<section class="card file-card" aria-labelledby="file-sealed">
    <h2 id="file-sealed">${t('file.sealed_title')}</h2><p class="muted">${t('file.sealed_text')}</p>
    <ul class="file-holds">${pill(true, t('file.holds.settings'))}${pill(true, t('file.holds.chains'))}${pill(true, t('file.holds.keys'))}${pill(false, t('file.holds.people'))}</ul>
    ${can('certificates:export')
      ? html`<footer class="file-foot"><button type="button" class="button" aria-haspopup="dialog" @click=${seal}>${icon('lock')}<span>${t('file.download_sealed')}</span></button>${apiButton(sealCall)}</footer>`
      : html`<p class="form-note">${icon('lock')}${t('state.needs', { scope: 'certificates:export' })}</p>`}</section>`;

  const handle = page(root, ctx, {
    title: t('page.config-file'), lead: t('file.lead'),
    body: () => html`<div class="file-cards">${plain()}${sealed()}</div>${loading.template()}`,
  });
  frame = handle.page;
  return handle;
}
