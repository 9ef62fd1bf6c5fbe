/** Words without an operator are no query; people type them all the same. Pure. */

const PLAIN_WORD = /^[\w./-]+$/;

/** `checkout` becomes what it means: spans whose service or operation has it in its name. A query stays itself. */
export function queryOf(text: string): string {
  const words = text.trim().split(/\s+/);
  const plain = words.every((word) => PLAIN_WORD.test(word) && word !== 'OR' && !word.startsWith('-'));
  if (!plain) return text.trim();
  return words.map((word) => `(service~${word} OR operation~${word})`).join(' ');
}
