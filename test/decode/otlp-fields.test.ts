/** Nothing of a span is lost: every field of the protocol's own definition has a home on every way through decode/. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { tracesFromJson, tracesToJson } from '../../collector/decode/otlp-json.ts';
import {
  decodeResource,
  decodeScope,
  decodeSpan,
  encodeTracesData,
  type ResourceGroup,
} from '../../collector/decode/otlp-protobuf.ts';
import { walkRequest } from '../../collector/decode/walk-request.ts';
import type { Span } from '../../collector/span.ts';
import { decode, encode, fullMessage, messageType } from './otlp-proto.ts';

const full = fullMessage('TracesData');
const bytes = encode('TracesData', full);
const sent = decode('TracesData', bytes);

/** What a store does: takes a request apart into slices, and puts them together again. */
function takeApartAndJoin(request: Uint8Array): Buffer {
  const groups: ResourceGroup[] = walkRequest(request).spans.map(({ resource, scope, bytes }) => ({
    resource,
    scopes: [{ scope, spans: [bytes] }],
  }));
  return encodeTracesData(groups);
}

/** Every span with its resource and scope beside it, however they were grouped. */
function flatten(tracesData: Record<string, unknown>): unknown[] {
  type Group = { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] };
  return (tracesData as unknown as Group).resourceSpans.flatMap(({ scopeSpans, ...resource }) =>
    scopeSpans.flatMap(({ spans, ...scope }) => spans.map((span) => ({ span, scope, resource }))),
  );
}

function spansOf(request: Uint8Array): Span[] {
  return walkRequest(request).spans.map(({ bytes, resource, scope }) =>
    decodeSpan(
      bytes,
      decodeResource(resource.bytes, resource.schemaUrl),
      decodeScope(scope.bytes, scope.schemaUrl),
    ),
  );
}

test('a request taken apart into spans and put together again has every field of every span', () => {
  expect(flatten(decode('TracesData', takeApartAndJoin(bytes)))).toEqual(flatten(sent));
  expect(flatten(sent)).toHaveLength(8);
});

test('protobuf to JSON and back has every field', () => {
  expect(decode('TracesData', tracesFromJson(tracesToJson(bytes)))).toEqual(sent);
});

test('JSON to protobuf and back has every field', () => {
  const json = tracesToJson(bytes);
  expect(JSON.parse(tracesToJson(tracesFromJson(json)))).toEqual(JSON.parse(json));
});

describe('the decoded view shows every field', () => {
  /** Not shown: of profiles, or in development; all are kept in the bytes. */
  const NOT_IN_VIEW = new Set([
    'KeyValue.keyStrindex',
    'AnyValue.stringValueStrindex',
    'Resource.entityRefs',
    'EntityRef.schemaUrl',
    'EntityRef.type',
    'EntityRef.idKeys',
    'EntityRef.descriptionKeys',
  ]);
  const names = [
    'ResourceSpans',
    'ScopeSpans',
    'Span',
    'Span.Event',
    'Span.Link',
    'Status',
    'Resource',
    'InstrumentationScope',
    'KeyValue',
    'AnyValue',
    'ArrayValue',
    'KeyValueList',
  ];
  const fields = names.flatMap((type) =>
    messageType(type).fieldsArray.map((field) => [messageType(type).name, field.name] as const),
  );

  test.each(fields)('%s.%s', (type, field) => {
    const without = encode('TracesData', dropField(messageType('TracesData'), full, type, field));
    const isSame = isDeepStrictEqual(spansOf(without), spansOf(bytes));
    expect(isSame).toBe(NOT_IN_VIEW.has(`${type}.${field}`));
  });

  function dropField(
    type: ReturnType<typeof messageType>,
    message: Record<string, unknown>,
    typeName: string,
    fieldName: string,
  ): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(message)) {
      const field = type.fields[name]!.resolve();
      if (type.name === typeName && name === fieldName) continue;
      const below = field.resolvedType;
      const drop = (item: unknown): unknown =>
        below && 'fields' in below
          ? dropField(below, item as Record<string, unknown>, typeName, fieldName)
          : item;
      copy[name] = Array.isArray(value) ? value.map(drop) : drop(value);
    }
    return copy;
  }
});

test('a request cut short anywhere is refused or is a smaller whole request, never a crash', () => {
  const [first] = walkRequest(bytes).spans;
  const { resource, scope, bytes: span } = first!;
  const one = encodeTracesData([{ resource, scopes: [{ scope, spans: [span] }] }]);
  const outcomes = { refused: 0, smaller: 0 };
  for (let length = 0; length < one.length; length++) {
    try {
      outcomes.smaller += Number(spansOf(one.subarray(0, length)).length === 0);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      outcomes.refused++;
    }
  }
  // The empty request is whole; every other prefix ends inside its one ResourceSpans.
  expect(outcomes).toEqual({ refused: one.length - 1, smaller: 1 });
});
