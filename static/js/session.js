/* Who is logged in and what they may do; the host's name; theme. The server keeps the session, this
 * is a copy of what GET /session said. */
import { api } from './api.js';

const THEME = 'postern.theme';
export const THEMES = ['auto', 'light', 'dark'];

export const session = {
  name: '',
  role: '',
  permissions: [],
  isIn: false,
  hostname: '',
};

function take(data) {
  Object.assign(session, { name: data.user || data.name, role: data.role || '', permissions: data.permissions, isIn: true });
  api.setCsrf(data.csrf);
}

function forget() {
  Object.assign(session, { name: '', role: '', permissions: [], isIn: false, hostname: '' });
  api.setCsrf('');
}

/** May I? A scope of the API, such as `config:commit`; '' asks for nothing. */
export const can = (scope) => !scope || session.permissions.includes(scope);

/** Asks the server; false when nobody is logged in. */
export async function loadSession() {
  try {
    take((await api.get('/session', { quiet: true })).data);
    return true;
  } catch (problem) {
    forget();
    if (problem.status === 401) return false;
    throw problem;
  }
}

export async function logIn(user, password) {
  take((await api.post('/session', { user, password }, { quiet: true })).data);
}

export async function logOut() {
  try {
    await api.del('/session', { quiet: true });
  } finally {
    forget();
  }
}

export const endSession = forget;

export async function loadHostname() {
  if (!can('config:read')) return;
  session.hostname = (await api.get('/config/system')).data.hostname;
}

/** The name of this gateway as far as it is known. */
export const hostName = () => session.hostname || location.hostname;

export function theme() {
  const chosen = localStorage.getItem(THEME);
  return THEMES.includes(chosen) ? chosen : 'auto';
}

export function setTheme(name) {
  localStorage.setItem(THEME, name);
  document.documentElement.dataset.theme = name;
}
