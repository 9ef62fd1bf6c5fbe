import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { causeOf, CAUSES } from '../../collector/diagnose/causes.ts';

const RULES = new URL('../../collector/diagnose/rules/', import.meta.url);

describe('the catalogue of causes', () => {
  it('has every cause from A1 to G6, and unknown', () => {
    const codes = (letter: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
    const expected = [
      ...codes('A', 7),
      ...codes('B', 6),
      ...codes('C', 9),
      ...codes('D', 6),
      ...codes('E', 6),
      ...codes('F', 7),
      ...codes('G', 6),
    ];
    expect([...CAUSES.keys()].toSorted()).toEqual([...expected, 'unknown'].toSorted());
  });
  it('has every cause that a rule can name', () => {
    const named = readdirSync(RULES).flatMap((file) => {
      const text = readFileSync(new URL(file, RULES), 'utf8');
      return [...text.matchAll(/'([A-G]\d)'/g)].map(([, code]) => code ?? '');
    });
    expect(new Set(named).size).toBeGreaterThan(30);
    expect(named.filter((code) => !CAUSES.has(code))).toEqual([]);
  });
  it.each([...CAUSES.values()])('$code says all that its page needs', (cause) => {
    for (const text of [cause.title, cause.is, cause.recognised, cause.decides, cause.fix]) {
      expect(text.length).toBeGreaterThan(5);
    }
    expect(cause.confirm.length).toBeGreaterThan(0);
    const texts = [
      cause.title,
      cause.is,
      cause.fix,
      ...cause.confirm.flatMap(({ text, command }) => [text, command]),
    ];
    const placeholders = texts.flatMap((text) =>
      [...text.matchAll(/(?<!\$)\{([a-z]+)\}/g)].map(([, name]) => name),
    );
    expect(
      placeholders.filter((name) => !['url', 'host', 'port', 'peer', 'service', 'pid'].includes(name ?? '')),
    ).toEqual([]);
    expect(cause.decides).not.toContain('{');
  });
  it('a code that is none is unknown', () => {
    expect(causeOf('Z9').code).toBe('unknown');
  });
});
