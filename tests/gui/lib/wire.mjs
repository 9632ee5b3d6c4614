/* What a page costs on the wire, as the browser itself counts it. */

/** {count(), bytes(), fromCache(), list} of all requests of PAGE from now on. */
export async function meter(context, page) {
  const session = await context.newCDPSession(page);
  const rows = new Map();
  const row = (id) => {
    if (!rows.has(id)) rows.set(id, { url: '', bytes: 0, isCached: false });
    return rows.get(id);
  };
  await session.send('Network.enable');
  session.on('Network.requestWillBeSent', ({ requestId, request }) => Object.assign(row(requestId), { url: request.url }));
  session.on('Network.requestServedFromCache', ({ requestId }) => Object.assign(row(requestId), { isCached: true }));
  session.on('Network.responseReceived', ({ requestId, response }) => {
    Object.assign(row(requestId), { status: response.status, isCached: response.fromDiskCache || row(requestId).isCached });
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => Object.assign(row(requestId), { bytes: encodedDataLength }));
  const list = () => [...rows.values()];
  return {
    list,
    count: () => list().filter(({ isCached }) => !isCached).length,
    cached: () => list().filter(({ isCached }) => isCached).length,
    bytes: () => list().reduce((sum, { bytes }) => sum + bytes, 0),
    clear: () => rows.clear(),
  };
}

/** First contentful paint, and when something can be operated, ms after the start; for addInitScript. */
export function markInteractive() {
  const look = () => {
    const control = [...document.querySelectorAll('main a[href], main button, main input, main select, h1')].find((each) => each.checkVisibility());
    if (control) performance.mark('postern-test-interactive');
    else requestAnimationFrame(look);
  };
  document.addEventListener('DOMContentLoaded', look);
}

export function times(page) {
  return page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
    interactive: performance.getEntriesByName('postern-test-interactive')[0]?.startTime ?? NaN,
  }));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
