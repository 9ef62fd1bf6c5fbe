/** Which lines of a trace took as long as they did because somebody gave up: what is normal is told without them. */
import { decidedByGiveUp, type TimedSpan } from '../../diagnose/decided-by-give-up.ts';
import { CANCELLED, KINDS, OK, OUTCOMES, SERVER } from '../columns/codes.ts';
import {
  CODES,
  durationMsOfLine,
  LINE_WORDS,
  PARENT_HIGH,
  PARENT_LOW,
  SPAN_HIGH,
  SPAN_LOW,
  startMsOfLine,
  type RowLines,
} from './row-lines.ts';

const HIGH = 2 ** 32;

/** Lines `first` up to `end` are a trace; by line from `first`. null where none is: nobody failed. */
export function decidedLines({ words, giveUps }: RowLines, first: number, end: number): boolean[] | null {
  if (!hasFailed(words, first, end)) return null;
  const places = placesOf(words, first, end);
  const servers = sharedServers(words, first, end);
  const spans: TimedSpan[] = [];
  for (let line = first, at = first * LINE_WORDS; line < end; line++, at += LINE_WORDS) {
    const startMs = startMsOfLine(words, at);
    const outcome = outcomeAt(words, at);
    spans.push({
      parent: parentOf(servers, places, words, at, first),
      kind: kindOf(words[at + CODES]! & 0xff),
      outcome: OUTCOMES[outcome]!,
      gaveUp: giveUps.has(line) && outcome !== CANCELLED,
      startMs,
      endMs: startMs + durationMsOfLine(words, at),
    });
  }
  return decidedByGiveUp(spans);
}

function hasFailed(words: Uint32Array, first: number, end: number): boolean {
  for (let at = first * LINE_WORDS; at < end * LINE_WORDS; at += LINE_WORDS) {
    if (outcomeAt(words, at) !== OK) return true;
  }
  return false;
}

function outcomeAt(words: Uint32Array, at: number): number {
  return (words[at + CODES]! >>> 8) & 0xff;
}

function kindOf(code: number): TimedSpan['kind'] {
  const kind = KINDS[code]!;
  return kind === 'unspecified' ? 'internal' : kind;
}

/** Lines by id. Of two that share one, what hangs below was called by the server. */
function placesOf(words: Uint32Array, first: number, end: number): Map<number, number> {
  const places = new Map<number, number>();
  for (let at = first * LINE_WORDS; at < end * LINE_WORDS; at += LINE_WORDS) {
    const id = words[at + SPAN_HIGH]! * HIGH + words[at + SPAN_LOW]!;
    if (!places.has(id) || (words[at + CODES]! & 0xff) === SERVER) places.set(id, at);
  }
  return places;
}

/** Lines of servers by the id that they shared with their call, whose bits are the opposite of their own. */
function sharedServers(words: Uint32Array, first: number, end: number): Map<number, number> {
  const servers = new Map<number, number>();
  for (let at = first * LINE_WORDS; at < end * LINE_WORDS; at += LINE_WORDS) {
    const [high, low] = [words[at + PARENT_HIGH]!, words[at + PARENT_LOW]!];
    if (high === 0 && low === 0) continue;
    if ((words[at + SPAN_HIGH]! ^ high) === -1 && (words[at + SPAN_LOW]! ^ low) === -1)
      servers.set(high * HIGH + low, at);
  }
  return servers;
}

function parentOf(
  servers: Map<number, number>,
  places: Map<number, number>,
  words: Uint32Array,
  at: number,
  first: number,
): number {
  const [high, low] = [words[at + PARENT_HIGH]!, words[at + PARENT_LOW]!];
  const id = high * HIGH + low;
  // Numbers this large are not exact.
  const server = servers.get(id);
  if (
    server !== undefined &&
    server !== at &&
    words[server + PARENT_HIGH] === high &&
    words[server + PARENT_LOW] === low
  )
    return server / LINE_WORDS - first;
  const parent = places.get(id);
  const isIt = parent !== undefined && words[parent + SPAN_HIGH] === high && words[parent + SPAN_LOW] === low;
  return isIt && parent !== at ? parent / LINE_WORDS - first : -1;
}
