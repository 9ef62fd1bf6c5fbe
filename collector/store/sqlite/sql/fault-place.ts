/**
 * Where in a query its fault is: SQLite's message names a token, not its place.
 *
 * A parser stops at the first token that cannot follow, so the query cut off behind that token fails in the same way,
 * and cut off anywhere before it does not.
 */

/** Index of a character of the query; null where the message tells of none. `messageOf` gives SQLite's word on a query. */
export function findFault(
  query: string,
  message: string,
  messageOf: (query: string) => string | null,
): number | null {
  if (message === 'incomplete input') return query.trimEnd().length;
  const token = /^(?:near|unrecognized token:) "(.*)"(?:: syntax error)?$/s.exec(message)?.[1];
  if (token !== undefined) {
    for (let at = query.indexOf(token); at >= 0; at = query.indexOf(token, at + 1)) {
      if (messageOf(query.slice(0, at + token.length)) === message) return at;
    }
    return null;
  }
  const name = NAMED.exec(message)?.[1];
  if (name === undefined) return null;
  const pattern = name.replace(/[^\w]/g, '\\$&');
  const at = withoutTexts(query).search(new RegExp(`(?<![\\w$])${pattern}(?![\\w$])`, 'i'));
  return at < 0 ? null : at;
}

const NAMED =
  /^(?:no such (?:column|table|function)|ambiguous column name|wrong number of arguments to function|misuse of \w+(?: function)?):? "?([^"()]+?)"?(?:\(\))?(?: - .*)?$/;

/** As long as before: what stands in quotes names nothing. */
function withoutTexts(query: string): string {
  return query.replace(/'(?:[^']|'')*'/g, (text) => ' '.repeat(text.length));
}

/** The line with the fault, and a mark below it. */
export function pointAt(query: string, at: number): string {
  const lineStart = query.lastIndexOf('\n', at - 1) + 1;
  const line = query.slice(lineStart).split('\n', 1)[0]!;
  return `  ${line.replaceAll('\t', ' ')}\n  ${' '.repeat(at - lineStart)}^`;
}
