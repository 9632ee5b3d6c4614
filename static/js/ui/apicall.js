/* "Show API call": every form and action can be had as a command, to be copied. */
import { html } from '../../vendor/lit.js';
import { curlOf } from '../api.js';
import { t } from '../i18n.js';
import { copyButton } from './copy.js';
import { dialog } from './dialog.js';
import { icon } from './icons.js';

/**
 * @param {() => {method: string, path: string, query?: object, body?: unknown, etag?: string}} call
 *     asked when the button is pressed, so that it shows what stands in the form then
 */
export function apiButton(call) {
  const show = () => {
    const text = curlOf(call());
    dialog({
      title: t('api.title'),
      size: 'wide',
      body: () => html`<p>${t('api.lead')}</p>
        <pre class="code" tabindex="0">${text}</pre>`,
      actions: (close) => html`<button type="button" class="button" @click=${() => close()}>${t('action.close')}</button>
        ${copyButton(text, t('api.copy'), 'button-primary')}`,
    });
  };
  return html`<button type="button" class="button button-quiet" @click=${show}>${icon('code')}<span>${t('api.show')}</span></button>`;
}
