/** The theme: what the system wants, or what was chosen here; written to <html data-theme>. */

export type Theme = 'auto' | 'light' | 'dark';
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const KEY = 'sockeye.theme';

const systemDark = window.matchMedia?.('(prefers-color-scheme: dark)');
let chosen = $state<Theme>(readChosen());

function readChosen(): Theme {
  // Storage can be switched off; the choice then lasts as long as the page.
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? 'auto';
  } catch {
    return 'auto';
  }
}

function apply(): void {
  const dark = chosen === 'dark' || (chosen === 'auto' && systemDark?.matches);
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
}

export const theme = {
  get chosen(): Theme {
    return chosen;
  },
};

export function startTheme(): void {
  apply();
  systemDark?.addEventListener('change', apply);
}

export function nextTheme(): void {
  chosen = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length] ?? 'auto';
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Kept for this page only.
  }
  apply();
}
