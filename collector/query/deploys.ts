/** When a service's version changed, by the first span that a new version sent. Pure. */
import type { Deploy } from '../serve/wire.ts';
import type { ServiceVersion } from './results.ts';

/**
 * Versions that appear within this time of each other were there already: they run side by side. The store may know
 * the times to the minute only.
 */
const SIDE_BY_SIDE_MS = 90_000;

/** `versions` reach back before `fromUnixMs`, so that those which ran already are known. Oldest first. */
export function findDeploys(versions: readonly ServiceVersion[], fromUnixMs: number): Deploy[] {
  const byService = Map.groupBy(versions, ({ service }) => service);
  const deploys = [...byService.values()].flatMap((ofService) => {
    const inOrder = ofService.toSorted((a, b) => a.firstUnixMs - b.firstUnixMs);
    return inOrder.flatMap(({ service, version, firstUnixMs }, index) => {
      const before = inOrder[index - 1];
      const isNew = before !== undefined && firstUnixMs - before.firstUnixMs > SIDE_BY_SIDE_MS;
      if (!isNew || firstUnixMs < fromUnixMs) return [];
      return [{ service, version, previous: before.version, at: new Date(firstUnixMs).toISOString() }];
    });
  });
  return deploys.toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
