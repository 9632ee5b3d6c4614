/* Every page for everybody: axe, keyboard, widths, contrast colours, zoom, the other language (bars 5 to
 * 8). An ordinary run looks at each page in two of its eight looks, --long at all. */
import { axe } from './lib/axe.mjs';
import { walk } from './lib/keyboard.mjs';
import { clipped, keysShown, sideways, small } from './lib/look.mjs';
import { gatewayOf, listRoutes } from './lib/routes.mjs';
import { equal, figure, isLong, ok, open, test } from './lib/suite.mjs';

const WIDTHS = [320, 390, 768, 1280, 1920];
const SMALL = 390;
const ZOOMED = { width: 640, height: 450 }; /* 1280 x 900 at 200 % */
const TARGET = 24, TARGET_ON_PHONES = 44;

const all = ['en', 'ko'].flatMap((language) => ['light', 'dark'].flatMap((theme) =>
  [1280, SMALL].map((width) => ({ language, theme, width }))));
const LOOKS = isLong ? all : [all[0], all[7]];
const wordsOf = ({ language, theme, width }) => `${language} ${theme} ${width}`;

const routes = await listRoutes();
const tally = { looks: 0, violations: 0, dialogs: 0, widths: 0, stops: 0 };

function none(found, what) {
  ok(found.length === 0, `${what}:\n  ${found.join('\n  ')}`);
}

async function audit(page, what) {
  await page.evaluate(() => scrollTo(0, 0)); /* the bar at the top hides what is scrolled beneath it */
  const found = await axe(page);
  tally.looks++;
  tally.violations += found.length;
  none(found, what);
}

/* Every text of a catalogue, 40 % longer, with letters that no language here has. */
function longer(value) {
  if (typeof value === 'string') return `${value} ${'\u00eb'.repeat(Math.ceil(value.length * 0.4))}`;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, longer(each)]));
}

/* What a button with aria-haspopup opens is looked at like a page. */
async function auditPopups(page, watch, what) {
  /* While a dialog is open nothing outside of it can be reached. */
  const isOver = await page.locator('dialog[open]').count() > 0;
  const place = isOver ? page.locator('dialog[open]').last() : page;
  const openers = place.locator('[aria-haspopup=dialog]:visible, [aria-haspopup=menu]:visible');
  for (let i = 0; i < await openers.count(); i++) {
    const opener = openers.nth(i);
    const canBeClicked = await opener.click({ trial: true, timeout: 1000 }).then(() => true, () => false);
    if (!canBeClicked) continue; // disabled, or beneath a sheet
    const name = await opener.innerText();
    await opener.click();
    await watch.quiet(page);
    tally.dialogs++;
    await audit(page, `${what}, with what "${name}" opens`);
    await page.keyboard.press('Escape');
    await watch.quiet(page);
  }
}

for (const row of routes) {
  const gateway = gatewayOf(row);

  for (const look of LOOKS) {
    test(`axe: ${row.name}, ${wordsOf(look)}`, async () => {
      const { page, watch, visit } = await open({ gateway, isIn: row.isIn, ...look });
      await visit(row.path);
      equal(await page.evaluate(() => document.documentElement.lang), look.language, 'the page\'s language');
      none(await keysShown(page), 'keys of the catalogue that are shown');
      await audit(page, row.path);
      if (look.width !== SMALL) await auditPopups(page, watch, row.path);
    });
  }

  test(`page: ${row.name}`, async () => {
    const { page, watch, visit } = await open({ gateway, isIn: row.isIn });
    await visit(row.path);
    tally.stops += (await walk(page)).length;
    await page.emulateMedia({ forcedColors: 'active' });
    await audit(page, `${row.path}, forced colours`);
    await page.emulateMedia({ forcedColors: 'none' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await watch.quiet(page);
      tally.widths++;
      none(await sideways(page), `at ${width} px`);
      const least = width <= SMALL ? TARGET_ON_PHONES : TARGET;
      none(await small(page, least), `smaller than ${least} px at ${width} px`);
    }
    await page.setViewportSize(ZOOMED);
    await watch.quiet(page);
    none(await sideways(page), 'at 200 %');
  });

  test(`longer texts: ${row.name}`, async () => {
    const { page, context, watch, visit } = await open({ gateway, isIn: row.isIn });
    await context.route(/\/en(\.[0-9a-f]+)?\.json$/, async (route) => {
      const reply = await gateway.raw('GET', new URL(route.request().url()).pathname, {});
      await route.fulfill({ json: longer(reply.data) });
    });
    await visit(row.path);
    for (const width of [1280, SMALL]) {
      await page.setViewportSize({ width, height: 900 });
      await watch.quiet(page);
      none(await sideways(page), `with longer texts at ${width} px`);
      none(await clipped(page), `cut off with longer texts at ${width} px`);
    }
  });
}

test('access: figures', async () => {
  figure(5, 'axe violations', tally.violations, '0');
  figure(5, 'looks at pages and what they open', `${tally.looks}, ${tally.dialogs} opened`, '');
  figure(6, 'pages times widths without sideways scrolling', tally.widths, `${routes.length * WIDTHS.length}`);
  figure(7, 'stops of the keyboard, each of them seen', tally.stops, '');
  figure(8, 'pages with texts 40 % longer, nothing cut off', routes.length, '');
});
