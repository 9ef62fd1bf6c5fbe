/** Moments as OTLP writes them: nanoseconds since 1970, as two halves of 64 bits. */
import { performance } from 'node:perf_hooks';
import type { ByteWriter } from './byte-writer.ts';
import type { Moment } from './span-data.ts';

const twoTo32 = 2 ** 32;
/** A clock that was put right by less stays as it is: spans that follow each other must not seem to overlap. */
const driftMsMax = 50;

let originHigh = 0;
let originLow = 0;
let originMs = NaN;

/** The clock of `performance` does not hear of a machine that slept or was set: to be called now and then. */
export function followWallClock(): void {
  const wallOriginMs = Date.now() - performance.now();
  if (Math.abs(wallOriginMs - originMs) > driftMsMax) setOrigin(wallOriginMs);
}

function setOrigin(ms: number): void {
  originMs = ms;
  const nano = BigInt(Math.round(ms * 1000)) * 1000n;
  originHigh = Number(nano >> 32n);
  originLow = Number(nano & 0xffff_ffffn);
}

setOrigin(performance.timeOrigin);

/** Whatever stands for a time in the OpenTelemetry API; undefined when it is none. */
export function momentOf(time: unknown): Moment | undefined {
  if (typeof time === 'number' && Number.isFinite(time)) {
    return time <= performance.now() ? time : nanoOfMs(time);
  }
  if (time instanceof Date && Number.isFinite(time.getTime())) return nanoOfMs(time.getTime());
  if (Array.isArray(time) && time.length === 2 && time.every(Number.isFinite)) {
    const [seconds, nano] = time as [number, number];
    return BigInt(Math.trunc(seconds)) * 1_000_000_000n + BigInt(Math.round(nano));
  }
  return undefined;
}

function nanoOfMs(ms: number): bigint {
  return BigInt(Math.trunc(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1e6));
}

export function nanoOf(moment: Moment): bigint {
  if (typeof moment === 'bigint') return moment;
  return (BigInt(originHigh) << 32n) + BigInt(originLow) + BigInt(Math.round(moment * 1e6));
}

export function isBefore(a: Moment, b: Moment): boolean {
  return typeof a === 'number' && typeof b === 'number' ? a < b : nanoOf(a) < nanoOf(b);
}

export function writeMoment(writer: ByteWriter, moment: Moment): void {
  if (typeof moment === 'bigint' || moment < 0) {
    const nano = BigInt.asUintN(64, nanoOf(moment));
    writer.fixed64(Number(nano >> 32n), Number(nano & 0xffff_ffffn));
    return;
  }
  const sinceOrigin = Math.round(moment * 1e6);
  const high = Math.floor(sinceOrigin / twoTo32);
  const low = originLow + (sinceOrigin - high * twoTo32);
  const carry = low >= twoTo32 ? 1 : 0;
  writer.fixed64(originHigh + high + carry, low - carry * twoTo32);
}
