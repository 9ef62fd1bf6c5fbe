/** What the store keeps of a diagnosis: its verdicts, when each caller started to wait, and where the trace came in. */
import { hostQuestion } from '../diagnose/hosts/host-question.ts';
import type { Diagnosis, Verdict } from '../diagnose/verdict.ts';
import { operationOf, serviceOf, type Span } from '../span.ts';
import type { DiagnosisToSave } from '../store/store.ts';
import { peerOf } from './callee.ts';

/** `sent` are the trace's spans by start, as they were sent. */
export function diagnosisToSave({ traceId, verdicts }: Diagnosis, sent: readonly Span[]): DiagnosisToSave {
  const root = sent.find((span) => span.parentSpanId === '') ?? sent[0];
  const originOf = ({ origin }: Verdict) => sent.find(({ spanId }) => spanId === origin.spanId);
  const serverOf = ({ origin }: Verdict) =>
    sent.find(({ parentSpanId, kind }) => parentSpanId === origin.spanId && kind === 'server');
  return {
    traceId,
    spanCount: sent.length,
    entry: root === undefined ? NO_ENTRY : { service: serviceOf(root), operation: operationOf(root) },
    verdicts: verdicts.map((verdict) => {
      const { giveUp, origin, phase, cause, category } = verdict;
      const atUnixMs = Date.parse(giveUp.at);
      const span = sent.find(({ spanId }) => spanId === giveUp.spanId);
      return {
        phase,
        cause,
        category,
        kind: giveUp.kind,
        edge: origin.edge,
        bareEdge: bareEdgeOf(verdict, originOf(verdict)),
        giveUpSpanId: giveUp.spanId,
        originSpanId: origin.spanId,
        startUnixMs: span === undefined ? atUnixMs : Number(span.startUnixNano) / 1e6,
        atUnixMs,
        json: JSON.stringify(verdict),
        question: hostQuestion(verdict, originOf(verdict), serverOf(verdict)),
      };
    }),
  };
}

/** What the call itself says of its callee, as the map names it while nothing is remembered of the address. */
function bareEdgeOf({ origin }: Verdict, span: Span | undefined): string {
  const peer = span === undefined || !origin.edge.includes('->') ? null : peerOf(span);
  return peer === null ? origin.edge : `${origin.service}->${peer.name}`;
}

const NO_ENTRY = { service: '', operation: '' };
