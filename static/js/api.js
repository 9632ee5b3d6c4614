/* The one place that talks to the gateway. Everything goes to the public API, /api/v1 (docs/api.md).
 *
 *   const { data, etag } = await api.get('/config/system', { query: { draft: 'me' } });
 *   await api.stage('PUT', '/config/system', value, { etag });   into my draft, nothing is live
 *   await api.post('/drafts/me/commit', { comment });
 *
 * A reply that is no success is thrown as a Problem. `api.on(name, fn)` tells what concerns all pages:
 *   unauthenticated   a 401 in the middle of a session
 *   reachable         true/false: the gateway answers or not (no network, or 503)
 *   staged            something went into my draft
 * Every write is remembered (`api.calls`), and curlOf() shows one as a command for a terminal. */

const BASE = '/api/v1';
const REMEMBERED = 30;

/** A problem document (RFC 9457), or what stands for one when there was no answer. */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || document.code);
    this.name = 'Problem';
    this.status = status;
    this.code = document.code || 'internal';
    this.title = document.title || '';
    this.detail = document.detail || '';
    this.requestId = document.request_id || '';
    this.params = document.params || {};
    this.errors = document.errors || [];
    this.retryAfter = document.retry_after || 0;
  }
}

const listeners = new Map();

function tell(name, value) {
  for (const fn of listeners.get(name) || []) fn(value);
}

let csrf = '';
let reachable = true;

function setReachable(is) {
  if (is === reachable) return;
  reachable = is;
  tell('reachable', is);
}

function withQuery(path, query) {
  const given = Object.entries(query || {}).filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (given.length === 0) return path;
  return path + '?' + new URLSearchParams(given).toString();
}

function mediaType(method) {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}

async function problemOf(reply) {
  const type = reply.headers.get('Content-Type') || '';
  let document = { code: 'http.' + reply.status, title: reply.statusText };
  if (type.startsWith('application/problem+json')) {
    try {
      document = await reply.json();
    } catch {
      /* cut off on the way: the status has to do */
    }
  }
  document.retry_after = Number(reply.headers.get('Retry-After')) || 0;
  return new Problem(reply.status, document);
}

async function bodyOf(reply) {
  if (reply.status === 204) return null;
  const type = reply.headers.get('Content-Type') || '';
  return type.startsWith('application/json') ? reply.json() : reply.text();
}

/* Bodies with somebody's passphrase in them are kept nowhere. */
const SECRETS = ['password', 'passphrase', 'old', 'code'];
const isSecret = (body) => body !== null && typeof body === 'object' && SECRETS.some((name) => Object.hasOwn(body, name));

function remember(call) {
  if (isSecret(call.body)) return;
  api.calls.unshift(call);
  api.calls.length = Math.min(api.calls.length, REMEMBERED);
}

/**
 * @param {string} method
 * @param {string} path below /api/v1, its parts percent-encoded
 * @param {{body?: unknown, query?: Record<string, string>, etag?: string, create?: boolean,
 *          signal?: AbortSignal, quiet?: boolean, asText?: boolean}} [options]
 *     etag: If-Match; create: only if nothing is there; quiet: a 401 is the caller's to handle;
 *     asText: the body as it came, for a file
 */
async function request(method, path, options = {}) {
  const url = BASE + withQuery(path, options.query);
  const headers = { Accept: 'application/json' };
  const init = { method, headers, credentials: 'same-origin', cache: 'no-store', signal: options.signal };
  const isWrite = method !== 'GET';

  if (options.body !== undefined) {
    headers['Content-Type'] = mediaType(method);
    init.body = JSON.stringify(options.body);
  }
  if (isWrite && csrf !== '') headers['X-Postern-CSRF'] = csrf;
  if (options.etag) headers['If-Match'] = options.etag;
  if (options.create) headers['If-None-Match'] = '*';

  let reply;
  try {
    reply = await fetch(url, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    setReachable(false);
    throw new Problem(0, { code: 'offline' });
  }
  if (isWrite) remember({ method, path: withQuery(path, options.query), body: options.body, status: reply.status });
  setReachable(reply.status !== 503 || !(await isDown(reply)));
  if (!reply.ok) {
    const problem = await problemOf(reply);
    if (reply.status === 401 && !options.quiet) tell('unauthenticated', problem);
    throw problem;
  }
  return {
    data: options.asText ? await reply.text() : await bodyOf(reply),
    status: reply.status,
    etag: reply.headers.get('ETag') || '',
    changed: reply.headers.get('Postern-Changed') !== 'false',
    draft: reply.headers.get('Postern-Draft') || '',
    revision: Number(reply.headers.get('Postern-Revision')) || 0,
  };
}

/* A 503 with a problem document is the gateway's own answer (a store that is full, say), and the page
 * shows it; one without comes from something in front of it, or from a gateway that is ending. */
async function isDown(reply) {
  return !(reply.headers.get('Content-Type') || '').startsWith('application/problem+json');
}

function quote(text) {
  return "'" + text.replaceAll("'", "'\\''") + "'";
}

/** A call as a command: `$TOKEN` is an API token of the reader's. */
export function curlOf({ method, path, query, body, etag }) {
  const url = location.origin + BASE + withQuery(path, query);
  const lines = [`curl -fsS -X ${method} ${quote(url)}`, `-H "Authorization: Bearer $TOKEN"`];
  if (etag) lines.push(`-H ${quote('If-Match: ' + etag)}`);
  if (body !== undefined && body !== null) {
    lines.push(`-H ${quote('Content-Type: ' + mediaType(method))}`, `-d ${quote(JSON.stringify(body, null, 2))}`);
  }
  return lines.join(' \\\n  ');
}

export const api = {
  calls: [],
  get isReachable() {
    return reachable;
  },
  /** The value that proves that a write comes from this page; it comes with the session. */
  setCsrf(value) {
    csrf = value || '';
  },
  on(name, fn) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(fn);
    return () => listeners.get(name).delete(fn);
  },
  request,
  get: (path, options) => request('GET', path, options),
  post: (path, body, options) => request('POST', path, { ...options, body }),
  put: (path, body, options) => request('PUT', path, { ...options, body }),
  patch: (path, body, options) => request('PATCH', path, { ...options, body }),
  del: (path, options) => request('DELETE', path, options),
  /** A write of configuration into my own draft. Body undefined for DELETE. */
  async stage(method, path, body, options = {}) {
    const reply = await request(method, path, { ...options, body, query: { ...options.query, draft: 'me' } });
    tell('staged', reply);
    return reply;
  },
  /** The stream of events; live.js alone opens it, once a browser. */
  events: (topics) => new EventSource(`${BASE}/events?topics=${topics.join(',')}`),
  /** A file of ours, such as a catalogue. */
  async asset(url) {
    const reply = await fetch(url, { credentials: 'same-origin' });
    if (!reply.ok) throw new Problem(reply.status, { code: 'http.' + reply.status, title: reply.statusText });
    return reply.json();
  },
};

/** A path from parts, each percent-encoded: pathOf('config', 'rat', '.example.net'). */
export function pathOf(...parts) {
  return '/' + parts.map(encodeURIComponent).join('/');
}
