import { expect, test } from 'vitest';
import { DecodeError } from '../../collector/decode/decode-error.ts';
import { createIntake, type Intake } from '../../collector/receive/intake.ts';
import { StoreUnavailable, type AppendOutcome } from '../../collector/store/store.ts';
import { encode } from '../decode/otlp-proto.ts';
import { newSpans, tracesOf } from './receivers.ts';

/** A store whose appends end when the test says so. */
function heldStore() {
  const waiting: { resolve: (outcome: AppendOutcome) => void; reject: (error: Error) => void }[] = [];
  return {
    store: {
      append: () => new Promise<AppendOutcome>((resolve, reject) => waiting.push({ resolve, reject })),
    },
    waiting,
  };
}

function outcome(counts: Partial<AppendOutcome>): AppendOutcome {
  return { stored: 0, duplicate: 0, refused: 0, refusedMessage: '', warning: '', ...counts };
}

function request(spans: number): Buffer {
  return encode('TracesData', tracesOf(newSpans(spans)));
}

function expectSumHolds(intake: Intake): void {
  const { received, stored, refused, dropped, duplicate, queued } = intake.counters();
  expect(received).toBe(stored + refused + dropped + duplicate + queued);
}

test('spans are queued until the store has them, then stored, duplicate or refused, and the sum holds throughout', async () => {
  const { store, waiting } = heldStore();
  const intake = createIntake({ store, maxQueueBytes: 1e6, log: () => {} });
  const answers = [intake.accept(request(5)), intake.accept(request(7))];
  expect(intake.counters()).toMatchObject({ received: 12, queued: 12 });
  expectSumHolds(intake);
  waiting[0]!.resolve(outcome({ stored: 2, duplicate: 2, refused: 1 }));
  await answers[0];
  expect(intake.counters()).toEqual({
    received: 12,
    stored: 2,
    duplicate: 2,
    refused: 1,
    dropped: 0,
    queued: 7,
  });
  waiting[1]!.reject(new StoreUnavailable('disk full'));
  await expect(answers[1]).rejects.toThrow(StoreUnavailable);
  expect(intake.counters()).toEqual({
    received: 12,
    stored: 2,
    duplicate: 2,
    refused: 8,
    dropped: 0,
    queued: 0,
  });
  expect(intake.queue().bytes).toBe(0);
});

test('a full intake refuses, says so once, and takes again when there is room', async () => {
  const { store, waiting } = heldStore();
  const lines: string[] = [];
  const bytes = request(30).length;
  const intake = createIntake({ store, maxQueueBytes: 2 * bytes, log: (line) => lines.push(line) });
  const accepted = [intake.accept(request(30)), intake.accept(request(30))];
  expect(intake.queue()).toEqual({ bytes: 2 * bytes, max: 2 * bytes });
  await expect(intake.accept(request(30))).rejects.toThrow(
    /intake is full: got .*, expected at most 0; retry later/,
  );
  await expect(intake.accept(request(30))).rejects.toThrow(StoreUnavailable);
  expect(intake.counters()).toMatchObject({ received: 120, refused: 60, queued: 60 });
  expectSumHolds(intake);
  expect(lines).toHaveLength(1);

  for (const { resolve } of waiting) resolve(outcome({ stored: 30 }));
  await Promise.all(accepted);
  expect(lines[1]).toBe('spans are taken again: 2 requests were sent back');
  void intake.accept(request(30));
  expect(intake.counters()).toMatchObject({ received: 150, stored: 60, refused: 60, queued: 30 });
});

test('a store that cannot take spans sends requests back, says so once, and says when it can again', async () => {
  const { store, waiting } = heldStore();
  const lines: string[] = [];
  const intake = createIntake({ store, maxQueueBytes: 1e6, log: (line) => lines.push(line) });
  for (let i = 0; i < 2; i++) {
    const answer = intake.accept(request(1));
    waiting.at(-1)!.reject(new StoreUnavailable('the disk is full'));
    await expect(answer).rejects.toThrow(StoreUnavailable);
  }
  expect(lines).toEqual(['the disk is full; senders are told to retry']);
  expect(intake.requests()).toMatchObject({ overloaded: 2, refused: 0 });
  const taken = intake.accept(request(1));
  waiting.at(-1)!.resolve(outcome({ stored: 1 }));
  await taken;
  expect(lines[1]).toBe('spans are taken again: 2 requests were sent back');
  expectSumHolds(intake);
});

test('small requests are bounded too', async () => {
  const { store, waiting } = heldStore();
  const intake = createIntake({ store, maxQueueBytes: 100_000, log: () => {} });
  const answers = Array.from({ length: 200 }, () => intake.accept(request(1)));
  const settled = Promise.allSettled(answers);
  expect(waiting.length).toBeLessThan(100);
  for (const { resolve } of waiting) resolve(outcome({ stored: 1 }));
  expect((await settled).filter(({ status }) => status === 'rejected')).toHaveLength(200 - waiting.length);
  expectSumHolds(intake);
});

test('an empty request succeeds without the store', async () => {
  const { store, waiting } = heldStore();
  const intake = createIntake({ store, maxQueueBytes: 1e6, log: () => {} });
  expect(await intake.accept(Buffer.alloc(0))).toEqual(outcome({}));
  expect(waiting).toHaveLength(0);
});

test('a request of the whole limit is accepted when nothing else is in flight, one more byte never', async () => {
  const { store, waiting } = heldStore();
  const bytes = request(100);
  const exact = createIntake({ store, maxQueueBytes: bytes.length, log: () => {} });
  const accepted = exact.accept(bytes);
  waiting[0]!.resolve(outcome({ stored: 100 }));
  expect(await accepted).toMatchObject({ stored: 100 });
  const tight = createIntake({ store, maxQueueBytes: bytes.length - 1, log: () => {} });
  await expect(tight.accept(bytes)).rejects.toThrow(StoreUnavailable);
});

test('a request without spans that is broken elsewhere is refused', async () => {
  const { store } = heldStore();
  const intake = createIntake({ store, maxQueueBytes: 1e6, log: () => {} });
  const brokenResource = Buffer.from([0x0a, 4, 0x0a, 2, 0x0a, 9]);
  await expect(intake.accept(brokenResource)).rejects.toThrow(DecodeError);
});

test('undecodable bytes never reach the store', async () => {
  const { store, waiting } = heldStore();
  const intake = createIntake({ store, maxQueueBytes: 1e6, log: () => {} });
  await expect(intake.accept(Buffer.from([0x0a, 9, 1]))).rejects.toThrow(DecodeError);
  expect(waiting).toHaveLength(0);
  expect(intake.queue().bytes).toBe(0);
  expectSumHolds(intake);
});
