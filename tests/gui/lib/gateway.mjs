/* A gateway as a child process (launch.py), and its API as a program uses it. */
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import https from 'node:https';
import path from 'node:path';
import readline from 'node:readline';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

export const HERE = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
export const ROOT = path.join(HERE, '..', '..');
export const API = '/api/v1';
const PROVED_MS = 120000; /* a password counts as just entered for five minutes */

/** A login that is old enough for the gateway to ask for the password again before long. */
export const isOld = (atMs) => atMs === undefined || Date.now() - atMs > PROVED_MS;

/* What Chromium is told to trust: the hash of the certificate's public key. With errors merely ignored
 * it would not keep anything in its cache, and a page would be no secure context. */
function publicKeyHash(url) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
      const key = socket.getPeerX509Certificate().publicKey.export({ type: 'spki', format: 'der' });
      socket.end();
      resolve(crypto.createHash('sha256').update(key).digest('base64'));
    });
    socket.on('error', reject);
  });
}

export class Gateway {
  /** @param {string[]} words for launch.py */
  static async start(...words) {
    const gateway = new Gateway();
    gateway.process = spawn('/usr/bin/python3', [path.join(HERE, 'launch.py'), ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    gateway.ended = new Promise((resolve) => gateway.process.on('exit', resolve));
    const lines = readline.createInterface({ input: gateway.process.stdout });
    const first = await Promise.race([new Promise((resolve) => lines.once('line', resolve)), gateway.ended]);
    if (typeof first !== 'string') throw new Error(`the gateway did not start: ${first}`);
    Object.assign(gateway, JSON.parse(first));
    gateway.keyHash = await publicKeyHash(gateway.url);
    return gateway;
  }

  /** The same gateway as somebody else sees it. */
  as(user, password = this.password) {
    const own = { user, password, cookie: undefined, csrf: undefined, loggedInMs: undefined, storedMs: undefined };
    return Object.assign(Object.create(this), own);
  }

  /** Its exit code. */
  stop() {
    this.process.stdin.end();
    return this.ended;
  }

  /** One call: {status, headers, data}. With a session of the administrator's, made at first use. */
  async call(method, where, body, { anonymous = false } = {}) {
    if (!anonymous && isOld(this.loggedInMs)) await this.logIn();
    const headers = { Accept: 'application/json' };
    if (!anonymous && this.cookie) Object.assign(headers, { Cookie: this.cookie, 'X-Postern-CSRF': this.csrf });
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    return this.raw(method, API + where, headers, body === undefined ? undefined : JSON.stringify(body));
  }

  raw(method, where, headers, body) {
    return new Promise((resolve, reject) => {
      const request = https.request(this.url + where, { method, headers, rejectUnauthorized: false, agent: false }, (reply) => {
        const pieces = [];
        reply.on('data', (piece) => pieces.push(piece));
        reply.on('end', () => {
          const bytes = Buffer.concat(pieces);
          const isJson = (reply.headers['content-type'] || '').includes('json');
          resolve({ status: reply.statusCode, headers: reply.headers, bytes, data: isJson ? JSON.parse(bytes) : null });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  async logIn() {
    const reply = await this.call('POST', '/session', { user: this.user, password: this.password }, { anonymous: true });
    if (reply.status !== 200) throw new Error(`login: ${reply.status}`);
    this.cookie = reply.headers['set-cookie'][0].split(';')[0];
    this.csrf = reply.data.csrf;
    this.loggedInMs = Date.now();
  }
}
