/** SQL as spans may carry it: literals, which may be secrets, are replaced by `?`; names, keywords and placeholders stay. Pure. */

/** A statement is cut off beyond this many characters. */
export const STATEMENT_CHARS_MAX = 4_096;

const number = String.raw`(?<![\w$])(?:0x[\da-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])`;
// A literal that is cut off lasts until the end.
const end = '(?:$)';

/** Comments and literals of each dialect; what is in quotes of names comes first, and stays. */
const tokens = {
  postgresql: new RegExp(
    [
      String.raw`(?<name>"(?:[^"]|"")*")`,
      String.raw`(?<comment>--[^\n]*|/\*[^]*?(?:\*/|${end}))`,
      String.raw`\b(?:e'(?:[^'\\]|\\.|'')*(?:'|${end}))`,
      String.raw`(?:\b(?:n|b|x|u&))?'(?:[^']|'')*(?:'|${end})`,
      String.raw`\$(?<tag>[a-z_]\w*)?\$[^]*?(?:\$\k<tag>\$|${end})`,
      number,
    ].join('|'),
    'gi',
  ),
  mysql: new RegExp(
    [
      '(?<name>`(?:[^`]|``)*`)',
      String.raw`(?<comment>(?:--\s|#)[^\n]*|/\*[^]*?(?:\*/|${end}))`,
      String.raw`(?:\b(?:n|b|x|_\w+\s*))?'(?:[^'\\]|\\[^]|'')*(?:'|${end})`,
      String.raw`"(?:[^"\\]|\\[^]|"")*(?:"|${end})`,
      number,
    ].join('|'),
    'gi',
  ),
};

export function redactSql(sql: string, dialect: keyof typeof tokens): string {
  return sql.slice(0, STATEMENT_CHARS_MAX).replace(tokens[dialect], (token, ...rest) => {
    const { name, comment } = rest.at(-1) as { name?: string; comment?: string };
    return name ?? (comment === undefined ? '?' : '');
  });
}
