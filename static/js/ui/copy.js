/* A button that puts a text on the clipboard and says so. */
import { html } from '../../vendor/lit.js';
import { announce } from '../a11y.js';
import { t } from '../i18n.js';
import { icon } from './icons.js';
import { toast } from './toast.js';

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast({ text: t('copy.done') });
    announce(t('copy.done'));
  } catch {
    toast({ text: t('copy.failed'), kind: 'bad' }); /* the browser may forbid it */
  }
}

export const copyButton = (text, label = t('action.copy'), kind = '') => html`<button type="button" class="button ${kind}"
  @click=${() => copy(text)}>${icon('copy')}<span>${label}</span></button>`;

/** The icon alone; LABEL says what is copied. */
export const copyIcon = (text, label) => html`<button type="button" class="icon-button" aria-label=${label} title=${label}
  @click=${() => copy(text)}>${icon('copy')}</button>`;
