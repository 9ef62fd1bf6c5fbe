/**
 * Names come from strangers: whatever is in them, what a verdict says in words is one line of bounded length, and reads
 * in the order it was written. Pure.
 */

const SAID_CHARS_MAX = 1_000;
/** Of a longer text. What happened stands behind the names, so most of the end is kept too. */
const HEAD_CHARS = 500;
/** Control characters, line ends, and those that turn the direction of what follows. */
const NOT_PLAIN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

export function plainText(text: string): string {
  if (text.length <= SAID_CHARS_MAX) return text.replaceAll(NOT_PLAIN, '\uFFFD');
  const tail = text.slice(text.length - (SAID_CHARS_MAX - HEAD_CHARS - 1));
  return `${text.slice(0, HEAD_CHARS)}…${tail}`.toWellFormed().replaceAll(NOT_PLAIN, '\uFFFD');
}
