/** When a service's version changed: by the first span of a new one, or the last of one that went while an older one ran on. Pure. */
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
  const changes = [...byService.values()].flatMap((ofService) => {
    const inOrder = ofService.toSorted((a, b) => a.firstUnixMs - b.firstUnixMs);
    return [...findFirst(inOrder), ...findReturns(inOrder)];
  });
  return changes
    .filter(({ atUnixMs }) => atUnixMs >= fromUnixMs)
    .toSorted((a, b) => a.atUnixMs - b.atUnixMs)
    .map(({ atUnixMs, ...deploy }) => ({ ...deploy, at: new Date(atUnixMs).toISOString() }));
}

type Change = Omit<Deploy, 'at'> & { readonly atUnixMs: number };

/** New versions, by their first span. */
function findFirst(inOrder: readonly ServiceVersion[]): Change[] {
  return inOrder.flatMap(({ service, version, firstUnixMs }, index) => {
    const before = inOrder[index - 1];
    const isNew = before !== undefined && firstUnixMs - before.firstUnixMs > SIDE_BY_SIDE_MS;
    return isNew ? [{ service, version, previous: before.version, back: false, atUnixMs: firstUnixMs }] : [];
  });
}

/** Versions that came later and went while what ran before them, and nothing newer, ran on: by their last span. */
function findReturns(inOrder: readonly ServiceVersion[]): Change[] {
  return inOrder.flatMap(({ service, version, firstUnixMs, lastUnixMs }) => {
    const stayed = inOrder.filter((other) => other.lastUnixMs - lastUnixMs > SIDE_BY_SIDE_MS);
    const isBack = stayed.every((other) => firstUnixMs - other.firstUnixMs > SIDE_BY_SIDE_MS);
    const again = stayed.at(-1);
    return isBack && again
      ? [{ service, version: again.version, previous: version, back: true, atUnixMs: lastUnixMs }]
      : [];
  });
}
