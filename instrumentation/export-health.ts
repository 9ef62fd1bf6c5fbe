/** Says on standard error when spans cannot be delivered, and when they can again: one line each, however long it lasts. */

/** What the reporter needs of an exporter, and keeps of it. */
interface Exporter<Span> {
  export(spans: Span[], done: (result: { code: number; error?: Error }) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Wraps an exporter so that a change between delivered and not delivered is written as one line. */
export function reportReachability<Span>(
  exporter: Exporter<Span>,
  address: string,
  writeLine: (line: string) => void,
): Required<Exporter<Span>> {
  let lostSpans = 0;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code !== 0) {
          if (lostSpans === 0) {
            const why = result.error?.message.split('\n', 1)[0] ?? 'no reason given';
            writeLine(
              `sockeye: spans cannot be sent to ${address}: ${why}. The program goes on; this is said once.`,
            );
          }
          lostSpans += spans.length;
        } else if (lostSpans > 0) {
          writeLine(`sockeye: spans are sent to ${address} again; ${lostSpans} were lost in between.`);
          lostSpans = 0;
        }
        done(result);
      });
    },
    async forceFlush() {
      await exporter.forceFlush?.();
    },
    shutdown: () => exporter.shutdown(),
  };
}
