/* The steps of the first run: {name, lead, load?, fields(state), save(state, elements), isFresh?}. What
 * a step saves is thrown as a Problem when the server does not like it. */
import { html, nothing } from '../../vendor/lit.js';
import { api, Problem } from '../api.js';
import { t } from '../i18n.js';
import { apiPath, labelOf, listObjects, rowOfPointer } from '../schema.js';
import { logIn } from '../session.js';
import { icon } from '../ui/icons.js';

const ME = { query: { draft: 'me' } };

const input = ({ id, label, help, type = 'text', value = '', ...rest }) => html`<div class="field">
  <div class="field-head"><label for=${id}>${label}</label></div>
  <input class="control" id=${id} name=${id} type=${type} .value=${value} autocomplete=${rest.autocomplete || 'off'} spellcheck="false"
    autocapitalize="none" placeholder=${rest.placeholder || nothing} minlength=${rest.least || nothing} ?required=${rest.required !== false} aria-describedby="${id}-help">
  <p class="field-help" id="${id}-help">${help}</p></div>`;

const words = (text) => text.split(/[\s,;]+/).filter(Boolean);

/* Makes an object, or puts it over the one that is there. */
async function put(section, key, value, { isThere, query = {} }) {
  if (!isThere) return api.stage('PUT', apiPath(section, key), value, { query, create: true });
  const { etag } = await api.get(apiPath(section, key), { query: { draft: 'me', ...query } });
  return api.stage('PUT', apiPath(section, key), value, { query, etag });
}

export const administratorStep = {
  name: 'setup.step.administrator',
  lead: 'setup.administrator.lead',
  isFresh: true,
  fields: () => html`
    ${input({ id: 'code', label: t('setup.code'), help: t('setup.code_help'), placeholder: 'XXXXX-XXXXX-XXXXX-XXXXX-XXXXX' })}
    ${input({ id: 'user', label: t('login.user'), help: t('setup.user_help'), autocomplete: 'username' })}
    ${input({ id: 'password', label: t('login.password'), help: t('setup.password_help'), type: 'password', autocomplete: 'new-password', least: 8 })}
    ${input({ id: 'again', label: t('setup.again'), help: t('setup.again_help'), type: 'password', autocomplete: 'new-password', least: 8 })}`,
  async save(_, { code, user, password, again }) {
    if (password.value !== again.value) throw new Problem(422, { code: 'setup.passwords_differ' });
    await api.post('/setup', { code: code.value.trim(), user: user.value.trim(), password: password.value }, { quiet: true });
    await logIn(user.value.trim(), password.value);
  },
};

export const hostStep = {
  name: 'setup.step.host',
  lead: 'setup.host.lead',
  async load() {
    const [system, interfaces] = await Promise.all([api.get('/config/system', ME), listObjects('interfaces')]);
    return { system: system.data, etag: system.etag, interfaces };
  },
  fields: ({ system, interfaces }) => {
    const found = rowOfPointer('system', '/hostname');
    return html`${input({ id: 'hostname', label: found ? labelOf(found.path, found.row) : '', help: t('setup.host_help'), value: system?.hostname, placeholder: 'mail.example.com' })}
      ${interfaces?.length > 0 ? html`<label class="tick"><input type="checkbox" name="everywhere" checked><span>${t('setup.host_everywhere', { names: interfaces.map((each) => each.name).join(', ') })}</span></label>` : nothing}`;
  },
  async save({ system, etag, interfaces }, { hostname, everywhere }) {
    const name = hostname.value.trim();
    await api.stage('PATCH', '/config/system', { hostname: name }, { etag });
    if (!everywhere?.checked) return;
    /* Only those that had the old name: one that was named by itself keeps its own. */
    for (const each of interfaces.filter(({ hostname: old }) => old === system.hostname)) {
      await put('interfaces', each.name, { ...each, hostname: name }, { isThere: true });
    }
  },
};

export const domainsStep = {
  name: 'setup.step.domains',
  lead: 'setup.domains.lead',
  async load() {
    const [listeners, rat] = await Promise.all([listObjects('listeners'), listObjects('rat')]);
    const taken = listeners.filter((each) => each.type === 'public').map((each) => each.name);
    const known = rat.filter((each) => each.listener === taken[0] && each.action === 'accept' && each.recipient !== 'ALL').map((each) => each.recipient);
    return { listeners: taken, known, rat };
  },
  fields: ({ listeners = [], known = [] }) => (listeners.length === 0
    ? html`<p class="form-note">${icon('info')}${t('setup.no_listener')} <a href="/ui/listeners?new=1">${t('action.add_listener')}</a></p>`
    : html`<div class="field"><div class="field-head"><label for="domains">${t('setup.domains')}</label></div>
      <textarea class="control code-like" id="domains" name="domains" rows="4" spellcheck="false" placeholder="example.com" .value=${known.join('\n')} aria-describedby="domains-help"></textarea>
      <p class="field-help" id="domains-help">${t('setup.domains_help', { name: listeners.join(', ') })}</p></div>`),
  async save({ listeners, known, rat }, { domains }) {
    const wanted = words(domains?.value || '');
    for (const listener of listeners) {
      for (const recipient of wanted.filter((each) => !known.includes(each))) {
        const isThere = rat.some((each) => each.listener === listener && each.recipient === recipient);
        await put('rat', recipient, { listener, recipient, action: 'accept' }, { isThere, query: { listener } });
      }
    }
  },
};

export const routeStep = {
  name: 'setup.step.route',
  lead: 'setup.route.lead',
  async load() {
    const [rat, routes] = await Promise.all([listObjects('rat'), listObjects('smtp-routes')]);
    const domains = [...new Set(rat.filter((each) => each.action === 'accept' && each.recipient !== 'ALL' && !each.recipient.includes('@')).map((each) => each.recipient))];
    return { domains, routes };
  },
  fields: ({ domains = [] }) => html`
    ${input({ id: 'host', label: t('setup.route_host'), help: t('setup.route_help'), placeholder: 'mailbox.example.com', required: false })}
    ${input({ id: 'port', label: t('setup.route_port'), help: t('setup.route_port_help'), value: '25', required: false })}
    <p class="form-note">${icon('info')}${domains.length > 0 ? t('setup.route_for', { names: domains.join(', ') }) : t('setup.route_none')}</p>`,
  async save({ domains, routes }, { host, port }) {
    const name = host.value.trim();
    if (name === '') return;
    const isAddress = /^[\d.]+$/.test(name) || name.includes(':');
    const literal = name.includes(':') ? `[IPv6:${name}]` : `[${name}]`;
    const target = { host: isAddress ? literal : name, port: Number(port.value) || 25, priority: 0 };
    for (const domain of domains) {
      const isThere = routes.some((each) => each.domain === domain);
      await put('smtp-routes', domain, { domain, targets: [target] }, { isThere });
    }
  },
};
