/**
 * A part: one column of a granule as it is stored, or a whole segment.
 *
 *     crc32 of the rest and of the part's name │ method │ length of dense │ length of loose │ dense │ loose
 *
 * `dense` holds what does not compress (ids, low bytes of times), `loose` the rest, compressed where that is worth it.
 * The checksum covers what is stored, so damaged bytes are found before anything is made of them.
 */
import { crc32 } from 'node:zlib';
import { ByteSink } from './byte-sink.ts';
import { ByteSource } from './byte-source.ts';
import { compress } from './compress.ts';
import { DamagedPart } from './damaged-part.ts';
import { decompress } from './decompress.ts';

/** Parts as they are written, one behind the other: two streams, each with its own kind of bytes. */
export class PartSink {
  readonly dense = new ByteSink();
  readonly loose = new ByteSink();
  readonly #begun: { readonly name: string; readonly dense: number; readonly loose: number }[] = [];

  begin(name: string): void {
    this.#begun.push({ name, dense: this.dense.length, loose: this.loose.length });
  }

  clear(): void {
    this.dense.length = 0;
    this.loose.length = 0;
    this.#begun.length = 0;
  }

  /** The parts begun, in order; views of their bytes. */
  *parts(): Generator<{ readonly name: string; readonly dense: Buffer; readonly loose: Buffer }> {
    const end = { dense: this.dense.length, loose: this.loose.length };
    for (const [index, { name, dense, loose }] of this.#begun.entries()) {
      const next = this.#begun[index + 1] ?? end;
      yield { name, dense: this.dense.view(dense, next.dense), loose: this.loose.view(loose, next.loose) };
    }
  }
}

/** A part as it is read. */
export interface PartSource {
  readonly dense: ByteSource;
  readonly loose: ByteSource;
}

const STORED = 0;
const COMPRESSED = 1;
const CHECKSUM_BYTES = 4;
/** Below this, compressing saves less than a page. */
const COMPRESSED_BYTES_MIN = 256;
/** Of either stream: more than one request can hold. */
export const PART_BYTES_MAX = 2 ** 30;
const head = new ByteSink();

/** Throws for more than `openPart` would open. */
export function sealPart(
  name: string,
  dense: Uint8Array,
  loose: Uint8Array,
  compressedBytesMin = COMPRESSED_BYTES_MIN,
  allocate: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
): Buffer {
  if (Math.max(dense.length, loose.length) > PART_BYTES_MAX)
    throw new Error(
      `part ${name}: got ${Math.max(dense.length, loose.length)} bytes, expected at most ${PART_BYTES_MAX}`,
    );
  let method = STORED;
  let stored = loose;
  if (loose.length >= compressedBytesMin) {
    const compressed = compress(loose);
    if (compressed.length < loose.length) {
      method = COMPRESSED;
      stored = compressed;
    }
  }
  head.length = 0;
  head.byte(method);
  head.varint(dense.length);
  head.varint(loose.length);
  const denseAt = CHECKSUM_BYTES + head.length;
  const part = allocate(denseAt + dense.length + stored.length);
  part.set(head.view(0, head.length), CHECKSUM_BYTES);
  part.set(dense, denseAt);
  part.set(stored, denseAt + dense.length);
  part.writeUInt32LE(checksumOf(name, part), 0);
  return part;
}

/** Throws DamagedPart when the bytes are not what `sealPart` made of a part of this name. */
export function openPart(name: string, part: Uint8Array): PartSource {
  return explained(name, () => {
    const { method, dense, stored, looseLength } = streamsOf(name, part);
    if (method === COMPRESSED) {
      // Together: a view of the part would keep all of it in memory.
      const both = decompress(stored, looseLength, dense);
      return {
        dense: new ByteSource(both.subarray(0, dense.length)),
        loose: new ByteSource(both.subarray(dense.length)),
      };
    }
    if (method !== STORED || stored.length !== looseLength) {
      throw new DamagedPart(`got method ${method} with ${stored.length} bytes, expected ${looseLength}`);
    }
    return { dense: new ByteSource(dense), loose: new ByteSource(stored) };
  });
}

/** The dense bytes alone, which need no decompressing. Throws DamagedPart. */
export function openDense(name: string, part: Uint8Array): ByteSource {
  return explained(name, () => new ByteSource(streamsOf(name, part).dense));
}

function streamsOf(name: string, part: Uint8Array) {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  if (bytes.length < CHECKSUM_BYTES || bytes.readUInt32LE(0) !== checksumOf(name, bytes)) {
    throw new DamagedPart('its checksum is wrong');
  }
  const source = new ByteSource(bytes);
  source.at = CHECKSUM_BYTES;
  const method = source.byte();
  const denseLength = source.varint(PART_BYTES_MAX);
  const looseLength = source.varint(PART_BYTES_MAX);
  const dense = source.take(denseLength);
  return { method, dense, stored: source.take(bytes.length - source.at), looseLength };
}

function explained<T>(name: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw error instanceof DamagedPart ? new DamagedPart(`part ${name}: ${error.message}`) : error;
  }
}

function checksumOf(name: string, part: Buffer): number {
  return crc32(part.subarray(CHECKSUM_BYTES), crc32(name));
}
