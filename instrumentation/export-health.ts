/** Says on standard error when spans cannot be delivered, and when they can again: one line each, however long it lasts. */

/** What there is to know of how spans are delivered. */
export interface Health {
  /** Whether the last request failed. */
  readonly isFailing: boolean;
  delivered(): void;
  /** A request failed; `lostCount` spans are given up with it, none when it is sent again. */
  failed(error: Error | undefined, lostCount: number): void;
  /** The receiver took a request and refused some of its spans. */
  rejected(count: number): void;
  /** A span found no place in the queue. */
  overflowed(): void;
}

export function createHealth(address: string, writeLine: (line: string) => void): Health {
  let isFailing = false;
  let lostCount = 0;
  let hasRejected = false;
  let hasOverflowed = false;
  return {
    get isFailing() {
      return isFailing;
    },
    delivered() {
      if (!isFailing) return;
      isFailing = false;
      // At least: what found no place in the queue never came this far.
      const lost = lostCount === 0 ? 'none was' : `at least ${lostCount} were`;
      writeLine(`sockeye: spans are sent to ${address} again; ${lost} lost in between.`);
      lostCount = 0;
    },
    failed(error, count) {
      lostCount += count;
      if (isFailing) return;
      isFailing = true;
      writeLine(
        `sockeye: spans cannot be sent to ${address} and are dropped until they can: ` +
          `${explainFailure(error)} The program goes on; this is said once.`,
      );
    },
    rejected(count) {
      if (!hasRejected)
        writeLine(`sockeye: ${address} refused ${count} spans of a request; this is said once.`);
      hasRejected = true;
    },
    overflowed() {
      if (isFailing) lostCount += 1;
      else if (!hasOverflowed) {
        hasOverflowed = true;
        writeLine(
          `sockeye: spans end faster than ${address} takes them; some are dropped. OTEL_BSP_MAX_QUEUE_SIZE is how ` +
            'many may wait. This is said once.',
        );
      }
    },
  };
}

/** What the reporter needs of an exporter of OpenTelemetry's SDK, and keeps of it. */
interface Exporter<Span> {
  export(spans: Span[], done: (result: { code: number; error?: Error }) => void): void;
  forceFlush?(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Wraps such an exporter so that a change between delivered and not delivered is written as one line, and `delivered` called. */
export function reportReachability<Span>(
  exporter: Exporter<Span>,
  address: string,
  writeLine: (line: string) => void,
  delivered: (spans: readonly Span[]) => void = () => {},
): Required<Exporter<Span>> {
  const health = createHealth(address, writeLine);
  return {
    export(spans, done) {
      let isDone = false;
      const finish: typeof done = (result) => {
        if (isDone) return;
        isDone = true;
        if (result.code === 0) health.delivered();
        else health.failed(result.error, spans.length);
        done(result);
        if (result.code === 0) delivered(spans);
      };
      // An exporter that is not OpenTelemetry's may throw, and would take the program with it.
      try {
        exporter.export(spans, finish);
      } catch (error) {
        finish({ code: 1, error: error instanceof Error ? error : new Error(String(error)) });
      }
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
