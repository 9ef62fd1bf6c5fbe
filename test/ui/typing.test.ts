import { describe, expect, it } from 'vitest';
import { quoteKey, quoteValue, readTyping, takeSuggestion } from '../../ui/search/typing.ts';

/** `|` is the cursor. */
const at = (marked: string) => {
  const cursor = marked.indexOf('|');
  const text = marked.replace('|', '');
  return { text, typing: readTyping(text, cursor) };
};

describe('what is being typed', () => {
  it.each([
    ['|', null, ''],
    ['ser|', null, 'ser'],
    ['service:|', 'service', ''],
    ['service:che|ckout', 'service', 'che'],
    ['a:b -(http.ro|', null, 'http.ro'],
    ['-status:e|', 'status', 'e'],
    ['http.route!="/a b|"', 'http.route', '/a b'],
    ['"my key|', null, 'my key'],
    ['"my key":va|', 'my key', 'va'],
    [String.raw`name:"say \"hi|`, 'name', 'say "hi'],
  ])('in %s is of the key %s, and begins with "%s"', (marked, key, prefix) => {
    expect(at(marked).typing).toMatchObject({ key, prefix });
  });

  it.each(['duration>2|', 'name~^a|'])('in %s has no completion', (marked) => {
    expect(at(marked).typing).toBeNull();
  });
});

describe('a suggestion', () => {
  const take = (marked: string, insert: string) => {
    const { text, typing } = at(marked);
    const taken = takeSuggestion(text, typing!, insert);
    return `${taken.text.slice(0, taken.cursor)}|${taken.text.slice(taken.cursor)}`;
  };

  it('of a key is followed by its value', () => {
    expect(take('a:b ser|', 'service:')).toBe('a:b service:|');
  });

  it('of a value takes the place of the word, and is followed by the next term', () => {
    expect(take('service:che|cko', 'checkout')).toBe('service:checkout |');
    expect(take('(service:che|) x:y', 'checkout')).toBe('(service:checkout|) x:y');
    expect(take('http.route:"/a|"', '"/a b"')).toBe('http.route:"/a b" |');
  });

  it('is quoted where the language has signs of its own', () => {
    expect(['service', 'a b', 'k:v', '-x'].map(quoteKey)).toEqual(['service', '"a b"', '"k:v"', '"-x"']);
    expect(['10.0.0.1:80', 'GET /a', '*', 'say "hi"', ''].map(quoteValue)).toEqual([
      '10.0.0.1:80',
      '"GET /a"',
      '"*"',
      String.raw`"say \"hi\""`,
      '""',
    ]);
  });
});
