/**
 * Recognises calls that are long because they are meant to be: streams, long polls, blocking commands. They stay out
 * of latency, of "no timeout at all" and of abandoned work, and their own timers are no give-ups.
 */
import { numberAttribute, textAttribute, type Attributes, type Span } from '../span.ts';

const BLOCKING_COMMAND =
  /^\s*(?:BLPOP|BRPOP|BLMOVE|BLMPOP|BRPOPLPUSH|BZPOPMIN|BZPOPMAX|BZMPOP|P?SUBSCRIBE|SSUBSCRIBE|LISTEN|MONITOR|WAIT)\b|^\s*XREAD(?:GROUP)?\b.*\bBLOCK\b/i;

export function isLongByDesign(span: Span): boolean {
  const { attributes } = span;
  if (attributes.get('sockeye.stream') === true) return true;
  // Spans with few attributes are most of a large trace.
  if (attributes.size === 0) return receivedSeveralMessages(span);
  return isHttpStream(attributes) || isBlockingCommand(attributes) || receivedSeveralMessages(span);
}

function isHttpStream(attributes: Attributes): boolean {
  const status =
    numberAttribute(attributes, 'http.response.status_code') ??
    numberAttribute(attributes, 'http.status_code');
  if (status === 101) return true;
  const method = textAttribute(attributes, 'http.request.method') ?? textAttribute(attributes, 'http.method');
  if (method === 'CONNECT') return true;
  if (/^wss?:/.test(textAttribute(attributes, 'url.full') ?? textAttribute(attributes, 'http.url') ?? ''))
    return true;
  return ['http.response.header.content-type', 'http.request.header.accept'].some((key) => {
    const value = attributes.get(key);
    const first = Array.isArray(value) ? value[0] : value;
    return typeof first === 'string' && first.startsWith('text/event-stream');
  });
}

function isBlockingCommand(attributes: Attributes): boolean {
  const command =
    textAttribute(attributes, 'db.query.text') ??
    textAttribute(attributes, 'db.statement') ??
    textAttribute(attributes, 'db.operation.name') ??
    textAttribute(attributes, 'db.operation');
  if (command !== null && BLOCKING_COMMAND.test(command.slice(0, 500))) return true;
  const messaging =
    textAttribute(attributes, 'messaging.operation.type') ?? textAttribute(attributes, 'messaging.operation');
  return messaging === 'receive' || textAttribute(attributes, 'rpc.method') === 'ReceiveMessage';
}

/** RPC instrumentations number the messages of a call; only a streaming one receives a second. */
function receivedSeveralMessages(span: Span): boolean {
  return span.events.some(
    (event) =>
      event.attributes.get('message.type') === 'RECEIVED' &&
      (numberAttribute(event.attributes, 'message.id') ?? 0) >= 2,
  );
}
