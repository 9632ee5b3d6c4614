/* One table for every list: filter and sort in the address, selection, order by mouse and keyboard,
 * a menu of actions a row, cards on narrow screens.
 *
 *   const table = new Table({
 *     name: 'listeners', label: t('section.listeners'), update,
 *     columns: [{ key: 'port', label: 'TCP port', text: (row) => '25', sort: (row) => 25, end: true, cell?: (row) => html`…` }],
 *     rowKey: (row) => row.name, rowName: (row) => row.name, href: (row) => '/ui/listeners/…',
 *     actions: (row) => [{ label, icon, onSelect | href }],      see ui/menu.js
 *     bulk: (rows) => html`…`,          buttons for the rows that are ticked; without it none can be
 *     mark: (row) => 'pending' | '',    a state of the whole row
 *     move: (row, to) => …, canMove: (row) => true,              if the order of rows means something
 *   });
 *   table.template(rows, { filters: html`…`, empty: html`…` })
 *
 * `text` is what the filter looks at and what is shown unless there is `cell`. Filter: ?q=, sort:
 * ?sort=port or ?sort=-port. */
import { html, live, nothing, repeat } from '../../vendor/lit.js';
import { announce } from '../a11y.js';
import { compare, t } from '../i18n.js';
import { setQuery } from '../router.js';
import { icon } from './icons.js';
import { menu } from './menu.js';

const STEP = 200; /* rows drawn at once */

const queryOf = (name) => new URLSearchParams(location.search).get(name) || '';

/** Rows that have all words of the filter in what their columns show. */
export function filterRows(rows, columns, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const hay = columns.map((column) => column.text(row)).join('\n').toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

/** Sorted by a column's `sort` value, else by its text; "-port" is descending. */
export function sortRows(rows, columns, sort) {
  const column = columns.find((each) => each.key === sort.replace(/^-/, ''));
  if (!column) return rows;
  const value = column.sort || column.text;
  const order = (a, b) => (typeof value(a) === 'number' ? value(a) - value(b) : compare(String(value(a)), String(value(b))));
  return [...rows].sort((a, b) => (sort.startsWith('-') ? order(b, a) : order(a, b)));
}

export class Table {
  #ticked = new Set();
  #shown = STEP;
  #dragged = null;

  constructor(given) {
    Object.assign(this, { mark: () => '', canMove: () => true, ...given });
  }

  #head(column, sort) {
    const isUp = sort === column.key;
    const isDown = sort === '-' + column.key;
    const next = isUp ? '-' + column.key : isDown ? '' : column.key;
    return html`<th scope="col" class=${column.end ? 'cell-end' : ''} aria-sort=${isUp ? 'ascending' : isDown ? 'descending' : nothing}>
      <button type="button" class="sort ${isUp ? 'sort-up' : isDown ? 'sort-down' : ''}" @click=${() => setQuery({ sort: next })}>${column.label}${icon('chevron')}</button></th>`;
  }

  #tick(rows, isOn) {
    for (const row of rows) isOn ? this.#ticked.add(this.rowKey(row)) : this.#ticked.delete(this.rowKey(row));
    this.update();
  }

  #shift(row, rows, step) {
    const to = rows.indexOf(row) + step;
    if (to < 0 || to >= rows.length || !this.canMove(rows[to]) || !this.canMove(row)) return;
    announce(t('list.moved', { n: to + 1, of: rows.length }));
    this.move(row, to);
  }

  #onKey(event, row, rows, isOrdered) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.isComposing || event.target.matches('input, select, textarea') || event.target.closest('.menu')) return;
    event.preventDefault();
    if (event.altKey && isOrdered) {
      this.#shift(row, rows, step);
      return;
    }
    const place = event.currentTarget;
    const next = step < 0 ? place.previousElementSibling : place.nextElementSibling;
    next?.querySelector('a, button')?.focus();
  }

  #first(row, column) {
    const inside = column.cell ? column.cell(row) : column.text(row);
    const isPending = this.mark(row) === 'pending';
    return html`<th scope="row" class="cell-name">
      ${this.href ? html`<a href=${this.href(row)}>${inside}</a>` : inside}
      ${isPending ? html`<span class="badge badge-pending">${t('state.pending')}</span>` : nothing}</th>`;
  }

  #actions(row, rows, isOrdered) {
    const name = this.rowName(row);
    const moves = isOrdered && this.canMove(row) ? [
      { label: t('list.up_hint'), icon: 'up', onSelect: () => this.#shift(row, rows, -1) },
      { label: t('list.down_hint'), icon: 'down', onSelect: () => this.#shift(row, rows, 1) },
    ] : [];
    const items = [...(this.actions ? this.actions(row) : []), ...moves];
    if (items.length === 0) return html`<td class="cell-actions"></td>`;
    return html`<td class="cell-actions">${menu({ name: `${this.name}:${this.rowKey(row)}`, label: t('table.actions_of', { name }), content: html`<span class="dots" aria-hidden="true"></span>`, items })}</td>`;
  }

  #row(row, i, rows, isOrdered) {
    const [first, ...rest] = this.columns;
    const canMove = isOrdered && this.canMove(row);
    const onDrop = (event) => {
      event.preventDefault();
      if (this.#dragged && this.canMove(row)) this.move(this.#dragged, i);
      this.#dragged = null;
    };
    return html`<tr class=${this.mark(row) ? 'is-' + this.mark(row) : ''} @keydown=${(event) => this.#onKey(event, row, rows, isOrdered)}
        @dragover=${(event) => this.#dragged && event.preventDefault()} @drop=${onDrop}>
      ${this.bulk ? html`<td class="cell-tick"><label><input type="checkbox" aria-label=${t('table.tick', { name: this.rowName(row) })}
        .checked=${live(this.#ticked.has(this.rowKey(row)))} @change=${(event) => this.#tick([row], event.target.checked)}></label></td>` : nothing}
      ${this.move ? html`<td class="cell-order">${canMove ? html`<span class="grip" draggable="true" aria-hidden="true"
        @dragstart=${() => { this.#dragged = row; }} @dragend=${() => { this.#dragged = null; }}>${icon('grip')}</span>` : nothing}<span class="order">${i + 1}</span></td>` : nothing}
      ${this.#first(row, first)}
      ${rest.map((column) => html`<td data-l=${column.label} class=${column.end ? 'cell-end' : ''}>${column.cell ? column.cell(row) : column.text(row)}</td>`)}
      ${this.actions || this.move ? this.#actions(row, rows, isOrdered) : nothing}</tr>`;
  }

  #bar(rows, found, filters, query) {
    const ticked = rows.filter((row) => this.#ticked.has(this.rowKey(row)));
    return html`<div class="table-bar">
      <form class="filter" role="search" @submit=${(event) => event.preventDefault()}>${icon('search')}
        <input type="search" class="control" data-filter aria-label=${t('table.filter', { what: this.label })} placeholder=${t('table.filter_hint')}
          .value=${live(query)} @input=${(event) => event.isComposing || setQuery({ q: event.target.value })}
          @compositionend=${(event) => setQuery({ q: event.target.value })}></form>
      ${filters || nothing}
      <span class="table-count" role="status">${query ? t('table.found', { n: found.length, of: rows.length }) : t('table.count', { n: rows.length })}</span>
      ${ticked.length > 0 ? html`<div class="table-bulk"><span>${t('table.ticked', { n: ticked.length })}</span>${this.bulk(ticked)}</div>` : nothing}
    </div>`;
  }

  template(rows, { filters, empty } = {}) {
    const query = queryOf('q');
    const sort = queryOf('sort');
    const found = sortRows(filterRows(rows, this.columns, query), this.columns, sort);
    const isOrdered = Boolean(this.move) && query === '' && sort === '';
    const shown = found.slice(0, this.#shown);
    const isAll = found.length > 0 && found.every((row) => this.#ticked.has(this.rowKey(row)));

    if (rows.length === 0) return html`${filters ? html`<div class="table-bar">${filters}</div>` : nothing}${empty || nothing}`;
    return html`${this.#bar(rows, found, filters, query)}
      <div class="table-frame"><table class="table">
        <caption class="visually-hidden">${this.label}</caption>
        <thead><tr>
          ${this.bulk ? html`<th class="cell-tick"><label><input type="checkbox" aria-label=${t('table.tick_all', { n: found.length })} .checked=${live(isAll)}
            @change=${(event) => this.#tick(found, event.target.checked)}></label></th>` : nothing}
          ${this.move ? html`<th class="cell-order"><span class="visually-hidden">${t('list.order')}</span></th>` : nothing}
          ${this.columns.map((column) => this.#head(column, sort))}
          ${this.actions || this.move ? html`<th class="cell-actions"><span class="visually-hidden">${t('table.actions')}</span></th>` : nothing}
        </tr></thead>
        <tbody>${repeat(shown, this.rowKey, (row, i) => this.#row(row, i, found, isOrdered))}</tbody>
      </table>
      ${found.length === 0 ? html`<p class="table-none">${t('table.none', { query })}
        <button type="button" class="button button-small" @click=${() => setQuery({ q: '' })}>${t('table.clear')}</button></p>` : nothing}
      ${shown.length < found.length ? html`<p class="table-more"><button type="button" class="button" @click=${() => { this.#shown += STEP; this.update(); }}>${t('table.more', { n: found.length - shown.length })}</button></p>` : nothing}
      </div>`;
  }
}
