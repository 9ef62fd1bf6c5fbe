/** How bytes get to a backend, whichever protocol it speaks. Types only. */
import type { Signal } from '../decode/otlp-pieces.ts';
import type { Outcome } from './outcome.ts';

export interface Backend {
  /** Sends an OTLP request as it is. Never rejects: what went wrong is an outcome. */
  send(signal: Signal, request: Buffer): Promise<Outcome>;
  /** What is on its way is given up. */
  close(): void;
}
