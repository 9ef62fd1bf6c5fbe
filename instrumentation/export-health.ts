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
            writeLine(
              `sockeye: spans cannot be sent to ${address} and are dropped until they can: ` +
                `${explainFailure(result.error)} The program goes on; this is said once.`,
            );
          }
          lostSpans += spans.length;
        } else if (lostSpans > 0) {
          // At least: what found no place in the queue never came this far.
          writeLine(
            `sockeye: spans are sent to ${address} again; at least ${lostSpans} were lost in between.`,
          );
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

/** The first line of the error as sentences, without what gRPC leaves blank, and what to look at when the peer speaks another protocol. */
function explainFailure(error: Error | undefined): string {
  const [line = ''] = (error?.message ?? '').split('\n', 1);
  const why = line.replace(/\.? Resolution note: *$/, '').replace(/\.$/, '') || 'no reason given';
  const isOtherProtocol = /Protocol error|Parse Error: Expected HTTP/.test(why);
  return isOtherProtocol
    ? `${why}. Is the port the right one? 4317 is for gRPC, 4318 for OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.`
    : `${why}.`;
}
