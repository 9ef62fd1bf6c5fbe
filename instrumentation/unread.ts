/**
 * Ends the calls whose answer the program never reads, and keeps: without a reader nothing tells when the last byte comes,
 * and the socket may stay open for ever. Such a call was over with its headers.
 */
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers';
import { endCall, type Call } from './call.ts';
import { guard } from './guard.ts';
import { append, Link, unlink } from './ring.ts';

/** A program that has not begun to read after this long will not. */
const usualLimitMs = 30_000;

/** The answer of a call. */
export class Answer extends Link {
  readonly call: Call;
  readonly body: Readable;

  constructor(call: Call, body: Readable) {
    super();
    this.call = call;
    this.body = body;
  }
}

export interface Unread {
  /** The headers of an answer are there. */
  began(answer: Answer): void;
  ended(answer: Answer): void;
}

/** Looks after answers with one timer, for the one that began first. */
export function watchUnread(limitMs = usualLimitMs): Unread {
  /** In the order in which they began. */
  const answers = new Link();
  let isWaiting = false;
  const wait = (delayMs: number) => {
    isWaiting = true;
    setTimeout(endForgotten, delayMs).unref();
  };
  const endForgotten = guard(() => {
    isWaiting = false;
    while (answers.next !== answers) {
      const answer = answers.next as Answer;
      const { call, body } = answer;
      const remainingMs = (call.headersMs ?? 0) + limitMs - performance.now();
      if (remainingMs > 0) return wait(remainingMs);
      unlink(answer);
      // `null`: nobody has asked for data in any way. What is being read ends by itself.
      if (body.readableFlowing === null) endCall(call, { endMs: call.headersMs });
    }
  });
  return {
    began(answer) {
      append(answers, answer);
      if (!isWaiting) wait(limitMs);
    },
    ended: unlink,
  };
}
