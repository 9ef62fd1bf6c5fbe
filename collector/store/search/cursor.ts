/** The order of a list of traces, and the place in it where the next page begins. */
import { BadCursor, type TraceSearch } from '../store.ts';

type Sort = TraceSearch['sort'];

/** A trace with what it is sorted by: its start or duration in milliseconds, or its errors. */
export interface RankedTrace {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  readonly value: number;
}

export interface Cursor extends RankedTrace {
  readonly sort: Sort;
  /** As the first page counted; those after it carry the count along. */
  readonly total: number;
  readonly truncated: boolean;
}

/** Of what is no cursor. */
const SHOWN_CHARACTERS_MAX = 60;
const DIRECTIONS: { readonly [sort in Sort]: 1 | -1 } = { newest: -1, oldest: 1, longest: -1, errors: -1 };

/** Negative where `a` comes before `b`; equal values are ordered by id, so that the order is total. */
export function compareRanks(sort: Sort, a: RankedTrace, b: RankedTrace): number {
  const difference = a.value - b.value || (a.traceId < b.traceId ? -1 : Number(a.traceId > b.traceId));
  return difference * DIRECTIONS[sort];
}

export function writeCursor({ sort, value, traceId, total, truncated }: Cursor): string {
  return Buffer.from(JSON.stringify([sort, value, traceId, total, truncated])).toString('base64url');
}

/** Throws BadCursor. */
export function readCursor(text: string, sort: Sort): Cursor {
  const cursor = parseCursor(text);
  if (cursor === null) {
    const shown = JSON.stringify(text.slice(0, SHOWN_CHARACTERS_MAX));
    throw new BadCursor(`cursor: got ${shown}, expected the cursor of the page before`);
  }
  if (cursor.sort !== sort) {
    throw new BadCursor(`cursor: got one of sort ${cursor.sort}, expected one of sort ${sort}`);
  }
  return cursor;
}

function parseCursor(text: string): Cursor | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return null;
  }
  if (!Array.isArray(parsed)) return null;
  const [sort, value, traceId, total, truncated] = parsed as unknown[];
  const isWhole =
    typeof sort === 'string' &&
    Object.hasOwn(DIRECTIONS, sort) &&
    Number.isFinite(value) &&
    typeof traceId === 'string' &&
    /^[0-9a-f]{32}$/.test(traceId) &&
    Number.isSafeInteger(total) &&
    typeof truncated === 'boolean';
  if (!isWhole) return null;
  return { sort: sort as Sort, value: value as number, traceId, total: total as number, truncated };
}
