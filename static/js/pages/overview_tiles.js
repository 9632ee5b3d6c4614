/* The parts of the overview that only draw: list of what needs somebody, tiles, shares of TLS. */
import { html, nothing, repeat } from '../../vendor/lit.js';
import { bytes, compact, date, duration, fullTime, number, percent, relative, t } from '../i18n.js';
import { status as state } from '../ui/icons.js';
import { donut, sparkline, swatch } from '../ui/pictures.js';
import { pathOf } from '../api.js';

/* --- what needs somebody --- */

const item = (each) => html`<li class="attention-item attention-${each.kind}">
  <span class="attention-mark">${state(each.kind, html`<span class="visually-hidden">${t('attention.kind.' + each.kind)}</span>`)}</span>
  <p>${t(each.key, each.params)}</p>
  <a class="button button-small" href=${each.href}>${t(each.action, each.actionParams)}</a></li>`;

export const attentionTemplate = (items) => html`<section class="card attention" aria-labelledby="attention-title">
  <h2 id="attention-title">${t('attention.title')}${items.length > 0 ? html` <span class="badge">${number(items.length)}</span>` : nothing}</h2>
  ${items.length === 0 ? html`<p class="attention-none">${state('ok', t('attention.none'))}</p>`
    : html`<ul>${repeat(items, (each) => each.id, item)}</ul>`}</section>`;

/* --- tiles --- */

const short = (n) => (n < 100000 ? number(n) : compact(n));

/**
 * @param {{label: string, value: string, note?: unknown, spark?: number[], href?: string, facts?: [string, string][]}} given
 */
const tile = ({ label, value, note, spark, href, facts = [] }) => html`<li class="card tile">
  <h3>${href ? html`<a href=${href}>${label}</a>` : label}</h3>
  <p class="tile-value">${value}</p>
  ${note ? html`<p class="tile-note">${note}</p>` : nothing}
  ${facts.length > 0 ? html`<dl class="tile-facts">${facts.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>` : nothing}
  ${spark ? sparkline(spark) : nothing}</li>`;

function nextEnd(certificates) {
  const used = certificates.filter((each) => each.status?.not_after && each.status.used_by.items.length > 0);
  return used.sort((a, b) => a.status.not_after.localeCompare(b.status.not_after))[0];
}

function certificateTile(certificates) {
  const next = nextEnd(certificates);
  if (!next) return tile({ label: t('overview.next_end'), value: t('value.dash'), note: t('overview.no_certificate'), href: '/ui/certificates' });
  const { days_left: days, not_after: end } = next.status;
  return tile({
    label: t('overview.next_end'), href: '/ui' + pathOf('certificates', next.name),
    value: days >= 1 ? t('unit.days', { n: days }) : relative(end),
    note: html`<span class="tile-name">${next.name}</span>, <time datetime=${end} title=${fullTime(end)}>${date(end)}</time>`,
  });
}

const oldestText = (oldest) => (oldest ? html`<time datetime=${oldest} title=${fullTime(oldest)}>${t('overview.oldest', { age: relative(oldest) })}</time>` : t('overview.queue_empty'));

export function tilesTemplate({ status: { counters: c }, summary }, series, now) {
  return html`<ul class="tiles">
    ${tile({ label: t('overview.sessions'), value: short(c.sessions), note: t('overview.messages_in', { n: c.messages, size: bytes(c.bytes) }), spark: series.rates('sessions', now) })}
    ${tile({ label: t('overview.recipients'), value: short(c.recipients), note: t('overview.refused', { n: c.recipients_rejected }), spark: series.rates('recipients', now) })}
    ${summary ? tile({ label: t('overview.queued'), href: '/ui/delivery-status', value: short(summary.messages), note: oldestText(summary.oldest), spark: series.levels('queued', now) }) : nothing}
    ${tile({ label: t('overview.delivered'), value: short(c.delivered), note: t('overview.delayed_bounced', { delayed: c.delayed, bounced: c.bounced }), spark: series.rates('delivered', now) })}
  </ul>`;
}

const gatewayTile = ({ readiness, started, uptime_s: uptime, version, revision }) => tile({
  label: t('overview.gateway'),
  value: state(readiness.ready ? 'ok' : 'bad', t(readiness.ready ? 'overview.ready' : 'overview.not_ready')),
  note: html`<time datetime=${started} title=${fullTime(started)}>${t('overview.since', { time: duration(uptime) })}</time>`,
  facts: [[t('overview.version'), version], [t('overview.revision'), html`<a href="/ui/history">${number(revision)}</a>`]],
});

/* --- TLS --- */

const PARTS = [['tls13', 'TLSv1.3'], ['tls12', 'TLSv1.2'], ['old', 'TLSv1.1'], ['old', 'TLSv1.0'], ['old', 'other'], ['failed', 'failed'], ['clear', 'none']];
const partOf = (row) => (row.result === 'success' ? row.version : row.result);

/** [{kind, word, n}] of one direction, those that did not happen left out. */
export function tlsParts(rows, direction) {
  return PARTS.map(([kind, word]) => ({
    kind, word, n: rows.filter((row) => row.direction === direction && partOf(row) === word).reduce((sum, row) => sum + row.count, 0),
  })).filter(({ n }) => n > 0);
}

const partName = (word) => (/^TLSv/.test(word) ? word.replace('v', ' ') : t('overview.tls.' + word));

function tlsCard(rows, direction) {
  const parts = tlsParts(rows, direction);
  const all = parts.reduce((sum, { n }) => sum + n, 0);
  const encrypted = parts.filter(({ kind }) => kind !== 'failed' && kind !== 'clear').reduce((sum, { n }) => sum + n, 0);
  const share = all === 0 ? '' : percent(encrypted / all);
  const title = direction === 'in' ? t('overview.tls_in') : t('overview.tls_out');
  if (all === 0) return html`<section class="card tls-card"><h3>${title}</h3><p class="muted">${t('overview.tls_nothing')}</p></section>`;
  return html`<section class="card tls-card"><h3>${title}</h3>
    <div class="tls-inside">${donut({ label: t('overview.tls_label', { title, share, n: all }), middle: share, below: t('overview.encrypted'), parts })}
      <ul class="legend">${parts.map(({ kind, word, n }) => html`<li>${swatch(kind)}<span>${partName(word)}</span><span class="legend-n">${percent(n / all)}</span></li>`)}</ul></div>
    <details><summary>${t('overview.show_numbers')}<span class="visually-hidden">: ${title}</span></summary><table class="numbers">
      <thead><tr><th scope="col">${t('overview.connection')}</th><th scope="col">${t('overview.count')}</th><th scope="col">${t('overview.share')}</th></tr></thead>
      <tbody>${parts.map(({ word, n }) => html`<tr><th scope="row">${partName(word)}</th><td>${number(n)}</td><td>${percent(n / all)}</td></tr>`)}
        <tr><th scope="row">${t('overview.all')}</th><td>${number(all)}</td><td></td></tr></tbody></table></details></section>`;
}

/** Shares of TLS, and how gateway and certificates are. */
export const statesTemplate = ({ status, certificates }) => html`<div class="states">
  ${tlsCard(status.counters.tls, 'in')}${tlsCard(status.counters.tls, 'out')}
  <ul class="state-tiles">${certificates ? certificateTile(certificates) : nothing}${gatewayTile(status)}</ul></div>`;

/* --- numbers behind the lines --- */

const ROWS = ['sessions', 'messages', 'recipients', 'recipients_rejected', 'delivered', 'delayed', 'bounced', 'connections', 'connection_errors', 'reports'];

export const numbersTemplate = ({ status: { counters } }, series, now) => html`<details class="card numbers-card">
  <summary>${t('overview.show_numbers')}<span class="visually-hidden">: ${t('overview.counters')}</span></summary>
  <table class="numbers"><thead><tr><th scope="col">${t('overview.counter')}</th><th scope="col">${t('overview.minute')}</th><th scope="col">${t('overview.since_start')}</th></tr></thead>
    <tbody>${ROWS.map((name) => html`<tr><th scope="row">${t('overview.counter.' + name)}</th><td>${number(series.total(name, now))}</td><td>${number(counters[name])}</td></tr>`)}</tbody></table></details>`;
