/**
 * Tells of spans that are open: while they are, and when the program ends before they do.
 *
 * One timer looks for what is due, four times a second while anything is open. What is sent is bounded, and takes at most half of the
 * room that spans which have ended may need.
 */
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { rootContext, runIn, suppressed } from '../context.ts';
import type { SpanQueue } from '../export/span-queue.ts';
import { guard } from '../guard.ts';
import type { UnendedSpans } from '../recorder.ts';
import { OpenSpans, TICKS_PER_SECOND } from './open-spans.ts';
import { snapshotOf, type SnapshotReason } from './snapshot.ts';
import type { SpanRecord } from './span-record.ts';

const SNAPSHOTS_PER_TICK_MAX = 100;
/** What is handed over at the end is encoded while the program waits. */
const SNAPSHOTS_AT_EXIT_MAX = 2_000;

/** Follows `open`. `slowMs`: of spans that are not sampled, those that last as long are told of. */
export function tellOfOpenSpans(open: OpenSpans, queue: SpanQueue, slowMs: number): UnendedSpans {
  let timer: NodeJS.Timeout | undefined;
  const tell = guard((span: SpanRecord, reason: SnapshotReason) => {
    const snapshot = snapshotOf(span, performance.now(), reason, slowMs);
    if (snapshot) span.owner.take(snapshot);
  });
  const look = guard(() => {
    if (open.count === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    const most = Math.min(SNAPSHOTS_PER_TICK_MAX, Math.floor(queue.room / 2));
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
        if (left-- === 0 || queue.room === 0) return;
        tell(span, 'exit');
      }
    },
  };
}
