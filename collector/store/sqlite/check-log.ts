/**
 * Whether the write-ahead log still holds what was committed to it. SQLite reads it up to the first page that is not as
 * it was written and takes that for the end: commits behind it would be gone without a word.
 *
 *     -shm   how many pages were committed, and how many of them are in the file already; outlives kill -9
 *     -wal   header │ page │ page │ …   each with a checksum over all before it
 *
 * The index is written after the log was fsynced, so it never claims more than there was. It lives in memory: after a
 * power cut it is gone, or says what was once, and nothing can be told.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { uptime } from 'node:os';

export type LogState =
  | { readonly kind: 'whole' }
  /** All of it is in the file. */
  | { readonly kind: 'needless' }
  /** The first `whole` of `committed` pages are there, and the file fits them. */
  | { readonly kind: 'cut'; readonly whole: number; readonly committed: number }
  /** The same, but the file has pages of what is lost. */
  | { readonly kind: 'mixed'; readonly whole: number; readonly committed: number };

/** Of the database at `path`, which nothing has open. */
export function checkLog(path: string): LogState {
  const index = readIndex(`${path}-shm`);
  if (index === null || index.committed === 0) return { kind: 'whole' };
  const { committed, inFile, begunInFile } = index;
  const whole = wholePages(`${path}-wal`, index);
  if (whole >= committed) return { kind: 'whole' };
  if (inFile >= committed) return { kind: 'needless' };
  return { kind: begunInFile <= whole ? 'cut' : 'mixed', whole, committed };
}

interface LogIndex {
  readonly committed: number;
  /** Pages that a checkpoint has moved into the file, and those it may have. */
  readonly inFile: number;
  readonly begunInFile: number;
  readonly pageBytes: number;
  /** As the log's header has it, which begins anew with another one. */
  readonly salt: Buffer;
}

/** Of SQLite's wal-index: its header twice, then what checkpoints have done; in this machine's order of bytes. */
const INDEX_HEADER_BYTES = 48;
const INDEX_VERSION = 3_007_000;
const SALT = { from: 32, to: 40 };

function readIndex(path: string): LogIndex | null {
  const file = statSync(path, { throwIfNoEntry: false });
  const bootUnixMs = Date.now() - uptime() * 1_000;
  if (file === undefined || file.mtimeMs < bootUnixMs) return null;
  const bytes = readFileSync(path);
  if (bytes.length < 3 * INDEX_HEADER_BYTES) return null;
  const header = bytes.subarray(0, INDEX_HEADER_BYTES);
  const isWhole = header.equals(bytes.subarray(INDEX_HEADER_BYTES, 2 * INDEX_HEADER_BYTES));
  if (!isWhole || header.readUInt32LE(0) !== INDEX_VERSION || header[12] !== 1) return null;
  const pageBytes = header.readUInt16LE(14);
  return {
    pageBytes: pageBytes === 1 ? 65_536 : pageBytes,
    committed: header.readUInt32LE(16),
    salt: header.subarray(SALT.from, SALT.to),
    inFile: bytes.readUInt32LE(2 * INDEX_HEADER_BYTES),
    begunInFile: bytes.readUInt32LE(2 * INDEX_HEADER_BYTES + 32),
  };
}

const LOG_HEADER_BYTES = 32;
const PAGE_HEADER_BYTES = 24;
/** Checksums are of words in this order of bytes: what SQLite writes on machines that Node runs on. */
const LITTLE_ENDIAN_MAGIC = 0x37_7f_06_82;

/** How many pages from the log's start are as they were written, of those committed. */
function wholePages(path: string, { pageBytes, salt, committed }: LogIndex): number {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return 0;
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(LOG_HEADER_BYTES);
    if (readSync(file, header) < LOG_HEADER_BYTES) return 0;
    const sum = new Checksum();
    sum.add(header, 24);
    if (header.readUInt32BE(0) !== LITTLE_ENDIAN_MAGIC || !sum.equals(header, 24)) return 0;
    // Another log than the one that the index is of, and whole: what was in that one is in the file.
    if (!salt.equals(header.subarray(16, 24))) return committed;
    // The words that are summed up lie together.
    const page = Buffer.alloc(PAGE_HEADER_BYTES + pageBytes);
    for (let whole = 0; whole < committed; whole++) {
      if (readSync(file, page) < page.length || !salt.equals(page.subarray(8, 16))) return whole;
      sum.add(page, 8);
      sum.add(page.subarray(PAGE_HEADER_BYTES), pageBytes);
      if (!sum.equals(page, 16)) return whole;
    }
    return committed;
  } finally {
    closeSync(file);
  }
}

/** SQLite's, over pairs of words. */
class Checksum {
  #first = 0;
  #second = 0;

  add(bytes: Buffer, length: number): void {
    let first = this.#first;
    let second = this.#second;
    for (let at = 0; at < length; at += 8) {
      first = (first + bytes.readUInt32LE(at) + second) >>> 0;
      second = (second + bytes.readUInt32LE(at + 4) + first) >>> 0;
    }
    this.#first = first;
    this.#second = second;
  }

  equals(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#first && bytes.readUInt32BE(at + 4) === this.#second;
  }
}
