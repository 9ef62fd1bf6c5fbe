/** Words without an operator are no query; people type them all the same. Pure. */

const PLAIN_WORD = /^[\w./-]+$/;

/** Three digits: of all that has a number, a status is what people look for. */
const STATUS = /^[1-5]\d\d$/;
/** `loyalty.internal`, `10.0.3.7`: who was called, though no service has that name. */
const HOST = /^[\w-]+(?:\.[\w-]+)+$/;

/**
 * `checkout` becomes what it means: spans whose service or operation has it in its name; of `504` also those that were answered
 * so, of `loyalty.internal` those that called it. A query stays itself.
 */
export function queryOf(text: string): string {
  const words = text.trim().split(/\s+/);
  const plain = words.every((word) => PLAIN_WORD.test(word) && word !== 'OR' && !word.startsWith('-'));
  if (!plain) return text.trim();
  return words
    .map((word) => `(${[`service~${word}`, `operation~${word}`, ...meanings(word)].join(' OR ')})`)
    .join(' ');
}

/** Whole values: these are found without reading every span. */
function meanings(word: string): string[] {
  if (STATUS.test(word)) return [`http.response.status_code:${word}`, `http.status_code:${word}`];
  return HOST.test(word) ? [`server.address:${word}`, `network.peer.address:${word}`] : [];
}

/** What the query asks for; of one that was made of words, also how to ask for anything else. */
export function sayQuery(q: string): string {
  const text = `The query is ${q}`;
  if (!q.includes('(service~')) return text;
  return `${text}. Words are looked for in names of services and operations; an attribute is asked for as key:value, such as server.address:payments or error.type:TimeoutError.`;
}
