/* What a mail flow policy does, in two words with a shape each. */
import { nothing } from '../../vendor/lit.js';
import { tlsWord } from '../pic/shield.js';
import { sectionOf, wordOf } from '../schema.js';
import { status } from '../ui/icons.js';

const NAME = 'mail-flow-policies';
const STATES = { accept: 'ok', relay: 'ok', reject: 'bad', tcprefuse: 'bad' };

const rowOf = (key) => sectionOf(NAME).rows.find((row) => row.key === key);

/** Whether mail comes in by it at all. */
export const takesMail = ({ action }) => STATES[action] === 'ok';

/** @param {{action: string}} policy */
export const actionWord = (policy) => status(STATES[policy.action] || 'off', wordOf(NAME, rowOf('action'), policy.action));

/** Shield and word; nothing where no mail comes in. @param {{action: string, tls: string}} policy */
export const policyTls = (policy) => (takesMail(policy) ? tlsWord(NAME, rowOf('tls'), policy.tls) : nothing);
