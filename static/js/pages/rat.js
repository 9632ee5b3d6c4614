/* Mail Policies > Recipient Access Table: the table of the schema, the question whether a recipient would
 * be taken, and a guard before the one entry that would make an open relay. */
import { html, nothing } from '../../vendor/lit.js';
import { t } from '../i18n.js';
import { hostName } from '../session.js';
import { dialog } from '../ui/dialog.js';
import { icon, status } from '../ui/icons.js';
import { Question } from '../ui/question.js';
import { sectionOf, wordOf } from '../schema.js';
import { sectionPage } from './section.js';

const NAME = 'rat';
const ALL = 'ALL';

const rowOf = (key) => sectionOf(NAME).rows.find((row) => row.key === key);
const isAll = (entry) => entry.recipient.toUpperCase() === ALL;
const accepts = (entry) => entry.action === 'accept';

const ratQuestion = (update) => new Question({
  name: 'recipient',
  path: '/tests/rat',
  update,
  title: t('rat.test.title'),
  placeholder: 'someone@example.com',
  help: (listener) => t('rat.test.help', { listener }),
  body: (recipient, listener) => ({ listener, recipient }),
  check: (recipient) => (recipient.includes('@') || /^postmaster$/i.test(recipient) ? '' : 'value.mail_address'),
  sentence: (answer) => t(answer.accepted ? 'rat.test.accepted' : 'rat.test.refused'),
  card: (answer) => html`<p>${status(answer.accepted ? 'ok' : 'bad', t(answer.accepted ? 'rat.test.accepted' : 'rat.test.refused'))}</p>
    <p class="muted">${answer.entry ? html`${t('rat.test.entry')} <code>${answer.entry}</code>` : t(answer.accepted ? 'rat.test.standard' : 'rat.test.no_entry')}</p>`,
});

/* The host's name has to be typed: nobody opens a relay by a slip. */
async function confirmOpenRelay() {
  const name = hostName();
  let typed = '';
  let redraw;
  const input = (event) => {
    typed = event.target.value.trim();
    redraw();
  };
  const answer = await dialog({
    title: t('rat.relay.title'),
    onDraw: (draw) => { redraw = draw; },
    body: (close) => html`<p>${t('rat.relay.body')}</p><p>${t('rat.relay.still')}</p>
      <form id="relay-form" @submit=${(event) => { event.preventDefault(); if (typed === name) close(true); }}>
      <label class="field" for="relay-name"><span>${t('rat.relay.type')} <code>${name}</code></span>
      <input class="control" id="relay-name" autocomplete="off" spellcheck="false" @input=${input}></label></form>`,
    actions: (close) => html`<button type="button" class="button" @click=${() => close(false)}>${t('action.cancel')}</button>
      <button class="button button-bad" form="relay-form" ?disabled=${typed !== name}>${t('rat.relay.do')}</button>`,
  });
  return answer === true;
}

const dash = () => html`<span class="muted">${t('value.dash')}</span>`;

const cells = {
  recipient: (entry) => (isAll(entry) ? html`<span class="locked">${icon('lock')}<span>${t('rat.all')}</span></span>` : entry.recipient),
  action: (entry) => html`${status(!accepts(entry) ? 'bad' : isAll(entry) ? 'warn' : 'ok', wordOf(NAME, rowOf('action'), entry.action))}
    ${isAll(entry) ? html`<p class="cell-note">${t(accepts(entry) ? 'rat.all.accept' : 'rat.all.reject')}</p>` : nothing}`,
  reply_code: (entry) => (accepts(entry) ? dash() : String(entry.reply_code)),
  reply_text: (entry) => (accepts(entry) || entry.reply_text === '' ? dash() : entry.reply_text),
};

export function render(root, ctx) {
  const question = ratQuestion(() => page.page.update());
  const page = sectionPage(root, ctx, {
    cells,
    isFixed: isAll,
    guard: async (value, initial) => {
      const isOpening = isAll(value) && accepts(value) && !(initial && isAll(initial) && accepts(initial));
      return !isOpening || confirmOpenRelay();
    },
    wrap: (data, shown, tools) => {
      const listener = tools.listener();
      if (listener === '') return shown;
      question.ask(tools.page.ctx.query.get('recipient'), listener);
      return html`<div class="split"><div class="split-main">${shown}</div><aside class="split-side">${question.template(listener)}</aside></div>`;
    },
  });
  return page;
}
