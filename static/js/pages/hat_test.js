/* "Which sender group matches this address?": the question, its answer in words, and the answer as a walk
 * down the ladder. */
import { html, nothing } from '../../vendor/lit.js';
import { t } from '../i18n.js';
import { pagePath, sectionOf, wordHelpOf } from '../schema.js';
import { Question } from '../ui/question.js';
import { isAddress } from '../validate.js';
import { actionWord, policyTls } from './policy_words.js';

const POLICIES = 'mail-flow-policies';

const rowOf = (key) => sectionOf(POLICIES).rows.find((row) => row.key === key);

const fact = (term, content) => html`<div><dt>${term}</dt><dd>${content}</dd></div>`;

function card(answer) {
  if (!answer.found) return html`<p>${t('hat.test.none')}</p>`;
  const tls = policyTls(answer);
  return html`<dl class="test-facts">
    ${fact(t('section.sender-groups.one'), html`<strong>${answer.group}</strong> <code>${answer.pattern}</code>`)}
    ${fact(t('section.mail-flow-policies.one'), html`<a href=${pagePath(POLICIES, '', answer.policy)}>${answer.policy}</a>`)}
    ${fact(t('hat.test.then'), html`${actionWord(answer)}<p class="muted">${wordHelpOf(POLICIES, rowOf('action'), answer.action)}</p>`)}
    ${tls === nothing ? nothing : fact(t('group.tls'), html`${tls}<p class="muted">${wordHelpOf(POLICIES, rowOf('tls'), answer.tls)}</p>`)}</dl>`;
}

export const hatQuestion = (update) => new Question({
  name: 'ip',
  path: '/tests/hat',
  update,
  isFilter: true,
  title: t('hat.test.title'),
  placeholder: '203.0.113.9',
  help: (listener) => t('hat.test.help', { listener }),
  body: (ip, listener) => ({ listener, ip }),
  check: (ip) => (isAddress(ip) ? '' : 'value.ip'),
  sentence: (answer) => (answer.found ? t('hat.test.found', { group: answer.group, policy: answer.policy }) : t('hat.test.none')),
  card,
});

/**
 * What became of the address at each of these groups.
 * @param {{text: string, now: object, after: object | null} | null} answers
 * @param {'now'|'after'} which
 * @returns {{state: 'no'|'match'|'unseen', text: string, pattern?: string}[] | null}
 */
export function walkOf(answers, which, groups) {
  if (answers === null) return null;
  const { text: ip, now, after } = answers;
  const answer = which === 'after' ? after ?? now : now;
  const at = answer.found ? groups.findIndex(({ name }) => name === answer.group) : groups.length;
  if (at < 0) return null; /* the ladder is just being loaded again */
  return groups.map((group, i) => {
    if (i < at) return { state: 'no', text: t('hat.walk.no', { ip }) };
    if (i === at) return { state: 'match', text: t('hat.walk.match', { ip }), pattern: answer.pattern };
    return { state: 'unseen', text: t('hat.walk.unseen') };
  });
}
