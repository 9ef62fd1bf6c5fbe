/**
 * Which span the running code belongs to: contexts as the OpenTelemetry API has them, carried by one `AsyncLocalStorage`.
 *
 * Both recorders use them and register `contextManager` with the API, so that the program sees the same contexts as the
 * hook. The API itself is not needed for it, and is not loaded: its keys are symbols that everybody can name.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { Context, ContextManager, Span } from '@opentelemetry/api';
import { putOver } from './put-over.ts';

const spanKey = Symbol.for('OpenTelemetry Context Key SPAN');
const suppressedKey = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
/** Of the flags of a trace, the one that says that it is recorded. */
const sampledFlag = 1;

/** Where OpenTelemetry's instrumentations of web frameworks leave the route, and see that there is a server span already. */
export interface FrameworkMetadata {
  type: 'http';
  route: string | undefined;
  /** There once the client has left: ends a step that begins later with its request, for no event of the response will. */
  endLate?: (step: Span) => void;
}
export const frameworkKey = Symbol.for('OpenTelemetry SDK Context Key RPC_METADATA');
/** The `fetch` that the running code is part of. */
export const fetchKey = Symbol('sockeye fetch');

/** An immutable context. What every request and `fetch` has, has a place of its own; the rest is copied with each change. */
class Values implements Context {
  readonly span: Span | undefined;
  readonly framework: unknown;
  readonly fetching: unknown;
  readonly others: ReadonlyMap<symbol, unknown> | undefined;

  constructor(
    span: Span | undefined,
    framework: unknown,
    fetching: unknown,
    others: ReadonlyMap<symbol, unknown> | undefined,
  ) {
    this.span = span;
    this.framework = framework;
    this.fetching = fetching;
    this.others = others;
  }

  getValue(key: symbol): unknown {
    if (key === spanKey) return this.span;
    if (key === frameworkKey) return this.framework;
    return key === fetchKey ? this.fetching : this.others?.get(key);
  }

  setValue(key: symbol, value: unknown): Context {
    const { span, framework, fetching, others } = this;
    if (key === spanKey) return new Values(value as Span | undefined, framework, fetching, others);
    if (key === frameworkKey) return new Values(span, value, fetching, others);
    if (key === fetchKey) return new Values(span, framework, value, others);
    return new Values(span, framework, fetching, new Map(others).set(key, value));
  }

  deleteValue(key: symbol): Context {
    if (key === spanKey || key === frameworkKey || key === fetchKey) return this.setValue(key, undefined);
    const others = new Map(this.others);
    others.delete(key);
    return new Values(this.span, this.framework, this.fetching, others);
  }
}

export const rootContext: Context = new Values(undefined, undefined, undefined, undefined);

const storage = new AsyncLocalStorage<Context>();

/** The context of the code that runs now. */
export function activeContext(): Context {
  return storage.getStore() ?? rootContext;
}

/** Calls a function whose synchronous and asynchronous continuations run in the context. */
export function runIn<Result>(context: Context, run: () => Result): Result {
  return storage.run(context, run);
}

/** From here on, the running code and its continuations are in the context. */
export function enterContext(context: Context): void {
  storage.enterWith(context);
}

export function spanOf(context: Context): Span | undefined {
  return (context.getValue(spanKey) as Span | undefined) ?? undefined;
}

export function withSpan(context: Context, span: Span): Context {
  return context.setValue(spanKey, span);
}

export function withoutSpan(context: Context): Context {
  return context.deleteValue(spanKey);
}

/**
 * The context without a span that has ended: what happens now is no part of it. A pool opens connections in the context of
 * whoever used it before. A span that is not sampled, or a peer's, never records and tells nothing of its end: it stays.
 */
export function withoutEndedSpan(within: Context): Context {
  const span = spanOf(within);
  if (!span || span.isRecording()) return within;
  const { traceFlags, isRemote } = span.spanContext();
  const isSampled = (traceFlags & sampledFlag) !== 0;
  return isSampled && !isRemote ? withoutSpan(within) : within;
}

/** Whether what happens in the context is not to be recorded, such as an exporter's own calls. */
export function isSuppressed(context: Context): boolean {
  return context.getValue(suppressedKey) === true;
}

export function suppressed(context: Context): Context {
  return context.setValue(suppressedKey, true);
}

/** Listeners of the emitter run within the context. */
export function emitWithin(within: Context, emitter: EventEmitter): void {
  const below = putOver(emitter, 'emit', function emit(this: EventEmitter): boolean {
    // As for each row of an answer: entering costs more than the rest of it.
    if (activeContext() === within) return Reflect.apply(below.emit, this, arguments) as boolean;
    return storage.run(within, () => Reflect.apply(below.emit, this, arguments) as boolean);
  });
}

/** What the OpenTelemetry API is given. */
export const contextManager: ContextManager = {
  active: activeContext,
  with: (context, run, receiver, ...args) => storage.run(context, () => run.apply(receiver, args)),
  bind<Target>(context: Context, target: Target): Target {
    if (typeof target === 'function') {
      const bound = function (this: unknown): unknown {
        return storage.run(context, () => Reflect.apply(target, this, arguments) as unknown);
      };
      Object.defineProperty(bound, 'length', { configurable: true, value: target.length });
      return bound as Target;
    }
    if (typeof (target as { emit?: unknown } | null)?.emit === 'function') {
      emitWithin(context, target as EventEmitter);
    }
    return target;
  },
  attach(context) {
    const before = storage.getStore();
    storage.enterWith(context);
    return { dispose: () => storage.enterWith(before ?? rootContext) };
  },
  enable: () => contextManager,
  disable: () => contextManager,
};
