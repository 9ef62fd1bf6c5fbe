/** The work that a large trace makes, as plain data in and out: what can run here or in a thread. */
import type { History } from '../../query/diagnose-by-history.ts';
import { listTraces, openTrace } from '../../query/looked-file.ts';
import { toOtlp } from '../formats/to-otlp.ts';
import type { LookedAt } from '../wire.ts';
import type { Diagnosis } from '../../diagnose/verdict.ts';
import { diagnoseDocument } from './write-trace.ts';

/** `bytes` is a stored trace's OTLP, or, to look at, a file in any format that is taken. */
export type Job =
  | { readonly kind: 'diagnose'; readonly bytes: Uint8Array; readonly traceId: string }
  | { readonly kind: 'list'; readonly bytes: Uint8Array }
  | { readonly kind: 'open'; readonly bytes: Uint8Array; readonly traceId: string };

export interface JobResults {
  readonly diagnose: Diagnosis;
  readonly list: LookedAt;
  /** null when the file has no such trace. */
  readonly open: Uint8Array | null;
}

export function runJob(
  job: Job,
  history: History,
): Promise<JobResults[Job['kind']]> | JobResults[Job['kind']] {
  switch (job.kind) {
    case 'diagnose':
      return diagnoseDocument(job.traceId, job.bytes, history);
    case 'list':
      return listTraces(toOtlp(asBuffer(job.bytes)));
    case 'open':
      return openTrace(toOtlp(asBuffer(job.bytes)), job.traceId, Date.now());
  }
}

/** What came from another thread is no Buffer any more. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
