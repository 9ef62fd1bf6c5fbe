/** A real Chromium, and how a test reads the page in it: by role and name, as assistive technology does. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Page } from 'playwright-core';

/** Prints the path of a Chromium, or fails with what to install. */
const finder = fileURLToPath(new URL('../../scripts/find-chromium.mjs', import.meta.url));
const actionTimeoutMs = 10_000;

type Theme = 'light' | 'dark';
const viewport = { width: 1280, height: 800 };

/** What the page logs as an error, and what it throws, is kept in `faults`. */
export interface Opened {
  readonly page: Page;
  readonly faults: string[];
}

export interface Browser {
  /** A page of its own. */
  open(url: string, theme?: Theme): Promise<Opened>;
  /** Loads a view in the page of the visit before: most tests only look at one, and a new page costs more than they do. */
  visit(url: string): Promise<Opened>;
  end(): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const executablePath = execFileSync(process.execPath, [finder], { encoding: 'utf8' }).trim();
  // Root, as in a container, has no sandbox; the pages are our own.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  async function newPage(colorScheme: Theme): Promise<Page> {
    const context = await browser.newContext({ viewport, colorScheme });
    const page = await context.newPage();
    page.setDefaultTimeout(actionTimeoutMs);
    return page;
  }
  let visited: Page | undefined;
  return {
    async open(url, theme = 'light') {
      const page = await newPage(theme);
      const faults = keepFaults(page);
      await page.goto(url);
      return { page, faults };
    },
    async visit(url) {
      const page = (visited ??= await newPage('light'));
      // Nothing of the view before goes on.
      await page.goto('about:blank');
      page.removeAllListeners('pageerror').removeAllListeners('console');
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: 'light' });
      const faults = keepFaults(page);
      await page.goto(url);
      return { page, faults };
    },
    end: () => browser.close(),
  };
}

function keepFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  return faults;
}

/** The sentence of the verdict that a trace's page shows first. */
export async function readSentence(page: Page): Promise<string> {
  return page.getByRole('region', { name: 'Verdict' }).getByRole('heading', { level: 1 }).innerText();
}

/** The rules of axe that tell by colours: the others find the same in each theme. */
const rulesOfColour = ['color-contrast', 'link-in-text-block'];

/** What axe calls serious or critical, one line each; of all rules, or some. */
export async function findAccessibilityFaults(page: Page, rules?: string[]): Promise<string[]> {
  // The pages have no frames, which the other mode is for; what is in order is not described.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

/** The same of a page in the light theme, and of its colours in the dark one, in which it is left. */
export async function findFaultsOfBothThemes(page: Page): Promise<string[]> {
  const inLight = await findAccessibilityFaults(page);
  await page.emulateMedia({ colorScheme: 'dark' });
  const inDark = await findAccessibilityFaults(page, rulesOfColour);
  return [...inLight, ...inDark.map((fault) => `dark: ${fault}`)];
}
