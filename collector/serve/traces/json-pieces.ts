/**
 * A JSON document in pieces: its long lists are written member by member, so that neither all of their members nor all of
 * their text is in memory at a time, and the first are on their way before the last are made.
 */

/** What is written of each member: it may hold such lists itself (`document`), or is written at once. */
type MemberKind = 'document' | 'plain';

/** A list within a document; a member is made when it is written. */
export class LazyList {
  readonly members: Iterable<unknown>;
  readonly kind: MemberKind;

  constructor(members: Iterable<unknown>, kind: MemberKind) {
    this.members = members;
    this.kind = kind;
  }
}

/** Of what `make` makes of each source. */
export function lazyList<Source>(
  sources: Iterable<Source>,
  make: (source: Source) => unknown = (source) => source,
  kind: MemberKind = 'plain',
): LazyList {
  return new LazyList(made(sources, make), kind);
}

function* made<Source>(sources: Iterable<Source>, make: (source: Source) => unknown): Generator<unknown> {
  for (const source of sources) yield make(source);
}

/** A message between threads, and a write to a socket, take some 20 µs: little beside making as much text. */
const PIECE_CHARACTERS = 128 * 1024;

/** UTF-8. */
export function* jsonPieces(document: unknown): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let text = '';
  for (const part of partsOf(document)) {
    text += part;
    if (text.length < PIECE_CHARACTERS) continue;
    yield encoder.encode(text);
    text = '';
  }
  if (text !== '') yield encoder.encode(text);
}

function* partsOf(value: unknown): Generator<string> {
  if (value instanceof LazyList) {
    yield* listParts(value.members, value.kind);
  } else if (Array.isArray(value)) {
    yield* listParts(value, 'document');
  } else if (typeof value === 'object' && value !== null) {
    let before = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* partsOf(member);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  } else {
    yield JSON.stringify(value);
  }
}

function* listParts(members: Iterable<unknown>, kind: MemberKind): Generator<string> {
  let before = '[';
  for (const member of members) {
    yield before;
    if (kind === 'plain') yield JSON.stringify(member);
    else yield* partsOf(member);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
