/* A page without a mouse. Whoever walks with these sees to it that the focus is seen. */

/** What has the focus: {tag, text, isSeen, isInView}, or null. */
export function focused(page) {
  return page.evaluate(() => {
    const each = document.activeElement;
    if (each === null || each === document.body || each === document.documentElement) return null;
    const style = getComputedStyle(each);
    const isOutlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    const box = each.getBoundingClientRect();
    const name = each.getAttribute('aria-label') || each.labels?.[0]?.innerText || each.innerText || each.value || '';
    return {
      tag: each.tagName.toLowerCase(),
      text: name.trim().slice(0, 60),
      place: `${each.tagName} ${Math.round(box.x + scrollX)},${Math.round(box.y + scrollY)} ${each.outerHTML.slice(0, 80)}`,
      isSeen: each.matches(':focus-visible') && (isOutlined || style.boxShadow !== 'none'),
      isInView: box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
    };
  });
}

function check(stop) {
  if (!stop.isSeen) throw new Error(`the focus cannot be seen on ${stop.place}`);
  if (!stop.isInView) throw new Error(`the focus is out of view on ${stop.place}`);
}

/** Presses Tab until the focus is on what has this text (and tag); fails when it is nowhere. */
export async function tabTo(page, text, { tag, back = false, most = 200 } = {}) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
    const stop = await focused(page);
    if (stop === null) continue;
    check(stop);
    if (stop.text.includes(text) && (tag === undefined || stop.tag === tag)) return stop;
  }
  throw new Error(`Tab does not come to ${JSON.stringify(text)}`);
}

/** Every stop from the top of the page to its end. */
export async function walk(page, most = 400) {
  const stops = [];
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    const stop = await focused(page);
    if (stop === null || (stops.length > 0 && stop.place === stops[0].place)) return stops;
    check(stop);
    stops.push(stop);
  }
  throw new Error(`no end after ${most} stops`);
}
