/** The look's tokens as a canvas takes them: read from the page, and again when the theme changes. */

export interface Palette {
  readonly surface: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly control: string;
  readonly accent: string;
  readonly timeout: string;
  readonly error: string;
  readonly ok: string;
  readonly latency: readonly string[];
  /** Families, to be put behind a size and weight. */
  readonly font: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    surface: token('surface'),
    text: token('text'),
    muted: token('muted'),
    line: token('line-strong'),
    control: token('control'),
    accent: token('accent'),
    timeout: token('timeout'),
    error: token('error'),
    ok: token('ok'),
    latency: [0, 1, 2, 3, 4].map((step) => token(`latency-${step}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
}

/** Calls back when the theme has changed; returns how to stop. */
export function onThemeChange(run: () => void): () => void {
  const observer = new MutationObserver(run);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}
