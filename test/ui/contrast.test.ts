/** The tokens keep the contrast that people with weak sight need, in both themes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync('ui/look/tokens.css', 'utf8');

function tokensOf(theme: string): Map<string, string> {
  const block = css.split(`[data-theme='${theme}'] {`)[1]?.split('}')[0] ?? '';
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1]!, match[2]!]));
}

/** WCAG 2.2 relative luminance. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['bg', 'surface', 'raised'];
const texts = ['text', 'muted', 'faint', 'accent', 'timeout', 'error', 'ok'];

describe.each(['light', 'dark'])('in the %s theme', (theme) => {
  const tokens = tokensOf(theme);
  const of = (name: string) => tokens.get(name) ?? '';
  const graphics = [...tokens.keys()].filter((name) => /^(?:phase|service|latency|control)/.test(name));

  it('there are tokens to look at', () => {
    expect(graphics.length).toBe(7 + 10 + 5 + 1);
  });

  it.each(texts)('text in --%s has 4.5:1 on every ground', (text) => {
    for (const ground of grounds) expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ['text', 'hover'],
    ['muted', 'hover'],
    ['text', 'timeout-weak'],
    ['muted', 'timeout-weak'],
    ['timeout', 'timeout-weak'],
    ['error', 'error-weak'],
    ['accent', 'accent-weak'],
    ['muted', 'accent-weak'],
    ['surface', 'accent'],
  ])('text in --%s has 4.5:1 on --%s', (text, ground) => {
    expect(contrast(of(text), of(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(graphics)('graphics in --%s have 3:1 on the page and on cards', (name) => {
    for (const ground of ['bg', 'surface']) expect(contrast(of(name), of(ground))).toBeGreaterThanOrEqual(3);
  });
});
