/** Which part of a large map is drawn at first. */
import { describe, expect, it } from 'vitest';
import type { ServiceMap } from '../../collector/serve/wire.ts';
import { FOLD_ID, keepUnhealthy, keepWorst, placeFold } from '../../ui/map/choose.ts';
import { layoutMap } from '../../ui/map/layout.ts';
import fixture from './fixtures/map-shop.json';

const shop = fixture as ServiceMap;

describe('a large map', () => {
  it('is whole when it is small enough', () => {
    expect(keepWorst(shop, shop.nodes.length)).toBe(shop);
  });

  it('keeps what times out, with both ends', () => {
    const part = keepWorst(shop, 2);
    expect(part.nodes.map((node) => node.id)).toEqual(['checkout', 'payments']);
    expect(part.edges).toHaveLength(1);
  });

  it('has as many nodes as it may', () => {
    expect(keepWorst(shop, 5).nodes).toHaveLength(5);
  });

  it('begins with the origins, whatever else fails more', () => {
    const ids = (origins: string[]) => keepWorst(shop, 2, origins).nodes.map((node) => node.id);
    expect(ids(['payments->bank.example']).toSorted()).toEqual(['bank.example', 'payments']);
    expect(ids(['search', 'gone->away', 'catalog']).toSorted()).toEqual(['catalog', 'search']);
  });

  it('shows what is around an origin before what is elsewhere', () => {
    const { nodes } = keepWorst(shop, 4, ['payments->ledger']);
    const ids = nodes.map((node) => node.id);
    expect(ids).toEqual(expect.arrayContaining(['payments', 'ledger', 'checkout']));
  });

  it('has all of a trace that is shown, however long', () => {
    const path = new Set([
      'gateway->catalog',
      'catalog->items',
      'gateway->search',
      'search->index',
      'payments->ledger',
      'checkout->shipping',
      'checkout->inventory',
    ]);
    const ids = new Set(keepWorst(shop, 10, ['payments->bank.example'], path).nodes.map((node) => node.id));
    for (const key of path) for (const end of key.split('->')) expect(ids).toContain(end);
  });

  it('has no edge whose end it leaves out', () => {
    for (let most = 2; most <= shop.nodes.length; most++) {
      const { nodes, edges } = keepWorst(shop, most);
      const kept = new Set(nodes.map((node) => node.id));
      expect(kept.size).toBeLessThanOrEqual(most);
      expect(edges.every((edge) => kept.has(edge.from) && kept.has(edge.to))).toBe(true);
    }
  });

  it('has what it leaves out below the rest, where it stays', () => {
    const layout = layoutMap({ nodes: shop.nodes.map((node) => node.id), edges: shop.edges });
    const placed = placeFold(layout, null);
    const lowest = Math.max(...Object.values(layout.nodes).map((point) => point.y));
    expect(placed.nodes[FOLD_ID]!.y).toBeGreaterThan(lowest);
    const fewer = layoutMap({ nodes: ['gateway'], edges: [] });
    expect(placeFold(fewer, placed).nodes[FOLD_ID]).toEqual(placed.nodes[FOLD_ID]);
  });

  it('has it below the new services of a folded map, too', () => {
    const nodes = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const edges = nodes.slice(1).map((to, index) => ({ from: nodes[index]!, to }));
    const before = placeFold(layoutMap({ nodes, edges }), null);
    const come = Array.from({ length: 10 }, (_, index) => `new${index}`);
    const after = placeFold(layoutMap({ nodes: [...nodes, ...come], edges }, before), before);
    const { [FOLD_ID]: fold, ...others } = after.nodes;
    expect(fold!.y).toBeGreaterThan(Math.max(...Object.values(others).map((point) => point.y)));
    expect(placeFold(layoutMap({ nodes, edges }, before), before).nodes[FOLD_ID]).toEqual(
      before.nodes[FOLD_ID],
    );
  });

  it('can be cut down to what fails', () => {
    const part = keepUnhealthy(shop);
    expect(part.edges.every((edge) => edge.timeouts + edge.errors > 0)).toBe(true);
    expect(part.nodes.map((node) => node.id)).toContain('payments');
    expect(part.nodes.map((node) => node.id)).not.toContain('items');
  });
});
