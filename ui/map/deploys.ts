/** A service's changed version in words, and by which span its time is known. Pure. */
import type { Deploy } from '../../collector/serve/wire.ts';

/** `1.4.1 → 1.4.2`, `1.4.2 → 1.4.1 again`. */
export function sayChange({ previous, version, back }: Deploy): string {
  return `${previous} → ${version}${back ? ' again' : ''}`;
}

/** `first span`, `last span of 1.4.2`. */
export function sayWhen({ previous, back }: Deploy): string {
  return back ? `last span of ${previous}` : 'first span';
}
