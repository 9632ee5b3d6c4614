/* A section that is one object: its form is the page. */
import { api } from '../api.js';
import { draft } from '../draft.js';
import { t } from '../i18n.js';
import { apiPath, leadOf, sectionOf, titleOf } from '../schema.js';
import { can } from '../session.js';
import { putCall, stagePut } from '../stage.js';
import { Form } from '../ui/form.js';
import { page } from '../ui/page.js';
import { namesFor } from './object.js';

export function render(root, ctx) {
  const section = sectionOf(ctx.route.section);
  const { name } = section;
  let form = null;

  async function save(value, { etag }, self) {
    await stagePut(name, { value, etag });
    await draft.refresh();
    form = null;
    await self.reload();
  }

  return page(root, ctx, {
    title: titleOf(name),
    lead: leadOf(name),
    narrow: true,
    load: async (signal) => {
      const [read, names] = await Promise.all([api.get(apiPath(name), { signal, query: { draft: 'me' } }), namesFor(section)]);
      return { ...read, names };
    },
    loaded: (data, self) => {
      if (form?.isDirty) return; /* somebody is typing: what they type over is checked by its ETag */
      form = new Form({ section, value: data.data, names: data.names, storage: name, update: self.update,
        pending: draft.find(name, '', '') });
      self.update();
    },
    topics: ['commit'],
    body: (data, self) => form?.template({
      submit: t('action.submit'),
      onSubmit: (value) => save(value, data, self),
      isReadOnly: !can('config:draft'),
      call: (value) => putCall(name, { value }),
    }),
  });
}
