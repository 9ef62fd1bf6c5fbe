/**
 * Which values the attributes of a block's spans have: a search for a value opens the blocks that may have it, no others.
 *
 *     resources, scopes │ keys whose values are not in the filter │ a Bloom filter of all other keys and values
 *
 * Seven bits for each different value of a key: of the blocks without it, one in thirty is opened in vain. Of calls with a
 * path, an address and a port of their own, they take 1.3 bytes a span.
 */
import type { GatheredColumn } from './gather-values.ts';
import { numberOfCode, OPERATIONS } from './operations.ts';
import { PackedIntegers, packIntegers } from './pack-integers.ts';
import { PART_BYTES_MAX, type PartSink, type PartSource } from './part.ts';
import type { Shape } from './shape-book.ts';
import { viewOf, type StringPool } from './string-pool.ts';
import { GRANULE_ROWS_MAX } from './zone.ts';

export const VALUES = 'values';
/** A smaller block is soon merged. */
export const FILTERED_ROWS_MIN = 16_384;
const BITS_PER_VALUE = 7;
const PROBES = 5;

export interface FilteredBlock {
  readonly strings: StringPool;
  readonly columns: readonly GatheredColumn[];
  /** Those that occur. */
  readonly shapes: readonly Shape[];
  readonly resources: Uint32Array;
  readonly scopes: Uint32Array;
}

/** False, with nothing written, where spans are kept whole: nobody knows of their attributes without decoding them. */
export function writeValueFilter(sink: PartSink, block: FilteredBlock): boolean {
  if (block.shapes.some(isRaw)) return false;
  const unknown = new Set(block.shapes.flatMap(keysTwice));
  const columns = block.columns.filter(({ name }) => {
    const isAttribute = name[1] === '/' && name[3] === '/';
    // Arrays are asked for each of their elements, and fractions are seldom asked for by their digits.
    const isUnknown = isAttribute && (name[2] === 'a' || name[2] === 'd');
    if (isUnknown) unknown.add(name.slice(4));
    // Bytes, and maps, are not written as text, so that nothing equals them.
    return isAttribute && 'sbil'.includes(name[2]!);
  });
  for (const ids of [block.resources, block.scopes]) {
    const different = differentOf(ids);
    sink.loose.varint(different.length);
    packIntegers(sink, different, 0, different.length, 1);
  }
  sink.loose.varint(unknown.size);
  for (const key of unknown) sink.loose.text(key);
  hashes.count = 0;
  for (const { name, words } of columns) {
    if (name[2] === 's') addStrings(block.strings, words[0]!.values, seedOf(name));
    else addWords(words[0]!.values, words[1]?.values ?? null, seedOf(name));
  }
  const filter = filterOf(hashes.values.subarray(0, hashes.count));
  sink.loose.varint(filter.length);
  sink.dense.copy(filter, 0, filter.length);
  return true;
}

/** Rising. Neighbours are mostly the same. */
function differentOf(ids: Uint32Array): Uint32Array {
  const different = new Set<number>();
  let last = -1;
  for (let index = 0; index < ids.length; index++) {
    if (ids[index] === last) continue;
    last = ids[index]!;
    different.add(last);
  }
  return Uint32Array.from(different).toSorted();
}

function addStrings(strings: StringPool, ids: Uint32Array, seed: number): void {
  const view = viewOf(strings.bytes);
  if (isSeen.length < strings.count) isSeen = new Uint8Array(2 * strings.count);
  isSeen.fill(0, 0, strings.count);
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    if (isSeen[id] === 1) continue;
    isSeen[id] = 1;
    addHash(hashOfBytes(seed, view, strings.starts[id]!, strings.starts[id + 1]!));
  }
}

function addWords(low: Uint32Array, high: Uint32Array | null, seed: number): void {
  lastHashes.fill(0);
  for (let index = 0; index < low.length; index++) {
    const hash = hashOfWords(seed, low[index]!, high === null ? 0 : high[index]!);
    const at = hash & (LAST_HASHES - 1);
    if (lastHashes[at] === hash) continue;
    lastHashes[at] = hash;
    addHash(hash);
  }
}

/** Memory that is used again by every call, and by no one between two calls. */
let isSeen = new Uint8Array(0);
const hashes = { values: new Int32Array(1 << 12), count: 0 };
/** By their lowest bits: most of what comes again is not added again. */
const LAST_HASHES = 1 << 16;
const lastHashes = new Int32Array(LAST_HASHES);

function addHash(hash: number): void {
  if (hashes.count === hashes.values.length) {
    const larger = new Int32Array(2 * hashes.count);
    larger.set(hashes.values);
    hashes.values = larger;
  }
  hashes.values[hashes.count++] = hash;
}

function filterOf(values: Int32Array): Uint8Array {
  const filter = new Uint8Array(Math.ceil((values.length * BITS_PER_VALUE) / 8));
  const bits = 8 * filter.length;
  for (let index = 0; index < values.length; index++) setBits(filter, bits, values[index]!);
  return filter;
}

function setBits(filter: Uint8Array, bits: number, value: number): void {
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = bitOf(value, probe, bits);
    filter[bit >>> 3]! |= 1 << (bit & 7);
  }
}

export class ValueFilter {
  /** Of memory. */
  readonly bytes: number;
  /** Whose spans are in the block: the values of these are not in the filters. */
  readonly resources: Uint32Array;
  readonly scopes: Uint32Array;
  readonly #unknown: ReadonlySet<string>;
  readonly #filter: Uint8Array;

  /** Throws DamagedPart. */
  constructor(source: PartSource) {
    const { dense, loose } = source;
    const readIds = () => new PackedIntegers(source, loose.varint(GRANULE_ROWS_MAX)).toArray();
    this.resources = readIds();
    this.scopes = readIds();
    const keys = loose.varint(loose.bytes.length);
    this.#unknown = new Set(Array.from({ length: keys }, () => loose.text(loose.bytes.length)));
    this.#filter = dense.take(loose.varint(PART_BYTES_MAX));
    this.bytes = dense.bytes.length + loose.bytes.length;
  }

  /** Nothing is known of the values of the key. */
  isUnknown(key: string): boolean {
    return this.#unknown.has(key);
  }

  /** Whether a span, or an event or link of one, may have one of these, as `hashesOf` gives them. */
  mayHave(wanted: readonly number[]): boolean {
    return wanted.some((hash) => isIn(this.#filter, hash));
  }
}

/** Of all that is written so and has the key. */
export function hashesOf(key: string, text: string): readonly number[] {
  const seedOfType = (type: string) => seedOf(`a/${type}/${key}`);
  const string = Buffer.from(text);
  const wanted = [hashOfBytes(seedOfType('s'), viewOf(string), 0, string.length)];
  const isTrue = text === 'true';
  if (isTrue || text === 'false') wanted.push(hashOfWords(seedOfType('b'), Number(isTrue), 0));
  const integer = integerOf(text);
  if (integer !== null) {
    const low = Number(BigInt.asUintN(32, integer));
    const high = Number(BigInt.asUintN(32, integer >> 32n));
    for (const type of ['i', 'l']) wanted.push(hashOfWords(seedOfType(type), low, high));
  }
  return wanted;
}

function isIn(filter: Uint8Array, hash: number): boolean {
  if (filter.length === 0) return false;
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = bitOf(hash, probe, 8 * filter.length);
    if ((filter[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

function isRaw({ steps }: Shape): boolean {
  return steps.some(({ code }) => OPERATIONS[numberOfCode(code)]!.content === 'raw');
}

/** A list of attributes that has a key twice is for decoding to tell. */
function keysTwice({ steps }: Shape): string[] {
  const twice: string[] = [];
  let seen = new Set<string>();
  for (const { code, key } of steps) {
    const { content } = OPERATIONS[numberOfCode(code)]!;
    if (content === 'open') seen = new Set();
    if (content !== 'attribute') continue;
    if (seen.has(key)) twice.push(key);
    seen.add(key);
  }
  return twice;
}

/** As an attribute that is an integer is written; null for any other text. */
function integerOf(text: string): bigint | null {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return null;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : null;
}

// What follows is stored in effect: whoever changes it must change the part's name, too.

function bitOf(hash: number, probe: number, bits: number): number {
  const step = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) | 1;
  return Math.floor(((hash + Math.imul(probe, step)) >>> 0) * (bits / 2 ** 32));
}

/** Of type and key: wherever the attribute stands. */
function seedOf(columnName: string): number {
  const bytes = Buffer.from(columnName.slice(2));
  return hashOfBytes(0, viewOf(bytes), 0, bytes.length);
}

function hashOfBytes(seed: number, view: DataView, from: number, end: number): number {
  let hash = seed ^ (end - from);
  let at = from;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  return mix(hash);
}

function hashOfWords(seed: number, low: number, high: number): number {
  return mix(Math.imul(seed ^ low, 0x9e3779b1) ^ high);
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
