/** Many traces as one document. */
import { describe, expect, test } from 'vitest';
import { FORMATS, joinDocuments, type ExportFormat } from '../../collector/cli/trace-documents.ts';
import { tracesFromJson, tracesToJson } from '../../collector/decode/otlp-json.ts';
import { shopTrace } from '../serve/shop-trace.ts';

async function join(format: ExportFormat, ...documents: string[]): Promise<Buffer> {
  async function* each() {
    for (const document of documents) yield Buffer.from(document);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of joinDocuments(FORMATS[format], each())) pieces.push(piece);
  return Buffer.concat(pieces);
}
const text = async (format: ExportFormat, ...documents: string[]) =>
  (await join(format, ...documents)).toString();

describe('documents are joined', () => {
  test('OTLP JSON', async () => {
    expect(await text('otlp', '{"resourceSpans":[1,2]}', '{"resourceSpans":[3]}')).toBe(
      '{"resourceSpans":[1,2,3]}',
    );
  });
  test('Jaeger JSON, counted anew', async () => {
    const one = (trace: string) => `{"data":[${trace}],"total":1,"limit":0,"offset":0,"errors":null}`;
    expect(await text('jaeger', one('"a"'), one('"b"'))).toBe(
      '{"data":["a","b"],"total":2,"limit":0,"offset":0,"errors":null}',
    );
  });
  test('Zipkin JSON', async () => {
    expect(await text('zipkin', '["é"]', '[2,3]')).toBe('["é",2,3]');
  });
  test('OTLP protobuf, made of the JSON', async () => {
    const [one, other] = [JSON.stringify(shopTrace(0)), JSON.stringify(shopTrace(0, 'a'.repeat(32)))];
    const joined = tracesToJson(await join('otlp-protobuf', one, other));
    const spans = (JSON.parse(joined) as { resourceSpans: unknown[] }).resourceSpans;
    expect(spans).toHaveLength(4);
    expect(joined).toBe(tracesToJson(Buffer.concat([tracesFromJson(one), tracesFromJson(other)])));
  });
});

test('what is empty separates nothing, and no trace at all is an empty document', async () => {
  expect(await text('zipkin', '[]', '[1]', '[]')).toBe('[1]');
  expect(await text('otlp')).toBe('{"resourceSpans":[]}');
  expect(await text('jaeger')).toBe('{"data":[],"total":0,"limit":0,"offset":0,"errors":null}');
  expect((await join('otlp-protobuf')).length).toBe(0);
});

test('nothing is written of a document that is another', async () => {
  await expect(text('otlp', '{"other":[]}')).rejects.toThrow(
    'got a document that begins with {"other":[]}, expected {"resourceSpans":[',
  );
});
