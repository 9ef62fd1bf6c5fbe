/** The W3C Baggage header: what a peer sent along for the whole request, and what is sent on. Pure. */
import type { Baggage, BaggageEntry, BaggageEntryMetadata } from '@opentelemetry/api';

const entriesMax = 180;
const entryLengthMax = 4096;
const headerLengthMax = 8192;
const printable = /^[\x20-\x7e]*$/;

/** The entries of one or several headers, as far as they keep the rules and the limits; undefined when none does. */
export function parseBaggage(header: unknown): Baggage | undefined {
  const text = Array.isArray(header) ? header.join() : header;
  if (typeof text !== 'string') return undefined;
  const entries = new Map<string, BaggageEntry>();
  let length = 0;
  for (const member of text.split(',')) {
    length += member.length + 1;
    if (length > headerLengthMax + 1 || entries.size >= entriesMax) break;
    const entry = member.length <= entryLengthMax ? parseMember(member) : undefined;
    if (entry) entries.set(entry.key, entry.value);
  }
  return entries.size === 0 ? undefined : new Entries(entries);
}

function parseMember(member: string): { key: string; value: BaggageEntry } | undefined {
  const semicolon = member.indexOf(';');
  const pair = semicolon === -1 ? member : member.slice(0, semicolon);
  const equals = pair.indexOf('=');
  if (equals <= 0) return undefined;
  try {
    const key = decodeURIComponent(pair.slice(0, equals).trim());
    const value = decodeURIComponent(pair.slice(equals + 1).trim());
    if (key === '' || value === '') return undefined;
    const properties = semicolon === -1 ? '' : member.slice(semicolon + 1);
    return { key, value: properties === '' ? { value } : { value, metadata: metadataOf(properties) } };
  } catch {
    // A stray percent sign.
    return undefined;
  }
}

function metadataOf(text: string): BaggageEntryMetadata {
  return { toString: () => text } as BaggageEntryMetadata;
}

/** Undefined when nothing is left to send. */
export function formatBaggage(baggage: Baggage): string | undefined {
  let header = '';
  for (const [key, { value, metadata }] of baggage.getAllEntries().slice(0, entriesMax)) {
    const properties = metadata === undefined ? '' : `;${metadata.toString()}`;
    if (!printable.test(properties)) continue;
    const member = `${encode(key)}=${encode(value)}${properties}`;
    if (member.length > entryLengthMax || header.length + 1 + member.length > headerLengthMax) continue;
    header += header === '' ? member : `,${member}`;
  }
  return header === '' ? undefined : header;
}

/** `encodeURIComponent` throws at half a surrogate pair. */
const encode = (text: string) => encodeURIComponent(text.toWellFormed());

/** As the OpenTelemetry API wants it: immutable. */
class Entries implements Baggage {
  readonly entries: ReadonlyMap<string, BaggageEntry>;

  constructor(entries: ReadonlyMap<string, BaggageEntry>) {
    this.entries = entries;
  }

  getEntry(key: string): BaggageEntry | undefined {
    return this.entries.get(key);
  }

  getAllEntries(): [string, BaggageEntry][] {
    return [...this.entries];
  }

  setEntry(key: string, entry: BaggageEntry): Baggage {
    return new Entries(new Map(this.entries).set(key, entry));
  }

  removeEntry(key: string): Baggage {
    return this.removeEntries(key);
  }

  removeEntries(...keys: string[]): Baggage {
    return new Entries(new Map([...this.entries].filter(([key]) => !keys.includes(key))));
  }

  clear(): Baggage {
    return new Entries(new Map());
  }
}
