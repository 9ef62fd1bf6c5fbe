/** Packs which rows gave up, and on what. */
import { GIVE_UP_KINDS, GIVE_UP_PHASES } from './codes.ts';
import type { ByteSink } from './byte-sink.ts';
import type { ByteSource } from './byte-source.ts';
import { DamagedPart } from './damaged-part.ts';
import type { RowGiveUp } from './span-table.ts';

/** `found` are in order of their rows' places. */
export function writeGiveUps(loose: ByteSink, found: readonly (readonly [place: number, RowGiveUp])[]): void {
  loose.varint(found.length);
  for (const [place, { kind, phase, budgetMs }] of found) {
    loose.varint(place);
    loose.byte(GIVE_UP_KINDS.indexOf(kind));
    loose.byte(GIVE_UP_PHASES.indexOf(phase));
    loose.byte(budgetMs === null ? 0 : 1);
    if (budgetMs !== null) loose.double(budgetMs);
  }
}

/** By place. */
export function readGiveUps(loose: ByteSource, rows: number): Map<number, RowGiveUp> {
  const giveUps = new Map<number, RowGiveUp>();
  for (let left = loose.varint(rows); left > 0; left--) {
    const place = loose.varint(rows - 1);
    const kind = GIVE_UP_KINDS[loose.byte()];
    const phase = GIVE_UP_PHASES[loose.byte()];
    if (kind === undefined || phase === undefined) {
      throw new DamagedPart('got a give-up of an unknown kind or phase');
    }
    giveUps.set(place, { kind, phase, budgetMs: loose.byte() === 0 ? null : loose.double() });
  }
  return giveUps;
}
