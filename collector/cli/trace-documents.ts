/**
 * Many traces as one document of a format: what stands in the collector's document of each is put into one pair of
 * brackets, so that nothing of a trace is parsed, and only one is held at a time. Pure.
 *
 *     {"resourceSpans":[A]}  {"resourceSpans":[B]}   →   {"resourceSpans":[A,B]}
 */
import { tracesFromJson } from '../decode/otlp-json.ts';

export type ExportFormat = keyof typeof FORMATS;

interface Format {
  /** `format=` of `GET /api/traces/:id`. */
  readonly asked: 'otlp' | 'jaeger' | 'zipkin';
  readonly open: string;
  readonly between: string;
  close(traces: number): string;
  /** What goes into the brackets. */
  member(document: Buffer): Uint8Array;
}

export class UnknownDocument extends Error {
  override readonly name = 'UnknownDocument';
}

const jaegerEnd = (traces: number): string => `],"total":${traces},"limit":0,"offset":0,"errors":null}`;

export const FORMATS = {
  otlp: brackets('otlp', '{"resourceSpans":[', () => ']}'),
  // Messages of repeated fields that follow each other are one message.
  'otlp-protobuf': {
    asked: 'otlp',
    open: '',
    between: '',
    close: () => '',
    member: (document) => tracesFromJson(document.toString()),
  },
  jaeger: brackets('jaeger', '{"data":[', jaegerEnd),
  zipkin: brackets('zipkin', '[', () => ']'),
} as const satisfies Record<string, Format>;

function brackets(asked: Format['asked'], open: string, close: Format['close']): Format {
  return {
    asked,
    open,
    between: ',',
    close,
    member(document) {
      const end = document.length - close(1).length;
      const isKnown =
        document.toString('latin1', 0, open.length) === open && document.toString('latin1', end) === close(1);
      if (isKnown) return document.subarray(open.length, end);
      const got = document.toString('latin1', 0, 40);
      throw new UnknownDocument(
        `got a document that begins with ${got}, expected ${open} as this version of the collector writes it`,
      );
    },
  };
}

/** The whole document, piece by piece. */
export async function* joinDocuments(
  format: Format,
  documents: AsyncIterable<Buffer>,
): AsyncGenerator<Uint8Array> {
  let traces = 0;
  for await (const document of documents) {
    const member = format.member(document);
    // Of a trace without spans there is nothing to separate.
    if (member.length === 0) continue;
    // Nothing is written before there is something to write.
    yield Buffer.from(traces++ === 0 ? format.open : format.between);
    yield member;
  }
  yield Buffer.from(`${traces === 0 ? format.open : ''}${format.close(traces)}`);
}
