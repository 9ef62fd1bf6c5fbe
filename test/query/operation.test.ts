/** What is shown and grouped as a span's operation. */
import { expect, test } from 'vitest';
import { operationOf } from '../../collector/span.ts';

const operation = (name: string, attributes: Record<string, string> = {}) =>
  operationOf({ name, attributes: new Map(Object.entries(attributes)) });

test.each([
  ['GET /x', { 'url.path': '/y' }, 'GET /x'],
  ['get', { 'url.path': '/y' }, 'get'],
  ['checkout', { 'url.path': '/y' }, 'checkout'],
  ['__proto__', {}, '__proto__'],
])('a name that says more than a method stays as it is: %s', (name, attributes, expected) => {
  expect(operation(name, attributes)).toBe(expected);
});

test.each([
  [{ 'http.route': '/items/:id', 'url.path': '/items/42' }, 'GET /items/:id'],
  [{ 'url.path': '/items' }, 'GET /items'],
  [{ 'url.path': '/' }, 'GET /'],
  [{ 'http.target': '/items?page=2' }, 'GET /items'],
  [{ 'url.full': 'https://shop.test:8443/items?page=2#top' }, 'GET /items'],
  [{ 'http.path': '/items/42' }, 'GET /items/{id}'],
  [{ 'http.url': 'http://shop.test' }, 'GET'],
  [{ 'url.path': 'not a path' }, 'GET'],
  [{ 'http.route': '', 'url.path': '/items' }, 'GET /items'],
  [{ 'http.route': '', 'url.template': '/items/:id', 'url.path': '/items/42' }, 'GET /items/:id'],
  [{ 'url.path': '', 'url.full': 'http://shop.test/items' }, 'GET /items'],
  [{ 'http.route': '', 'url.path': '' }, 'GET'],
  [{}, 'GET'],
])('a bare method gets the route or the path: %o', (attributes, expected) => {
  expect(operation('GET', attributes)).toBe(expected);
});

test.each([
  ['/v2/items/42/reviews', 'GET /v2/items/{id}/reviews'],
  ['/users/7d1c0e09-aaaa-4bbb-8ccc-0123456789ab', 'GET /users/{id}'],
  ['/ok2/s3/v10', 'GET /ok2/s3/v10'],
  ['/orders/ord-20261', 'GET /orders/{id}'],
  ['/commits/ab12cd34', 'GET /commits/{id}'],
  ['/facade/deadbeef', 'GET /facade/deadbeef'],
  ['/a/b/c/d/e/f', 'GET /a/b/c/d/…'],
  [`/${'x'.repeat(32)}`, `GET /${'x'.repeat(32)}`],
  [`/${'x'.repeat(33)}`, 'GET /{id}'],
  [`/${'x'.repeat(1_000_000)}`, 'GET /{id}'],
])('what names one thing of many is left out: %.60s', (path, expected) => {
  expect(operation('GET', { 'url.path': path })).toBe(expected);
});
