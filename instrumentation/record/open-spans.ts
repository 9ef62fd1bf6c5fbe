/**
 * The spans that have not ended, and which of them are due to be told of: a second after their start, then when they are
 * twice as old as the last time. Time is counted in ticks of whoever looks.
 *
 *     level 0   s9 s8 s7 s6   not told of yet
 *     level 1   s5 s3         told of once
 *     level 2   s4 s1         twice; each level waits twice as long as the one before, and is in the order of what is due
 *
 * A span enters and leaves by a few writes, and only the first of each level is looked at: neither cost depends on how many
 * spans are open.
 */
import { append, Link, unlink } from '../ring.ts';

/** A span's place in a level, or the level itself. */
export class OpenLink extends Link {
  dueTick = 0;
}

export const TICKS_PER_SECOND = 4;
/** More than a second: a look may come at any time within a tick. */
const firstTicks = TICKS_PER_SECOND + 1;
/** What a program begins and never ends must not fill its memory: beyond these, the one told of most often is forgotten. */
const OPEN_SPANS_MAX = 10_000;

export class OpenSpans<Open extends OpenLink> {
  /** Told when the first one opens. */
  onFirst: () => void = () => {};
  count = 0;
  #tick = 0;
  readonly #levels = [new OpenLink()];

  add(span: Open): void {
    if (this.count === OPEN_SPANS_MAX) this.#forgetOldest();
    this.count += 1;
    span.dueTick = this.#tick + firstTicks;
    append(this.#levels[0]!, span);
    if (this.count === 1) this.onFirst();
  }

  delete(span: Open): void {
    if (span.next === span) return;
    this.count -= 1;
    unlink(span);
  }

  /** A tick has passed: gives those that are due, at most so many; what is left over is due again at the next one. */
  takeDue(max: number): Open[] {
    this.#tick += 1;
    const due: Open[] = [];
    // One that is moved up is not due again in the same tick.
    for (let level = 0, levels = this.#levels.length; level < levels; level++) {
      const ring = this.#levels[level]!;
      while (due.length < max && ring.next !== ring) {
        const span = ring.next as Open;
        if (span.dueTick > this.#tick) break;
        due.push(span);
        unlink(span);
        span.dueTick = this.#tick + TICKS_PER_SECOND * 2 ** level;
        append((this.#levels[level + 1] ??= new OpenLink()), span);
      }
    }
    return due;
  }

  /** Those told of most often come first. */
  *all(): Generator<Open> {
    for (const ring of this.#levels.toReversed()) {
      for (let link: Link = ring.next; link !== ring; link = link.next) yield link as Open;
    }
  }

  #forgetOldest(): void {
    for (const span of this.all()) return this.delete(span);
  }
}
