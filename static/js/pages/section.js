/* A section of the configuration: its objects in a table, one of them in a sheet beside it. Drawn from
 * the schema and sections.js alone; sections whose work needs more have a page of their own.
 *
 *   /ui/listeners                  the table          /ui/listeners/InboundMail   with that one open
 *   /ui/rat?listener=InboundMail   of one listener    /ui/rat?new=1               with an empty form
 *
 * A page made by hand on top of it (hat.js, rat.js, …) calls sectionPage() with what is different:
 *   lead      text under the title
 *   extra     (signal) => …            loaded besides, data.extra
 *   actions   (data, tools) => …       before the button that adds
 *   above     (data, tools) => …       between the page's head and the table;  below: behind it
 *   wrap      (data, shown, tools) => …  around the table
 *   list      (data, rows, tools) => … in the place of the table
 *   arrange   (rows) => rows           another order of the rows
 *   cells     {key: (object, data) => …}     what a column shows
 *   columns   (data) => […]            more of them, each behind the one that `after` names
 *   isFixed   (object) => boolean      what can be changed but not deleted or moved
 *   guard     (value, initial) => Promise<boolean>   asked before an object goes into the draft
 * `tools` is {page, listener(), isWriter, isFixed, hrefOf, remove, move, setListener}. */
import { html, nothing } from '../../vendor/lit.js';
import { api } from '../api.js';
import { draft } from '../draft.js';
import { problemText, t } from '../i18n.js';
import { go, urlWith } from '../router.js';
import { labelOf, leadOf, listObjects, pagePath, placeText, publicFirst, sectionOf, titleOf } from '../schema.js';
import { columnsOf, hintsOf, inheritedOf } from '../sections.js';
import { can } from '../session.js';
import { stageDelete, stageOrder } from '../stage.js';
import { valueText } from '../ui/field.js';
import { icon } from '../ui/icons.js';
import { page } from '../ui/page.js';
import { empty } from '../ui/state.js';
import { Table } from '../ui/table.js';
import { toast } from '../ui/toast.js';
import { ObjectSheet } from './object.js';

/** What a cell shows; an inherited value is muted. */
function cellOf(section, row, from) {
  return (object) => {
    const value = object[row.key];
    const inherited = inheritedOf(section.name, row, value, object[section.key], from());
    if (inherited !== undefined && inherited !== '') {
      return html`<span class="muted" title=${t('field.inherited_from', { from: hintsOf(section.name).inherit.from })}>${valueText(section.name, row, inherited)}</span>`;
    }
    if (value === '' || (row.kind === 'list' && value.length === 0)) return html`<span class="muted">${t('value.dash')}</span>`;
    if (row.kind === 'reference' && value !== row.word) return html`<a class="cell-link" href=${pagePath(row.section, '', value)}>${value}</a>`;
    if (row.kind === 'list') return listCell(row, value);
    return valueText(section.name, row, value);
  };
}

function listCell(row, value) {
  const first = row.item.kind === 'object' ? row.item.rows.find((each) => each.required).key : null;
  const texts = value.slice(0, 3).map((item) => (first ? item[first] : item));
  const rest = value.length - texts.length;
  return html`<span class="cell-list">${texts.join(', ')}${rest > 0 ? html` <span class="muted">${t('value.more', { n: rest })}</span>` : nothing}</span>`;
}

export const render = (root, ctx) => sectionPage(root, ctx);

/** @param {object} more what is different: see above */
export function sectionPage(root, ctx, more = {}) {
  const section = sectionOf(ctx.route.section);
  const { name, key } = section;
  const hints = hintsOf(name);
  const isWriter = can(name === 'certificates' ? 'certificates:write' : 'config:draft');
  const placeOf = (object) => ({ listener: object.listener || '', key: object[key] });
  const isFixed = more.isFixed || ((object) => (hints.fixed || []).includes(object[key]));
  const inheritsFrom = () => frame.data?.objects.find((object) => object[key] === hints.inherit?.from);
  const listener = () => (section.per_listener ? frame.ctx.params.listener || frame.ctx.query.get('listener') || frame.data?.listeners[0] || '' : '');
  const listHref = () => urlWith({ new: '', ...(section.per_listener && { listener: listener() }) }, pagePath(name) + location.search);
  let frame;
  let sheet = null;

  async function remove(objects) {
    try {
      if (await stageDelete(name, objects.map(placeOf))) frame.reload();
    } catch (problem) {
      toast({ text: problemText(problem), kind: 'bad' });
    }
  }

  async function move(object, to) {
    const rows = visible(frame.data);
    const keys = rows.map((each) => each[key]);
    keys.splice(to, 0, ...keys.splice(rows.indexOf(object), 1));
    try {
      const { etag } = await api.get(`/config-order/${name}`, { query: { draft: 'me', listener: listener() } });
      await stageOrder(name, listener(), keys, etag);
      await frame.reload();
    } catch (problem) {
      toast({ text: problemText(problem), kind: 'bad' });
    }
  }

  const hrefOf = (object) => pagePath(name, object.listener, object[key]) + location.search;
  const numeric = (row) => row.kind === 'number';
  const keyRow = section.rows.find((row) => row.key === key);
  const columns = [
    { key, label: labelOf(name, keyRow), text: (object) => object[key], cell: more.cells?.[key] && ((object) => more.cells[key](object, frame.data)) },
    ...columnsOf(section).map((row) => ({
      key: row.key,
      label: labelOf(name, row),
      text: (object) => (row.kind === 'list' ? JSON.stringify(object[row.key]) : valueText(name, row, object[row.key])),
      sort: numeric(row) ? (object) => object[row.key] : undefined,
      cell: more.cells?.[row.key] ? (object) => more.cells[row.key](object, frame.data) : cellOf(section, row, inheritsFrom),
      end: numeric(row),
    })),
  ];
  for (const column of more.columns ? more.columns(() => frame.data) : []) {
    const before = columns.findIndex((each) => each.key === column.after);
    columns.splice(before < 0 ? columns.length : before + 1, 0, column);
  }
  const table = new Table({
    name, label: titleOf(name), columns, update: () => frame.update(),
    rowKey: (object) => placeText(object.listener, object[key]), rowName: (object) => object[key], href: hrefOf,
    mark: (object) => (draft.find(name, object.listener, object[key]) ? 'pending' : ''),
    actions: (object) => [
      { label: t(isWriter ? 'action.edit' : 'action.open'), icon: 'edit', href: hrefOf(object) },
      ...(isWriter && !isFixed(object) ? [{ label: t('action.delete'), icon: 'remove', kind: 'menu-item-bad', onSelect: () => remove([object]) }] : []),
    ],
    bulk: isWriter ? (objects) => {
      const loose = objects.filter((object) => !isFixed(object));
      return html`<button type="button" class="button button-small" ?disabled=${loose.length === 0} @click=${() => remove(loose)}>${t('delete.action_many', { n: loose.length })}</button>`;
    } : undefined,
    move: section.ordered && isWriter ? move : undefined,
    canMove: (object) => !isFixed(object),
  });

  const ofListener = (data) => (section.per_listener ? data.objects.filter((object) => object.listener === listener()) : data.objects);
  const visible = (data) => (more.arrange ? more.arrange(ofListener(data)) : ofListener(data));

  /* The sheet that the address names; kept while it names the same. */
  function openSheet() {
    const { params, query } = frame.ctx;
    const isNew = query.get('new') !== null;
    const wanted = isNew ? 'new' : params.key === undefined ? '' : placeText(params.listener, params.key);
    if (wanted === '' || frame.data === undefined) {
      sheet = null;
    } else if (sheet?.wanted !== wanted) {
      sheet = new ObjectSheet({ section, wanted, isNew, listener: params.listener || listener(), key: params.key,
        isWriter, guard: more.guard, isFixed: frame.data.objects.some((object) => placeText(object.listener || '', object[key]) === wanted && isFixed(object)), update: () => frame.update(), onDone: () => { go(listHref(), { replace: true }); frame.reload(); } });
    }
    return sheet;
  }

  const listenerPicker = (data) => (section.per_listener ? html`<label class="inline-field"><span>${t('field.listener')}</span>
    <select class="control" @change=${(event) => go(urlWith({ listener: event.target.value }, pagePath(name) + location.search))}>
      ${data.listeners.map((each) => html`<option value=${each} .selected=${each === listener()}>${each}</option>`)}</select></label>` : nothing);

  const addButton = () => (isWriter ? html`<a class="button button-primary" data-new href=${urlWith({ new: '1', ...(section.per_listener && { listener: listener() }) }, pagePath(name) + location.search)}>
    ${icon('add')}<span>${t(hints.add || 'action.add')}</span></a>` : nothing);

  const tools = {
    isWriter, isFixed, hrefOf, remove, move, listener,
    setListener: (each) => go(urlWith({ listener: each }, pagePath(name) + location.search)),
    get page() {
      return frame;
    },
  };

  const handle = page(root, ctx, {
    title: titleOf(name),
    lead: more.lead ?? leadOf(name),
    load: async (signal) => {
      const [objects, listeners, extra] = await Promise.all([
        listObjects(name, {}, signal),
        section.per_listener ? listObjects('listeners', {}, signal) : [],
        more.extra?.(signal),
      ]);
      /* Only listeners of a kind that has such a table: private ones and black holes have no RAT. */
      const named = publicFirst(listeners).filter((each) => name !== 'rat' || each.type === 'public').map((each) => each.name);
      return { objects, listeners: named, kinds: Object.fromEntries(listeners.map((each) => [each.name, each.type])), extra };
    },
    topics: ['commit', 'draft'],
    moved: (next, self) => self.update(),
    actions: (data) => html`${more.actions?.(data, tools) ?? nothing}${addButton()}`,
    body: (data) => {
      const rows = visible(data);
      const open = openSheet();
      const shown = more.list ? more.list(data, rows, tools) : table.template(rows, {
        filters: listenerPicker(data),
        empty: empty({ title: t('empty.title', { what: titleOf(name) }), text: leadOf(name), action: addButton() }),
      });
      const whole = more.wrap ? more.wrap(data, shown, tools) : shown;
      return html`${more.above?.(data, tools) ?? nothing}${whole}${open ? open.template(listHref()) : nothing}${more.below?.(data, tools) ?? nothing}`;
    },
  });
  frame = handle.page;
  const off = draft.on(() => frame.update());
  return {
    page: frame,
    update: handle.update,
    end() {
      off();
      handle.end();
    },
  };
}
