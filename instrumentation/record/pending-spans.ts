/**
 * Tells of spans that are open: while they are, and when the program ends before they do.
 *
 * One timer looks for what is due, four times a second while anything is open. What is sent is bounded, and takes at most half of the
 * room that spans which have ended may need.
 */
import { clearInterval, setInterval } from 'node:timers';
import { rootContext, runIn, suppressed } from '../context.ts';
import { guard } from '../guard.ts';
import type { UnendedSpans } from '../recorder.ts';
import { type OpenLink, type OpenSpans, TICKS_PER_SECOND } from './open-spans.ts';
import type { SnapshotReason } from './snapshot.ts';

const SNAPSHOTS_PER_TICK_MAX = 100;
/** What is handed over at the end is encoded while the program waits. */
const SNAPSHOTS_AT_EXIT_MAX = 2_000;

export interface Teller<Open extends OpenLink> {
  /** For how many spans there is a place. */
  room(): number;
  tell(span: Open, reason: SnapshotReason): void;
}

/** Follows `open`. */
export function tellOfOpenSpans<Open extends OpenLink>(
  open: OpenSpans<Open>,
  teller: Teller<Open>,
): UnendedSpans {
  let timer: NodeJS.Timeout | undefined;
  const tell = guard((span: Open, reason: SnapshotReason) => teller.tell(span, reason));
  const look = guard(() => {
    if (open.count === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    const most = Math.min(SNAPSHOTS_PER_TICK_MAX, Math.floor(teller.room() / 2));
    for (const span of open.takeDue(most)) tell(span, 'open');
  });
  open.onFirst = () => {
    timer ??= runIn(suppressed(rootContext), () => setInterval(look, 1000 / TICKS_PER_SECOND).unref());
  };

  return {
    isEmpty: () => open.count === 0,
    end() {
      let left = SNAPSHOTS_AT_EXIT_MAX;
      for (const span of open.all()) {
        if (left-- === 0 || teller.room() === 0) return;
        tell(span, 'exit');
      }
    },
  };
}
