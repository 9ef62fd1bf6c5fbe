/** Counters of the host and of the process as an `ExportMetricsServiceRequest`. Pure. */
import { encodeResource, encodeScope, headroomBytes, type Scope } from '../export/export-request.ts';
import { ByteWriter } from '../record/byte-writer.ts';
import { writeMoment } from '../record/clock.ts';
import type { HostCounter } from './counters.ts';

/** Of a metric's name. */
const metricPrefix = 'sockeye.';

const gaugeTag = 0x2a;
const sumTag = 0x3a;
const cumulative = 2;
const twoTo32 = 2 ** 32;

/** `nowMs` is of `performance.now()`. Behind the headroom, as requests of spans are. */
export function encodeHostCounters(
  counters: readonly HostCounter[],
  resource: Readonly<Record<string, unknown>>,
  scope: Scope,
  nowMs: number,
): Buffer {
  const writer = new ByteWriter();
  writer.at = headroomBytes;
  const context = encodeResource(resource);
  writer.byte(0x0a);
  const start = writer.open();
  raw(writer, context);
  writer.byte(0x12);
  const scopeStart = writer.open();
  raw(writer, encodeScope(scope));
  for (const counter of counters) writeMetric(writer, counter, nowMs);
  writer.close(scopeStart);
  writer.close(start);
  return Buffer.from(writer.written());
}

function raw(writer: ByteWriter, bytes: Uint8Array): void {
  writer.reserve(bytes.length + 16);
  writer.raw(bytes);
}

function writeMetric(writer: ByteWriter, { name, value, isTotal }: HostCounter, nowMs: number): void {
  writer.reserve(3 * (metricPrefix.length + name.length) + 96);
  writer.byte(0x12);
  const metric = writer.open();
  writer.byte(0x0a);
  writer.text(metricPrefix + name);
  writer.byte(isTotal ? sumTag : gaugeTag);
  const data = writer.open();
  writer.byte(0x0a);
  const point = writer.open();
  writer.byte(0x19);
  writeMoment(writer, nowMs);
  if (Number.isSafeInteger(value)) {
    writer.byte(0x31);
    writer.fixed64(Math.floor(value / twoTo32), value % twoTo32);
  } else {
    writer.byte(0x21);
    writer.double(value);
  }
  writer.close(point);
  if (isTotal) {
    writer.byte(0x10);
    writer.byte(cumulative);
    writer.byte(0x18);
    writer.byte(1);
  }
  writer.close(data);
  writer.close(metric);
}
