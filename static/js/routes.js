/* Every page. The router, the navigation, the shortcuts and the tests read this table.
 *
 *   path     its address; `:name` is one part, `:name?` one that may be absent
 *   title    catalogue key of its name
 *   english  its English name, the vendor's where there is one: Korean pages show it in brackets
 *   keys     the letter that leads here after `g`, '' or absent for none
 *   group    heading of the navigation it stands under, '' for pages that are not in it
 *   scope    what one must be permitted to see it, '' for nothing
 *   section  section of the schema that a page drawn from it shows
 *   bare     true: without top bar and navigation, and without a session
 *   load     its module: render(root, ctx) -> {update?(ctx), end()}
 *
 * The order is the navigation's. A hand-made page takes the place of a section's by its `load`. */
const section = () => import('./pages/section.js');
const settings = () => import('./pages/settings.js');

/** A page drawn from the schema. */
const drawn = (name, group, english, keys, more) => ({
  path: `/ui/${name}/:key?`, title: `section.${name}`, english, group, keys, scope: 'config:read', section: name, load: section, ...more,
});
/** The same where an object's name is one of its listener's. */
const drawnByListener = (name, ...rest) => ({ ...drawn(name, ...rest), path: `/ui/${name}/:listener?/:key?` });
/** One form. */
const single = (name, ...rest) => ({ ...drawn(name, ...rest), path: `/ui/${name}`, load: settings });
/** One that is made by hand. */
const made = (name, group, english, keys, load, more) => ({
  path: `/ui/${name}`, title: `page.${name}`, english, group, keys, scope: 'config:read', load, ...more,
});
/** One for which nobody has to be logged in. */
const bare = (name, english, load) => made(name, '', english, '', load, { scope: '', bare: true });

export const routes = [
  made('overview', 'monitor', 'Overview', 'o', () => import('./pages/overview.js'), { scope: 'metrics:read' }),
  made('delivery-status', 'monitor', 'Delivery Status', 'q', () => import('./pages/delivery_status.js'), { path: '/ui/delivery-status/:domain?/:mid?', scope: 'queue:read' }),

  drawnByListener('sender-groups', 'mail', 'HAT Overview', 'h', { load: () => import('./pages/hat.js') }),
  drawn('mail-flow-policies', 'mail', 'Mail Flow Policies', 'p', { load: () => import('./pages/policies.js') }),
  drawnByListener('rat', 'mail', 'Recipient Access Table (RAT)', 'r', { load: () => import('./pages/rat.js') }),
  drawn('destination-controls', 'mail', 'Destination Controls', 'd', { load: () => import('./pages/destinations.js') }),

  drawn('interfaces', 'network', 'IP Interfaces', 'i'),
  drawn('listeners', 'network', 'Listeners', 'l', { load: () => import('./pages/listeners.js') }),
  drawn('smtp-routes', 'network', 'SMTP Routes', 's'),
  single('dns', 'network', 'DNS'),
  single('delivery', 'network', 'Delivery'),
  drawn('bounce-profiles', 'network', 'Bounce Profiles', 'b'),
  drawn('certificates', 'network', 'Certificates', 'c', { scope: 'certificates:read', load: () => import('./pages/certificates.js') }),
  drawn('trust-lists', 'network', 'Certificate Authorities'),

  single('system', 'system', 'System Settings'),
  made('logs', 'system', 'Logs', 'm', () => import('./pages/logs.js'), { path: '/ui/mail-logs', scope: 'logs:read' }),
  single('logs', 'system', 'Log Subscriptions'),
  made('config-file', 'system', 'Configuration File', 'f', () => import('./pages/config_file.js')),
  made('history', 'system', 'Configuration History', 'y', () => import('./pages/history.js')),
  made('users', 'system', 'Users', 'u', () => import('./pages/users.js'), { scope: 'users:write' }),
  made('tokens', 'system', 'API Tokens', 'k', () => import('./pages/tokens.js'), { scope: '' }),
  made('audit', 'system', 'Audit Log', 'a', () => import('./pages/audit.js'), { scope: 'users:write' }),

  made('changes', '', 'Review Changes', 'v', () => import('./pages/changes.js')),
  made('sessions', '', 'My Sessions', '', () => import('./pages/sessions.js'), { scope: '' }),
  made('password', '', 'Change Passphrase', '', () => import('./pages/password.js'), { scope: '' }),
  bare('login', 'Login', () => import('./pages/login.js')),
  bare('setup', 'First Setup', () => import('./pages/setup.js')),
];

/** Headings of the navigation, in the vendor's order; one without pages is not shown. */
export const groups = ['monitor', 'mail', 'network', 'system'];

/** Where `/ui/` leads: the first page of the navigation. */
export const home = () => routes.find((route) => route.group !== '').path.replace(/\/:.*/, '');

/** @returns {{route: object, params: Record<string, string>} | null} */
export function match(pathname) {
  const parts = pathname.replace(/\/+$/, '').split('/');
  for (const route of routes) {
    const wanted = route.path.split('/');
    const params = {};
    const fits = wanted.every((word, i) => {
      if (!word.startsWith(':')) return word === parts[i];
      if (parts[i] === undefined) return word.endsWith('?');
      params[word.replace(/[:?]/g, '')] = decode(parts[i]);
      return parts[i] !== '';
    });
    if (fits && parts.length <= wanted.length) return { route, params };
  }
  return null;
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
