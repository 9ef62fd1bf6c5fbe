/** Text for a terminal: what may stand in it, how wide it is, where it is cut and where its lines end. Pure but for `terminalOf`. */
import { styleText } from 'node:util';

export interface Terminal {
  readonly columns: number;
  readonly paint: Paint;
}
export type Paint = (style: Style, text: string) => string;
/** What a colour means; where there is none, what is painted says it in words or signs too. */
export type Style = keyof typeof STYLES;

const STYLES = {
  strong: 'bold',
  quiet: 'dim',
  timeout: 'yellow',
  origin: ['bold', 'yellow'],
  error: 'red',
  fine: 'green',
  phase: 'cyan',
} as const satisfies Record<string, Parameters<typeof styleText>[0]>;

const COLUMNS_UNKNOWN = 80;
const COLUMNS_LEAST = 40;
/** Control characters, line ends, and those that turn the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
/** Two columns each: East Asian wide and full-width forms, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;

export function terminalOf(
  { isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number },
  { NO_COLOR, TERM, COLUMNS }: NodeJS.ProcessEnv,
): Terminal {
  const isColoured = isTTY === true && !NO_COLOR && TERM !== 'dumb';
  const told = /^\d{1,4}$/.test(COLUMNS ?? '') ? Number(COLUMNS) : 0;
  return {
    columns: Math.max(COLUMNS_LEAST, columns || told || COLUMNS_UNKNOWN),
    paint: isColoured ? coloured : plain,
  };
}

export const plain: Paint = (_, text) => text;

function coloured(style: Style, text: string): string {
  return styleText(STYLES[style] as Parameters<typeof styleText>[0], text, { validateStream: false });
}

/** What would move the cursor, or turn the direction of what follows, as JSON writes it. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });
}

/** Of printable text, in columns of a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

function widthOfCharacter(character: string): number {
  if (character < '\u0300') return 1;
  return WIDE.test(character) ? 2 : ZERO_WIDTH.test(character) ? 0 : 1;
}

/** Cut with an ellipsis where it is wider. */
export function cut(text: string, columns: number): string {
  // Most texts fit, whatever is in them.
  if (text.length * 2 <= columns || widthOf(text) <= columns) return text;
  let width = 1;
  let kept = '';
  for (const character of text) {
    width += widthOfCharacter(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Exactly so wide. */
export function fit(text: string, columns: number): string {
  const short = cut(text, columns);
  return short + ' '.repeat(Math.max(0, columns - widthOf(short)));
}

/** Lines of at most so many columns, broken between words; a word that is longer is broken itself. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((long) => pieces(long, columns))) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function pieces(word: string, columns: number): string[] {
  if (widthOf(word) <= columns) return [word];
  const found: string[] = [''];
  for (const character of word) {
    if (widthOf(found.at(-1)!) + widthOfCharacter(character) > columns) found.push('');
    found[found.length - 1] += character;
  }
  return found;
}

/** `first` stands before the first line, blanks as wide before the others. */
export function paragraph(
  text: string,
  columns: number,
  first: string,
  paint = (line: string) => line,
): string[] {
  const indent = widthOf(first);
  const lines = wrap(text, Math.max(COLUMNS_LEAST / 2, columns - indent));
  return lines.map((line, index) => `${index === 0 ? first : ' '.repeat(indent)}${paint(line)}`);
}
