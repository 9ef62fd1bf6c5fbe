import { describe, expect, it } from 'vitest';
import { createRandom, nextRequest } from '../../demo/traffic.ts';

function requests(seed: number, count: number) {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => nextRequest(random));
}

describe('steady traffic', () => {
  it('is the same for the same seed and another for another seed', () => {
    expect(requests(7, 50)).toEqual(requests(7, 50));
    expect(requests(7, 50)).not.toEqual(requests(8, 50));
  });

  it('visits every part of the shop', () => {
    const paths = new Set(requests(1, 500).map(({ path }) => path.replace(/\d+|\?.*/g, '')));
    expect([...paths].toSorted()).toEqual(['/catalog.csv', '/orders', '/products', '/products/', '/search']);
  });

  it('never asks for what only a fault asks for', () => {
    for (const { path, body } of requests(1, 2000)) {
      expect(path).not.toMatch(/\/products\/42$|\*|deep|language|report/);
      expect(Object.keys(body ?? {})).toEqual(body ? ['product'] : []);
    }
  });
});
