/** What the API's handlers read from and write to: the running collector as the web port sees it. Types only. */
import type { DestinationReport } from '../forward/report.ts';
import type { Query } from '../query/query.ts';
import type { Intake } from '../receive/intake.ts';
import type { Store } from '../store/store.ts';
import type { TraceReader } from './traces/trace-reader.ts';
import type { Status } from './wire.ts';

export interface Sources {
  readonly version: string;
  readonly startedUnixMs: number;
  readonly query: Query;
  readonly store: Store;
  readonly traces: TraceReader;
  readonly intake: Intake;
  /** Where the ports were bound, known once all of them are. */
  addresses(): Status['addresses'];
  /** As `/api/status` says it, known as late. */
  appCommand(): string | null;
  diagnosisBacklog(): number;
  /** Traces that wait no more for what hosts report, because too many did. */
  diagnosisEvicted(): number;
  /** How far what is forwarded is; empty where nothing is. */
  forwarding(): Promise<readonly DestinationReport[]>;
  readonly allowPurge: boolean;
  /** Attributes whose values Zipkin's API completes. */
  readonly zipkinKeys: readonly string[];
  readonly maxRequestBytes: number;
}
