/**
 * What is being typed into the query: the key or the value of the term around the cursor, and how a suggestion takes
 * its place. Pure.
 *
 *   service:checkout -(http.route:"/a b" OR du|
 *                                           └─ key "du", of the term that begins here
 */

export interface Typing {
  /** The key whose value is typed; null while the key itself is. */
  readonly key: string | null;
  /** What stands before the cursor, without quotes. */
  readonly prefix: string;
  /** What a suggestion replaces: up to the end of the word. */
  readonly from: number;
  readonly to: number;
}

/** Null inside of what cannot be completed: a pattern, a comparison of size. */
export function readTyping(text: string, cursor: number): Typing | null {
  const start = termStart(text, cursor);
  const typed = text.slice(start, cursor);
  const to = cursor + (/^[^\s()"]*"?/.exec(text.slice(cursor))?.[0].length ?? 0);
  const value = /^(-*)("(?:[^"\\]|\\.)*"|[^\s()":<>=~!]+)(!=|:|=)(.*)$/s.exec(typed);
  if (value) {
    const [, minus = '', key = '', operator = '', prefix = ''] = value;
    const from = start + minus.length + key.length + operator.length;
    return { key: unquote(key), prefix: unquote(prefix), from, to };
  }
  const key = /^(-*)("(?:[^"\\]|\\.)*|[^\s()":<>=~!]*)$/s.exec(typed);
  if (!key) return null;
  return { key: null, prefix: unquote(key[2] ?? ''), from: start + (key[1]?.length ?? 0), to };
}

/** Behind the last space or parenthesis that is not in quotes. */
function termStart(text: string, cursor: number): number {
  let start = 0;
  let quoted = false;
  for (let at = 0; at < cursor; at++) {
    const character = text[at] ?? '';
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && /[\s()]/.test(character)) start = at + 1;
  }
  return start;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text
    .slice(1)
    .replace(/(?<!\\)"$/, '')
    .replaceAll(/\\(.)/gs, '$1');
}

/** As the query language takes it: quoted where it has signs of its own. */
export function quoteKey(key: string): string {
  return /^[^\s()":<>=~!-][^\s()":<>=~!]*$/.test(key) ? key : quote(key);
}
export function quoteValue(value: string): string {
  return /^[^\s()"*]+$/.test(value) ? value : quote(value);
}
function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** The query with a suggestion in place of what was typed, and where the cursor stands behind it. */
export function takeSuggestion(
  text: string,
  typing: Typing,
  insert: string,
): { readonly text: string; readonly cursor: number } {
  const before = text.slice(0, typing.from) + insert;
  const after = text.slice(typing.to);
  // A term that is whole is followed by the next.
  const space = typing.key !== null && !/^[\s)]/.test(after) ? ' ' : '';
  return { text: before + space + after, cursor: before.length + space.length };
}
