/**
 * The life of the writer: commits first, and between them the work that is not urgent, in steps that keep pace with
 * what arrives.
 *
 *     requests ─▶ commit ─▶ open table ──(full, or some time has passed)──▶ fold ─▶ block, rollups
 *                  └─▶ segment: fsynced, so the answer goes out ── deleted by ─┘
 */
import {
  StoreUnavailable,
  type DiagnosisToSave,
  type IncidentStateChange,
  type Patience,
  type PinOutcome,
} from '../../store.ts';
import type { FailedRows } from '../read/failed-rows.ts';
import { requestsOf, type AppendAnswer, type AppendBatch, type RequestKind } from '../append-batches.ts';
import { asStoreError, openForWriting } from '../open-database.ts';
import { createQueueGauge, type ForwardPosition } from '../forwarding.ts';
import { packError } from '../thread.ts';
import { createAppend } from './append.ts';
import { createDiagnosisWriter } from './diagnoses.ts';
import { createFolding, FEW_ROWS } from './folding.ts';
import { createForwardQueue, type ForwardQueueOptions } from './forward-queue.ts';
import { createIncidentStates } from './incident-states.ts';
import { createInterner } from './interner.ts';
import { Jobs } from './jobs.ts';
import { createMaintenance } from './maintenance.ts';
import { isInBlocks } from './known-traces.ts';
import { createWriterParts } from './parts.ts';
import { createPins } from './pins.ts';
import { RecentRequests } from './recent-requests.ts';
import { recoverRequests, recoverSegments } from './recover.ts';
import { createRetention, type RetentionLimits, type SliceOutcome } from './retention.ts';
import { PURGE } from '../schema.ts';
import { holdsTrace, tracesIn } from './unfolded.ts';
import { createUpkeep } from './upkeep.ts';

interface WaitingAppend {
  readonly request: Buffer;
  readonly kind: RequestKind;
  readonly answer: (answer: AppendAnswer) => void;
}

/** A commit takes no further request beyond this, so that the first does not wait for the sum of all. */
const COMMIT_BYTES_MAX = 8_000_000;
/** To fold so few costs next to nothing. */
const HARDLY_ANY_ROWS = 500;
const CHECKPOINT_OF_DIAGNOSES_BYTES = 8_000_000;
/** The file is tidied up while the open table is no fuller than this. */
const LITTLE_FILL = 0.05;

export interface Writer {
  append(batch: AppendBatch): Promise<AppendAnswer[]>;
  /** Folds what has arrived when that is little, so that who reads what is learnt with sums sees it counted. */
  settle(): void;
  /** Somebody asks for sums: folds what waited for that too. */
  settleAll(): Promise<void>;
  /** Folds what is little when a trace may be among it that is to be diagnosed, and could be due. */
  settleFailures(patience: Patience): void;
  /** Those of these traces that have spans in no block yet. When few spans are in none, they are folded instead. */
  unfoldedOf(traceIds: readonly string[]): string[];
  saveDiagnoses(saved: readonly DiagnosisToSave[]): void;
  /** What is kept of the rows of traces that failed. */
  failedRows(traceIds: readonly string[]): FailedRows[];
  dropSlice(limits: RetentionLimits): Promise<SliceOutcome>;
  changeIncidentState(change: IncidentStateChange): boolean;
  pinTrace(traceId: string): PinOutcome;
  unpinTrace(traceId: string): void;
  /** Backends have taken what was to be forwarded to them. */
  noteForwarded(positions: readonly ForwardPosition[]): void;
  purge(): void;
  /** Finishes what was accepted. */
  close(): void;
}

const NOT_FORWARDED: ForwardQueueOptions = { lanes: [], gauge: createQueueGauge() };

/** `onRows` is told how many spans are in no block yet. */
export function openWriter(
  folder: string,
  onRows: (rows: number) => void = () => {},
  forward: ForwardQueueOptions = NOT_FORWARDED,
): Writer {
  const { database, release } = openForWriting(folder);
  const parts = createWriterParts(database);
  const interner = createInterner(database);
  const recent = new RecentRequests();
  const diagnoses = createDiagnosisWriter(database);
  const pins = createPins(database);
  const incidentStates = createIncidentStates(database);
  const upkeep = createUpkeep(database, folder);
  const jobs = new Jobs();
  const maintenance = createMaintenance(parts, jobs, upkeep);
  const folding = createFolding(parts, jobs, maintenance.afterBlock);
  const queue = createForwardQueue(database, forward);
  const commit = createAppend({ database, interner, recent, queue });
  const retention = createRetention(parts, pins, upkeep);

  let waiting: WaitingAppend[] = [];
  let isTurnDue = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const isLittleOpen = () => folding.open.fill < LITTLE_FILL;

  function turn(): void {
    isTurnDue = false;
    if (isClosed) return;
    commitGroup();
    folding.beginIfDue();
    if (isLittleOpen() && maintenance.dueInMs() <= 0) maintenance.begin();
    jobs.step();
    // The job in hand is done before the open table is full.
    while (jobs.isBusy && jobs.progress < folding.open.fill) jobs.step();
    upkeep.checkpointIfLong();
    planNext();
  }

  function soon(): void {
    if (isTurnDue) return;
    isTurnDue = true;
    setImmediate(turn);
  }

  function planNext(): void {
    onRows(folding.rows());
    clearTimeout(timer);
    if (isClosed) return;
    if (waiting.length > 0 || jobs.isBusy) return soon();
    const dueInMs = Math.min(folding.dueInMs(), isLittleOpen() ? maintenance.dueInMs() : Infinity);
    if (dueInMs < Infinity) timer = setTimeout(soon, Math.max(0, dueInMs));
  }

  function commitGroup(): void {
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && bytes < COMMIT_BYTES_MAX) bytes += waiting[count++]!.request.byteLength;
    if (count === 0) return;
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    try {
      folding.checkRoom();
      const requests = group.map(({ request }) => request);
      const kinds = group.map(({ kind }) => kind);
      const answers = commit(folding.open, requests, kinds);
      onRows(folding.rows());
      group.forEach(({ answer }, index) => answer(answers[index]!));
    } catch (error) {
      const refused = { error: packError(asStoreError(error)) };
      for (const { answer } of group) answer(refused);
    }
  }

  /** What waits for the next commit is stored first: what comes after an append finds it. */
  function afterAppends<R>(work: () => R): R {
    while (waiting.length > 0) commitGroup();
    try {
      return work();
    } catch (error) {
      throw asStoreError(error);
    } finally {
      planNext();
    }
  }

  function cancelJobs(reason: string): void {
    jobs.cancel(new StoreUnavailable(reason));
    folding.reset();
    maintenance.reset();
  }

  /** On a full disk what nobody needs stays; the next that is taken brings another try. */
  function clearQueue(): void {
    jobs
      .add(() => queue.clear())
      .then(
        () => maintenance.tidySoon(),
        () => {},
      );
  }

  /** A fold that fails is said elsewhere: what is stored can be read all the same. */
  function settle(): void {
    try {
      if (folding.rows() < FEW_ROWS) folding.finish();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  recoverRequests(database, recent);
  recoverSegments(database, parts.damage, recent, () => {
    folding.checkRoom();
    return folding.open;
  });
  maintenance.begin();
  // Of backends that are gone.
  if (queue.bytes() > 0) clearQueue();
  planNext();

  return {
    append(batch) {
      soon();
      const { kind = 'traces' } = batch;
      const answers = requestsOf(batch).map(
        (request) => new Promise<AppendAnswer>((answer) => waiting.push({ request, kind, answer })),
      );
      return Promise.all(answers);
    },
    settle: () => afterAppends(settle),
    settleAll: () =>
      afterAppends(() => {
        settle();
        return folding.asked();
      }),
    settleFailures: ({ quietMs, waitMs }) =>
      afterAppends(() => {
        const rows = folding.rows();
        if (rows >= FEW_ROWS) return;
        // None of them has been quiet for longer, and more may come.
        if (rows >= HARDLY_ANY_ROWS && folding.openForMs() < Math.min(quietMs, waitMs)) return;
        if (diagnoses.mayChange(folding.tables())) settle();
      }),
    unfoldedOf: (traceIds) =>
      afterAppends(() => {
        const found = tracesIn(folding.tables(), traceIds);
        if (found.length > 0) settle();
        return folding.rows() === 0 ? [] : found;
      }),
    saveDiagnoses: (saved) =>
      afterAppends(() => {
        // Their spans may have come a moment ago.
        if (!saved.every(({ traceId }) => diagnoses.isKnown(traceId))) settle();
        diagnoses.save(saved);
        parts.failures.leave(saved.map(({ traceId }) => traceId));
        // Who judges reads nothing now: the whole log can be moved, so that it begins anew instead of growing.
        upkeep.checkpointIfLong(CHECKPOINT_OF_DIAGNOSES_BYTES);
        // They may be the last that is written for long, and would leave the log behind.
        maintenance.tidySoon();
      }),
    failedRows: (traceIds) => parts.failures.of(traceIds),
    dropSlice: (limits) =>
      afterAppends(async () => {
        settle();
        const outcome = await jobs
          // What waits to be forwarded has a limit of its own, and costs no spans.
          .add(() => retention.dropSlice({ ...limits, keepBytes: limits.keepBytes + queue.bytes() }))
          .catch((error: unknown) => {
            throw asStoreError(error);
          });
        if (outcome.dropped > 0) maintenance.tidySoon();
        planNext();
        return outcome;
      }),
    changeIncidentState: (change) => afterAppends(() => incidentStates.change(change)),
    pinTrace: (traceId) =>
      afterAppends(() => {
        const id = Buffer.from(traceId, 'hex');
        if (!folding.tables().some((table) => holdsTrace(table, id)) && !isInBlocks(parts, id))
          return 'unknown';
        return pins.add(id) ? 'pinned' : 'full';
      }),
    unpinTrace: (traceId) => afterAppends(() => pins.remove(Buffer.from(traceId, 'hex'))),
    noteForwarded: (positions) =>
      afterAppends(() => {
        if (queue.advance(positions)) clearQueue();
      }),
    purge: () =>
      afterAppends(() => {
        cancelJobs('the store was purged meanwhile');
        database.transaction(() => database.exec(PURGE)).immediate();
        folding.clear();
        recent.clear();
        interner.forget();
        parts.forget();
        queue.forget();
      }),
    close: () =>
      afterAppends(() => {
        isClosed = true;
        cancelJobs('the store is closing');
        database.close();
        release();
      }),
  };
}
