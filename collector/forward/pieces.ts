/** What a lane has read of the queue and is not yet settled, in pieces as they are sent. Pure, but for what it keeps. */
import { countItems, halve, type Signal } from '../decode/otlp-pieces.ts';

/** How often a batch is divided to find what of it is refused; and, where nothing is taken, what is late. */
const SPLITS_MAX = 64;
/** Late pieces that others leave before: they are in memory. */
const ASIDE_MAX = 16;

/** Entries `(afterId, toId]` of the queue. */
export interface Batch {
  readonly afterId: number;
  readonly toId: number;
  openPieces: number;
  splits: number;
  /** While nothing was taken. */
  lateSplits: number;
}
export interface Piece {
  readonly batch: Batch;
  readonly bytes: Buffer;
  readonly items: number;
  tries: number;
  /** How many failures there were when it was sent last. */
  failuresBefore: number;
  /** How many others had been taken when it was made, or late last. */
  takenBefore: number;
  /** It was late: others leave before it until one of them is taken. */
  isAside: boolean;
  /** It was late, or what it is a part of. */
  wasLate: boolean;
  /** It was late, others were taken, and it was late again. */
  isLateAlone: boolean;
}

export interface Pieces {
  /** They leave before those that wait. */
  add(batch: Batch, parts: readonly Buffer[]): void;
  /** The next one to be sent; undefined where none waits but such as are held back. */
  next(): Piece | undefined;
  /** One that is held back, where nothing else is there. */
  heldBack(): Piece | undefined;
  putBack(piece: Piece): void;
  /** Others leave before it, as far as there is room. */
  putAside(piece: Piece): void;
  replace(piece: Piece, parts: readonly Buffer[]): void;
  /** Whether it could be divided. */
  divide(piece: Piece): boolean;
  /** The same of one that was late: as often as it takes where others are taken meanwhile. */
  divideLate(piece: Piece): boolean;
  /** Whether others were taken between two times that it was late, ever: it is not the backend that is away. */
  isLateAlone(piece: Piece): boolean;
  close(piece: Piece): void;
  /** Of those that wait; they are closed. */
  removeWaiting(isGone: (piece: Piece) => boolean): readonly Piece[];
  noteTaken(): void;
  /** Before the first entry that is not settled; Infinity when all are. */
  afterId(): number;
}

export function createPieces(signal: Signal): Pieces {
  const batches = new Set<Batch>();
  let waiting: Piece[] = [];
  let taken = 0;

  function asPiece(batch: Batch, bytes: Buffer, wasLate: boolean): Piece {
    const items = countItems(signal, bytes);
    const kept = { tries: 0, failuresBefore: 0, takenBefore: taken, isAside: false, isLateAlone: false };
    return { batch, bytes, items, ...kept, wasLate };
  }

  function add(batch: Batch, parts: readonly Buffer[], wasLate = false): void {
    if (parts.length === 0) return;
    batch.openPieces += parts.length;
    batches.add(batch);
    waiting.unshift(...parts.map((bytes) => asPiece(batch, bytes, wasLate)));
  }

  function close({ batch }: Piece): void {
    if (--batch.openPieces === 0) batches.delete(batch);
  }

  function replace(piece: Piece, parts: readonly Buffer[], wasLate = false): void {
    add(piece.batch, parts, wasLate);
    close(piece);
  }

  function halved(piece: Piece, wasLate: boolean): boolean {
    const halves = halve(piece.bytes);
    if (halves.length < 2) return false;
    replace(piece, halves, wasLate);
    return true;
  }

  const wereOthersTaken = ({ takenBefore }: Piece): boolean => taken > takenBefore;

  return {
    add,
    next() {
      const at = waiting.findIndex((piece) => !piece.isAside || wereOthersTaken(piece));
      return at < 0 ? undefined : waiting.splice(at, 1)[0];
    },
    heldBack: () => waiting.shift(),
    putBack: (piece) => void waiting.unshift(piece),
    putAside(piece) {
      piece.takenBefore = taken;
      piece.wasLate = true;
      piece.isAside = waiting.filter(({ isAside }) => isAside).length < ASIDE_MAX;
      waiting.unshift(piece);
    },
    replace,
    divide(piece) {
      if (piece.batch.splits >= SPLITS_MAX || !halved(piece, false)) return false;
      piece.batch.splits++;
      return true;
    },
    divideLate(piece) {
      const isBounded = !wereOthersTaken(piece);
      if ((isBounded && piece.batch.lateSplits >= SPLITS_MAX) || !halved(piece, true)) return false;
      if (isBounded) piece.batch.lateSplits++;
      return true;
    },
    isLateAlone(piece) {
      piece.isLateAlone ||= piece.wasLate && wereOthersTaken(piece);
      return piece.isLateAlone;
    },
    close,
    removeWaiting(isGone) {
      const gone = waiting.filter(isGone);
      waiting = waiting.filter((piece) => !isGone(piece));
      for (const piece of gone) close(piece);
      return gone;
    },
    noteTaken: () => void taken++,
    afterId: () => Math.min(...[...batches].map(({ afterId }) => afterId)),
  };
}
