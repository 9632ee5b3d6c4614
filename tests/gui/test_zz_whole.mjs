/* After all others: what was noted of every page of the whole suite (bars 9 and 12). */
import { operationCount } from './lib/openapi.mjs';
import { equal, figure, ok, test } from './lib/suite.mjs';
import { totals } from './lib/watch.mjs';

test('whole: nothing that must not be', async () => {
  figure(9, 'refused by the page\'s policy', totals.policy, '0');
  figure(9, 'errors in the console', totals.console, '0');
  figure(9, 'requests to somebody else', totals.external, '0');
  figure(12, 'requests that are not in openapi.json', `${totals.unknown} of ${totals.requests}`, '0');
  figure(12, 'operations that the pages have used', `${totals.operations.size} of ${operationCount}`, '');
  for (const name of ['policy', 'console', 'external', 'unknown']) equal(totals[name], 0, name);
  ok(totals.requests > 0, 'nothing was asked for');
});
