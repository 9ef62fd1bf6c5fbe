/**
 * The spans of a whole OTLP document (`TracesData`, or an export request), by start. Spans of one ResourceSpans share
 * their resource, those of one ScopeSpans their scope. For documents that `walkRequest` let in: little is checked here.
 */
import type { Span } from '../span.ts';
import { decodeResource, decodeScope, decodeSpan } from './otlp-protobuf.ts';
import { ProtobufReader } from './protobuf-reader.ts';

/** Tags, `number << 3 | wire type`. ResourceSpans and ScopeSpans have the same three fields. */
const RESOURCE_SPANS_TAG = 0x0a;
const CONTEXT_TAG = 0x0a;
const CHILDREN_TAG = 0x12;
const SCHEMA_URL_TAG = 0x1a;

export function decodeTraces(document: Uint8Array): Span[] {
  const spans: Span[] = [];
  const reader = new ProtobufReader(document);
  while (reader.more) {
    const tag = reader.tag();
    if (tag !== RESOURCE_SPANS_TAG) {
      reader.skip(tag & 7);
      continue;
    }
    const ofResource = reader.nested(readGroup);
    const resource = decodeResource(ofResource.context, ofResource.schemaUrl);
    for (const scopeSpans of ofResource.children) {
      const ofScope = readGroup(new ProtobufReader(scopeSpans));
      const scope = decodeScope(ofScope.context, ofScope.schemaUrl);
      for (const span of ofScope.children) spans.push(decodeSpan(span, resource, scope));
    }
  }
  return spans.toSorted(byStart);
}

interface Group {
  /** Of the resource or scope; one that was sent in parts is the parts in a row. */
  readonly context: Buffer;
  readonly schemaUrl: string;
  readonly children: readonly Buffer[];
}

/** Children may stand before what describes them. */
function readGroup(reader: ProtobufReader): Group {
  const contexts: Buffer[] = [];
  const children: Buffer[] = [];
  let schemaUrl = '';
  while (reader.more) {
    const tag = reader.tag();
    if (tag === CHILDREN_TAG) children.push(reader.slice());
    else if (tag === CONTEXT_TAG) contexts.push(reader.slice());
    else if (tag === SCHEMA_URL_TAG) schemaUrl = reader.string();
    else reader.skip(tag & 7);
  }
  return { context: Buffer.concat(contexts), schemaUrl, children };
}

function byStart(a: Span, b: Span): number {
  return a.startUnixNano < b.startUnixNano ? -1 : a.startUnixNano > b.startUnixNano ? 1 : 0;
}
