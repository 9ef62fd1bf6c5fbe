/** A real Chromium, and how a test reads the page in it: by role and name, as assistive technology does. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Page } from 'playwright-core';

/** Prints the path of a Chromium, or fails with what to install. */
const finder = fileURLToPath(new URL('../../scripts/find-chromium.mjs', import.meta.url));
const actionTimeoutMs = 10_000;

export interface Browser {
  /** A page of its own; what it logs as an error, and what it throws, is kept in `faults`. */
  open(url: string, theme?: 'light' | 'dark'): Promise<{ page: Page; faults: string[] }>;
  end(): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const executablePath = execFileSync(process.execPath, [finder], { encoding: 'utf8' }).trim();
  // Root, as in a container, has no sandbox; the pages are our own.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return {
    async open(url, theme = 'light') {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        colorScheme: theme,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(actionTimeoutMs);
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      await page.goto(url);
      return { page, faults };
    },
    end: () => browser.close(),
  };
}

/** The sentence of the verdict that a trace's page shows first. */
export async function readSentence(page: Page): Promise<string> {
  return page.getByRole('region', { name: 'Verdict' }).getByRole('heading', { level: 1 }).innerText();
}

/** What axe calls serious or critical, one line each. */
export async function findAccessibilityFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}
