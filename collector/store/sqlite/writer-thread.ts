/**
 * The writer thread: everything that changes the store happens here, one transaction after the other.
 *
 * Appends that arrive while a commit is running share the next one (group commit): fsync is what costs, and they all
 * wait for one. Each is answered after the commit that holds it.
 */
import { workerData } from 'node:worker_threads';
import { DecodeError } from '../../decode/decode-error.ts';
import type { AppendOutcome } from '../store.ts';
import { answerOf, requestsOf, type AppendAnswer, type AppendBatch } from './append-batches.ts';
import { asStoreError, openForWriting } from './open-database.ts';
import { createRetention, type RetentionSlice } from './retention.ts';
import { PURGE } from './schema.ts';
import { packError, serveThread, type Methods } from './thread.ts';
import { createDiagnosisWriter, type DiagnosisToSave } from './write-diagnosis.ts';
import { createSpanWriter } from './write-spans.ts';

interface WaitingAppend {
  readonly request: Uint8Array;
  readonly answer: (answer: AppendAnswer) => void;
}

/** A commit takes no further request beyond this, so that the first does not wait for the sum of all. */
const COMMIT_BYTES_MAX = 8_000_000;

serveThread(() => {
  const { folder } = workerData as { folder: string };
  const { database, release } = openForWriting(folder);
  const spans = createSpanWriter(database);
  const saveDiagnosis = createDiagnosisWriter(database);
  const dropSlice = createRetention(database, folder);
  const waiting: WaitingAppend[] = [];

  /** Requests that cannot be decoded are refused alone; a commit that fails refuses all it held. */
  const commit = (group: readonly WaitingAppend[]): void => {
    const outcomes = new Map<WaitingAppend, AppendOutcome | Error>();
    try {
      database
        .transaction(() => {
          for (const append of group) outcomes.set(append, writeAlone(append.request));
        })
        .immediate();
    } catch (error) {
      spans.forget();
      const refused = { error: packError(asStoreError(error)) };
      for (const { answer } of group) answer(refused);
      return;
    }
    for (const [append, outcome] of outcomes) {
      append.answer(outcome instanceof Error ? { error: packError(outcome) } : answerOf(outcome));
    }
  };
  const writeAlone = (request: Uint8Array): AppendOutcome | Error => {
    try {
      return spans.write(request);
    } catch (error) {
      if (error instanceof DecodeError) return error;
      throw error;
    }
  };
  const commitGroup = (): void => {
    const group: WaitingAppend[] = [];
    for (let bytes = 0; waiting.length > 0 && bytes < COMMIT_BYTES_MAX;) {
      const append = waiting.shift()!;
      bytes += append.request.byteLength;
      group.push(append);
    }
    if (group.length > 0) commit(group);
  };
  /** One group a turn: its answers leave before the next is written. */
  const commitSoon = (): void => {
    commitGroup();
    if (waiting.length > 0) setImmediate(commitSoon);
  };
  /** What comes after an append sees it. */
  const afterAppends =
    <A, R>(work: (argument: A) => R) =>
    (argument: A): R => {
      while (waiting.length > 0) commitGroup();
      try {
        return work(argument);
      } catch (error) {
        throw asStoreError(error);
      }
    };

  return {
    append: (batch: AppendBatch) => {
      if (waiting.length === 0) setImmediate(commitSoon);
      const answers = requestsOf(batch).map(
        (request) => new Promise<AppendAnswer>((answer) => waiting.push({ request, answer })),
      );
      return Promise.all(answers);
    },
    saveDiagnosis: afterAppends((saved: DiagnosisToSave) => saveDiagnosis(saved)),
    dropSlice: afterAppends((slice: RetentionSlice) => {
      const outcome = dropSlice(slice);
      if (outcome.dropped > 0) spans.forget();
      return outcome;
    }),
    purge: afterAppends(() => {
      database.transaction(() => database.exec(PURGE)).immediate();
      spans.forget();
    }),
    close: afterAppends(() => {
      database.close();
      release();
    }),
  } satisfies Methods;
});
