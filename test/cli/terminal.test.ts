/** Text for a terminal: width, cutting, wrapping, and what never reaches it. */
import { describe, expect, test } from 'vitest';
import { cut, fit, paragraph, printable, terminalOf, widthOf, wrap } from '../../collector/cli/terminal.ts';

describe('what a terminal is', () => {
  test('80 columns without colours where nothing is known', () => {
    const { columns, paint } = terminalOf({}, {});
    expect(columns).toBe(80);
    expect(paint('error', 'x')).toBe('x');
  });
  test('as wide as it is, else as COLUMNS says, and never too narrow to write in', () => {
    expect(terminalOf({ isTTY: true, columns: 120 }, { COLUMNS: '99' }).columns).toBe(120);
    expect(terminalOf({}, { COLUMNS: '99' }).columns).toBe(99);
    expect(terminalOf({}, { COLUMNS: 'many' }).columns).toBe(80);
    expect(terminalOf({ isTTY: true, columns: 3 }, {}).columns).toBe(40);
  });
  test('coloured on a terminal, unless NO_COLOR or a dumb one says no', () => {
    const red = (environment: NodeJS.ProcessEnv) =>
      terminalOf({ isTTY: true }, environment).paint('error', 'x');
    expect(red({})).toBe('\u001b[31mx\u001b[39m');
    expect(red({ NO_COLOR: '1' })).toBe('x');
    expect(red({ TERM: 'dumb' })).toBe('x');
    expect(terminalOf({}, { FORCE_COLOR: '1' }).paint('error', 'x')).toBe('x');
  });
});

test('what would move the cursor or turn the text is written as JSON writes it', () => {
  expect(printable('a\u001b[2J\r\n\u009b\u202e\u200f\ud800b')).toBe(
    'a\\u001b[2J\\r\\n\\u009b\\u202e\\u200f\ufffdb',
  );
  expect(printable('plain → text, 日本')).toBe('plain → text, 日本');
});

test('wide characters take two columns, combining ones none', () => {
  expect(widthOf('abc')).toBe(3);
  expect(widthOf('日本')).toBe(4);
  expect(widthOf('e\u0301')).toBe(1);
  expect(widthOf('🐟')).toBe(2);
});

test('what does not fit is cut with an ellipsis', () => {
  expect(cut('checkout', 8)).toBe('checkout');
  expect(cut('checkout', 7)).toBe('checko…');
  expect(widthOf(fit('日本語', 4))).toBe(4);
  expect(fit('ab', 4)).toBe('ab  ');
});

test('lines end between words; a word that is too long is broken', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('abcdefgh ij', 4)).toEqual(['abcd', 'efgh', 'ij']);
  expect(wrap('', 4)).toEqual(['']);
});

test('a paragraph hangs behind its first words', () => {
  expect(paragraph('one two three four five six', 24, 'say ')).toEqual([
    'say one two three four',
    '    five six',
  ]);
});
