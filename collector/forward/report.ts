/** What the forwarder says of itself. Types only. */
import type { Signal } from '../decode/otlp-pieces.ts';
import type { LaneCounters } from './lane.ts';

export interface DestinationReport {
  readonly name: string;
  readonly url: string;
  readonly isFailing: boolean;
  readonly lastError: { readonly message: string; readonly atUnixMs: number } | null;
  /** Of the signals that it gets. */
  readonly signals: Readonly<Partial<Record<Signal, LaneCounters>>>;
}
