/** Where a trace comes from: what the collector stores, or a file that is only looked at. */
import type { SpanDetail, SpanDetails } from '../../collector/serve/wire.ts';
import { columnsUrl, getBytes, getJson } from '../api/get.ts';
import { readColumnFile, readTraceColumns, spanAt, type TraceColumns } from './columns.ts';

/** Everything rejects with an ApiError. */
export interface TraceSource {
  columns(signal?: AbortSignal): Promise<TraceColumns>;
  /** What find looks through: a file of its own, which may change hands. */
  texts(): Promise<ArrayBuffer>;
  /** What one span says; null when it is gone meanwhile. */
  detail(columns: TraceColumns, span: number, signal?: AbortSignal): Promise<SpanDetail | null>;
}

export function storedTrace(traceId: string): TraceSource {
  const url = `/api/traces/${traceId}`;
  return {
    columns: async (signal) =>
      readTraceColumns(await getBytes(columnsUrl(traceId), signal ? { signal } : {})),
    texts: () => getBytes(`${url}?format=texts`),
    async detail(columns, span, signal) {
      const { spanId, kind } = spanAt(columns, span);
      const { spans } = await getJson<SpanDetails>(`${url}/spans/${spanId}`, signal);
      // Several where a call and its server share an id.
      return spans.find((other) => other.kind === kind) ?? spans[0] ?? null;
    },
  };
}

/** The collector reads the file and keeps nothing: texts and details come with the columns. */
export function fileTrace(file: Blob, traceId: string): TraceSource {
  let opened: ReturnType<typeof open> | null = null;
  async function open() {
    const answer = await getBytes(`/api/look?trace=${traceId}`, { method: 'POST', body: file });
    const { column } = readColumnFile(answer);
    return {
      answer,
      columns: readTraceColumns(answer),
      detail: column('detail', 'u8'),
      detailEnd: column('detailEnd', 'u32'),
    };
  }
  const read = () =>
    (opened ??= open().catch((error: unknown) => {
      opened = null;
      throw error;
    }));
  return {
    columns: async () => (await read()).columns,
    texts: async () => (await read()).answer.slice(),
    async detail(_columns, span) {
      const { detail, detailEnd } = await read();
      const json = detail.subarray(detailEnd[span - 1] ?? 0, detailEnd[span] ?? 0);
      return JSON.parse(new TextDecoder().decode(json)) as SpanDetail;
    },
  };
}
