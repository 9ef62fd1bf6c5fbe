/** Evidence: a fact with the span and attribute it can be looked up in. */
import { numberAttribute, shownName, textAttribute, type Attributes } from '../span.ts';
import { errorWords, httpStatusOf } from './outcome.ts';
import { openSslReason } from './tls-words.ts';
import type { TraceNode } from './tree.ts';
import type { Evidence } from './verdict.ts';

const TEXT_CHARS_MAX = 200;

/** null when the span does not carry the attribute. */
export function attributeFact(node: TraceNode, attribute: string, text: string): Evidence | null {
  const value = node.span.attributes.get(attribute);
  if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') return null;
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  const source = attribute.startsWith('sockeye.tcp.') ? 'client-kernel' : 'span';
  const shown = typeof value === 'string' ? shownName(value) : value;
  return { text, spanId: node.span.spanId, attribute, value: shown, source };
}

/** A fact of the span itself: its times, its status, its place in the trace. */
export function spanFact(node: TraceNode, text: string, value: Evidence['value'] = null): Evidence {
  return { text, spanId: node.span.spanId, attribute: null, value, source: 'span' };
}

export function historyFact(text: string, value: number): Evidence {
  return { text, spanId: null, attribute: null, value, source: 'history' };
}

/** `name` is of a counter or value of a host's view. */
export function hostFact(text: string, name: string, value: number | string): Evidence {
  return { text, spanId: null, attribute: name, value, source: 'host' };
}

/** What OpenTelemetry's instrumentation of pg writes in the place of an exception's message; the status has the driver's. */
const SAYS_NOTHING = /^PostgreSQL error of type '[^']*' occurred \(code: \w+\)$/;

/** What the span's error says, in its own words. */
export function errorFact(node: TraceNode): Evidence | null {
  const said = errorWords(node.span);
  const last = said.findLast(({ words }) => !SAYS_NOTHING.test(words)) ?? said.at(-1);
  if (last === undefined) return null;
  const line = last.words.split('\n').findLast((each) => each !== '') ?? last.words;
  const words = openSslReason(line);
  const quoted = words.length > TEXT_CHARS_MAX ? `${words.slice(0, TEXT_CHARS_MAX)}…` : words;
  // Where an attribute of the span says the same, it can be looked up there.
  const { attribute } = said.find((other) => other.words === last.words) ?? last;
  return {
    text: `the error says: ${quoted}`,
    spanId: node.span.spanId,
    attribute,
    value: quoted,
    source: 'span',
  };
}

/** Kernel evidence of the call itself; null where the values are those of a connection shared with other calls. */
export function tcpValue(attributes: Attributes, name: string): number | null {
  if (attributes.get('sockeye.tcp.scope') === 'connection') return null;
  return numberAttribute(attributes, `sockeye.tcp.${name}`);
}

/** What holds at the moment it is read, for all that a connection carries: what is unacknowledged now, not what was sent again before. */
export function tcpValueNow(attributes: Attributes, name: 'unacked' | 'retransmits'): number | null {
  return numberAttribute(attributes, `sockeye.tcp.${name}`);
}

/**
 * Bytes of an answer whose head never ended. null where the counter is not known to be of an answer alone: TLS and the
 * greetings of other protocols count as well, and what lies unread may be the rest of the head.
 */
export function headBytesOf({ span, outcome: { giveUp } }: TraceNode): number | null {
  const { attributes } = span;
  const bytes = tcpValue(attributes, 'bytes_received') ?? 0;
  const isAnswer =
    /^http:/i.test(textAttribute(attributes, 'url.full') ?? '') &&
    !attributes.has('sockeye.phase.tls_ms') &&
    tcpValue(attributes, 'unread') === 0 &&
    giveUp?.phaseKnown === true &&
    giveUp.phase === 'wait' &&
    httpStatusOf(span) === null;
  return isAnswer && bytes > 0 ? bytes : null;
}

/** Of a reused connection only those not yet recovered are known to be the call's own. */
export function retransmitsOf(attributes: Attributes): number | null {
  return tcpValue(attributes, 'total_retransmits') ?? tcpValue(attributes, 'retransmits');
}

export function retransmitFact(node: TraceNode, text: string): Evidence | null {
  return tcpFact(node, 'total_retransmits', text) ?? tcpFact(node, 'retransmits', text);
}

export function tcpFact(node: TraceNode, name: string, text: string): Evidence | null {
  return attributeFact(node, `sockeye.tcp.${name}`, text);
}

/** `3.000 s`, `1.2 ms`: seconds from a tenth of one. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return 'without end';
  return ms >= 100 ? `${(ms / 1_000).toFixed(3)} s` : `${Number(ms.toPrecision(2))} ms`;
}
