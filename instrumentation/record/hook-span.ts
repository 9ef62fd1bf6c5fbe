/** The hook's own spans, which have no use for most of what a program may do with one. */
import type { Attributes, Context } from '@opentelemetry/api';
import { withSpan } from '../context.ts';
import type { RecordedSpan, SpanEnd, SpanSource, SpanStart } from '../recorder.ts';
import { sampledFlag } from '../trace-context.ts';
import { addAttribute, type AttributeMap } from './attribute-values.ts';
import { fitsOwn, type SpanLimits } from './limits.ts';
import type { Sampler } from './sampler.ts';
import type { SpanData } from './span-data.ts';
import { errorCode, internalKind, okCode, SpanRecord, type SpanOwner } from './span-record.ts';
import { originOf, parentIn } from './tracer.ts';

const kinds = { internal: internalKind, server: 2, client: 3 };

/** What all of them have in common. */
export interface HookSpans {
  owner: SpanOwner;
  sampler: Sampler;
  /** A span that lasts this long is slow. */
  slowMs: number;
}

export class HookSpan implements RecordedSpan {
  readonly record: SpanRecord;
  readonly parent: Context;
  readonly hook: HookSpans;
  #context: Context | undefined;

  constructor(hook: HookSpans, { name, kind, startMs, parent, attributes, shared }: SpanStart) {
    this.hook = hook;
    this.parent = parent;
    const origin = originOf(parentIn(parent), hook.sampler);
    this.record = new SpanRecord(hook.owner, origin, name, kinds[kind], startMs);
    this.record.startAttributes = attributes;
    if (shared) this.record.shared = [shared];
    if (!hook.sampler.isOff) hook.owner.open.add(this.record);
  }

  set source(source: SpanSource | undefined) {
    this.record.source = source;
  }

  get context(): Context {
    return (this.#context ??= withSpan(this.parent, this.record));
  }

  end({ endMs, shared, attributes, name, errorMessage }: SpanEnd): void {
    const { record, hook } = this;
    if (!record.isOpen) return;
    if (name !== undefined) record.name = name;
    // What the program has said to be well stays so.
    if (errorMessage !== undefined && record.statusCode !== okCode) {
      record.statusCode = errorCode;
      record.statusMessage = errorMessage;
    }
    if (shared) record.shared = shared;
    record.endAttributes = attributes;
    if ((record.traceFlags & sampledFlag) === 0) {
      if (!this.#matters(endMs)) {
        record.close();
        return;
      }
      record.endAttributes = { ...attributes, 'sockeye.sampled': false };
    }
    if (record.ownAttributes || !fitsOwn(hook.owner.limits)) mergeAttributes(record, hook.owner.limits);
    record.finish(endMs);
  }

  /** Whether it leaves although its trace is not sampled: what failed or was slow must not depend on luck. */
  #matters(endMs: number): boolean {
    const { record, hook } = this;
    if (hook.sampler.isOff) return false;
    if (record.statusCode === errorCode) return true;
    const isStream =
      record.startAttributes?.['sockeye.stream'] ?? record.endAttributes?.['sockeye.stream'] ?? false;
    return !isStream && endMs - Number(record.startedAt) >= hook.slowMs;
  }
}

/** Makes one list of what the hook and the program said of the span, in the order in which they said it. */
export function mergeAttributes(record: SpanData, limits: SpanLimits): void {
  const { shared = [], startAttributes, ownAttributes = new Map(), endAttributes } = record;
  const merged: AttributeMap = new Map();
  const addHooks = (attributes: Attributes | undefined) => {
    for (const [key, value] of Object.entries(attributes ?? {})) {
      record.droppedAttributesCount += addAttribute(merged, key, value, limits.attributes);
    }
  };
  for (const attributes of shared) addHooks(attributes);
  addHooks(startAttributes);
  for (const [key, value] of ownAttributes) {
    if (merged.has(key) || merged.size < limits.attributes.countMax) merged.set(key, value);
    else record.droppedAttributesCount += 1;
  }
  addHooks(endAttributes);
  record.ownAttributes = merged;
  record.shared = undefined;
  record.startAttributes = record.endAttributes = undefined;
}
