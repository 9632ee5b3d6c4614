/* The last minute in the browser: counters as they came with events, and what they say of each second.
 * Counters only grow; one that has fallen belongs to a gateway that was started again.
 *
 *   series.add({ sessions: 12 })          since the start of the gateway
 *   series.rates('sessions')              60 numbers, the newest last: how many in each second
 *   series.levels('messages')             60 numbers: how many there were */
export const SECONDS = 60;

export class Series {
  #samples = []; /* {at: second, values}, oldest first */

  add(values, now = Date.now()) {
    const at = Math.floor(now / 1000);
    const last = this.#samples.at(-1);
    const merged = { ...last?.values, ...values };
    if (last?.at === at) last.values = merged;
    else this.#samples.push({ at, values: merged });
    /* One that is older is kept: it says where the minute began. */
    while (this.#samples.length > 1 && this.#samples[1].at <= at - SECONDS) this.#samples.shift();
  }

  #fill(now, take) {
    const end = Math.floor(now / 1000);
    const out = new Array(SECONDS).fill(0);
    take((at, n) => {
      const i = SECONDS - 1 - (end - at);
      if (i >= 0 && i < SECONDS) out[i] += n;
    }, end);
    return out;
  }

  rates(name, now = Date.now()) {
    return this.#fill(now, (put) => {
      this.#samples.forEach(({ at, values }, i) => {
        const before = this.#samples[i - 1]?.values[name];
        if (before !== undefined && values[name] > before) put(at, values[name] - before);
      });
    });
  }

  levels(name, now = Date.now()) {
    return this.#fill(now, (put, end) => {
      for (let at = end - SECONDS + 1; at <= end; at++) {
        const sample = this.#samples.findLast((each) => each.at <= at && each.values[name] !== undefined) || this.#samples[0];
        put(at, sample?.values[name] ?? 0);
      }
    });
  }

  /** How many in the last minute. */
  total(name, now = Date.now()) {
    return this.rates(name, now).reduce((sum, n) => sum + n, 0);
  }
}
