import { expect, it } from 'vitest';
import { rememberNews } from '../../collector/serve/changes.ts';

it('a value is news when it is first seen and when it has changed', () => {
  const news = rememberNews(10);
  expect(news.isNew('trace a', { spans: 1 })).toBe(true);
  expect(news.isNew('trace a', { spans: 1 })).toBe(false);
  expect(news.isNew('trace a', { spans: 2 })).toBe(true);
  expect(news.isNew('trace b', { spans: 2 })).toBe(true);
});

it('beyond its bound the value that was not seen for longest is forgotten', () => {
  const news = rememberNews(2);
  for (const key of ['a', 'b', 'a']) news.isNew(key, key);
  news.isNew('c', 'c');
  expect(news.isNew('a', 'a')).toBe(false);
  expect(news.isNew('c', 'c')).toBe(false);
  expect(news.isNew('b', 'b')).toBe(true);
});
