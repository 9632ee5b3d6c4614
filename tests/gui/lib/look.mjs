/* What is looked at in a page that stands still. */

/** Whether it can be scrolled sideways, and which elements stick out. */
export function sideways(page) {
  return page.evaluate(() => {
    const root = document.documentElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const out = [...document.body.querySelectorAll('*')].filter((each) => each.getBoundingClientRect().right > root.clientWidth + 1);
    return [`page is ${root.scrollWidth} wide`, ...out.slice(0, 5).map((each) => each.outerHTML.slice(0, 120))];
  });
}

/** Controls that are smaller than LEAST px in a direction. Links within text may be. */
export function small(page, least) {
  return page.evaluate((least) => {
    const controls = 'button, select, textarea, summary, [role=button], nav a, input:not([type=hidden])';
    const found = [];
    for (const each of document.querySelectorAll(controls)) {
      const isTick = each.matches('[type=checkbox], [type=radio]');
      const target = (isTick && each.closest('label')) || each;
      const { width, height } = target.getBoundingClientRect();
      const isSeen = target.checkVisibility({ visibilityProperty: true }) && width > 1 && height > 1;
      if (isSeen && (width < least - 0.5 || height < least - 0.5))
        found.push(`${Math.round(width)}x${Math.round(height)} ${each.outerHTML.slice(0, 120)}`);
    }
    return found;
  }, least);
}

/** Elements whose text is cut off and that nothing can scroll. */
export function clipped(page) {
  return page.evaluate(() => {
    const found = [];
    for (const each of document.body.querySelectorAll('button, a, th, td, label, h1, h2, h3, p, legend, summary, dt, dd, span')) {
      const style = getComputedStyle(each);
      const isCut = style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && each.scrollWidth > each.clientWidth + 1;
      const { width, height } = each.getBoundingClientRect();
      if (isCut && width > 1 && height > 1 && each.textContent.trim() !== '') found.push(each.outerHTML.slice(0, 120));
    }
    return found;
  });
}

/** Texts that a reader would take for keys of the catalogue. */
export function keysShown(page) {
  return page.evaluate(() => {
    const seen = document.body.innerText.split(/\s+/);
    return seen.filter((word) => /^(schema|section|page|word|problem|unit|group|action|table|form)\.[a-z_]+(\.[a-z_]+)*$/.test(word));
  });
}
