/* Many tabs: HTTP/1.1 gives a browser six connections to a host, and a stream of events takes one (bar
 * 10). */
import { figure, ok, open, test } from './lib/suite.mjs';

const TABS = 12, ANSWER_MS = 1000;

test('tabs: twelve are open, the thirteenth is served', async () => {
  const { page, context, watch, visit } = await open();
  await visit('/ui/');
  for (let i = 1; i < TABS; i++) {
    const other = await context.newPage();
    await other.goto('/ui/');
  }
  await watch.quiet(page);
  const streams = watch.requests.filter(({ url }) => url.pathname.endsWith('/events')).length;
  const last = await context.newPage();
  const start = Date.now();
  await last.goto('/ui/');
  await watch.quiet(last);
  const took = Date.now() - start;
  figure(10, 'the thirteenth tab is there after', `${took} ms`, `< ${ANSWER_MS} ms idle`);
  figure(10, 'streams of events for all of them', streams, '<= 1');
  ok(streams <= 1, `${streams} streams of events`);
});
