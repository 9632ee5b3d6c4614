/* What is noted of every page in the whole suite: requests, what the console says, what the page's
 * policy has refused. Each of these is a failure of the test that it happens in. */
import { API } from './gateway.mjs';
import { findOperation } from './openapi.mjs';

const OWN_FILE = /^\/(ui(\/|$)|favicon\.ico$)/;

export const totals = { requests: 0, external: 0, unknown: 0, console: 0, policy: 0, operations: new Set() };

/* Chromium says in the console what the network panel says too. An API's 4xx is an answer: whether the
 * page deals with it is what tests are about. */
function isAnswer(message) {
  return message.text().startsWith('Failed to load resource: the server responded with a status of 4') &&
    new URL(message.location().url).pathname.startsWith(API + '/');
}

export class Watch {
  /** Of a new context, before it has a page. */
  static async of(context, origin) {
    const watch = new Watch();
    watch.origin = origin;
    watch.problems = [];
    watch.requests = [];
    watch.pending = new Set();
    watch.changedAt = Date.now();
    await context.exposeBinding('posternTestReport', (_, text) => watch.complain('policy', text));
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        window.posternTestReport(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
      });
    });
    context.on('request', (request) => watch.take(request));
    for (const name of ['requestfinished', 'requestfailed']) context.on(name, (request) => watch.end(request));
    // An answer whose body nobody reads never finishes.
    context.on('response', (reply) => {
      if (reply.request().resourceType() === 'fetch') watch.end(reply.request());
    });
    context.on('console', (message) => {
      if (message.type() === 'error' && !isAnswer(message)) watch.complain('console', message.text());
    });
    context.on('weberror', (error) => watch.complain('console', String(error.error())));
    return watch;
  }

  complain(kind, text) {
    totals[kind]++;
    this.problems.push(`${kind}: ${text}`);
  }

  take(request) {
    const url = new URL(request.url());
    const method = request.method();
    if (url.protocol === 'data:' || url.protocol === 'blob:') return;
    totals.requests++;
    this.requests.push({ method, url });
    if (request.resourceType() !== 'eventsource') this.pending.add(request);
    this.changedAt = Date.now();
    if (url.origin !== this.origin) {
      this.complain('external', `${method} ${url}`);
      return;
    }
    if (OWN_FILE.test(url.pathname) && method === 'GET') return;
    const operation = findOperation(method, url.pathname);
    if (operation === null) this.complain('unknown', `${method} ${url.pathname} is not in openapi.json`);
    else totals.operations.add(operation.operationId);
  }

  end(request) {
    this.pending.delete(request);
    this.changedAt = Date.now();
  }

  /** Until the page has asked for nothing for QUIET_MS. A stream of events does not count. */
  async quiet(page, QUIET_MS = 100, LIMIT_MS = 20000) {
    const end = Date.now() + LIMIT_MS;
    while (this.pending.size > 0 || Date.now() - this.changedAt < QUIET_MS) {
      if (Date.now() > end) throw new Error(`still asking: ${[...this.pending].map((each) => each.url())}`);
      await page.waitForTimeout(20);
    }
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  /** Throws what was noted since the last time. */
  check() {
    const problems = this.problems.splice(0);
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }
}
