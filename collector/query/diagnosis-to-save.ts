/** What the store keeps of a diagnosis beside what it says: when each caller started to wait, and where the trace came in. */
import type { Diagnosis } from '../diagnose/verdict.ts';
import { operationOf, serviceOf, type Span } from '../span.ts';
import type { DiagnosisToSave } from '../store/store.ts';

/** `sent` are the trace's spans by start, as they were sent. */
export function diagnosisToSave(diagnosis: Diagnosis, sent: readonly Span[]): DiagnosisToSave {
  const root = sent.find((span) => span.parentSpanId === '') ?? sent[0];
  const startsUnixMs = diagnosis.verdicts.map(({ giveUp }) => {
    const span = sent.find(({ spanId }) => spanId === giveUp.spanId);
    return span === undefined ? Date.parse(giveUp.at) : Number(span.startUnixNano) / 1e6;
  });
  return {
    diagnosis,
    spanCount: sent.length,
    entry: root === undefined ? NO_ENTRY : { service: serviceOf(root), operation: operationOf(root) },
    startsUnixMs,
  };
}

const NO_ENTRY = { service: '', operation: '' };
