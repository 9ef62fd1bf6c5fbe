/**
 * Works out what is known of a row besides its bytes: operation, peer, how it ended.
 *
 * All of it depends on few of the span's attributes, which its shape tells. So a row is compared with one before that
 * has the same shape and the same values in these; only what was not met before is decoded and looked at.
 */
import { decodeSpan } from '../../decode/otlp-protobuf.ts';
import { grpcStatusOf, httpStatusOf } from '../../diagnose/outcome.ts';
import { isCall, peerOf } from '../../query/callee.ts';
import {
  operationOf,
  shownName,
  type AttributeValue,
  type Resource,
  type Scope,
  type Span,
} from '../../span.ts';
import type { Interner } from './interner.ts';
import * as op from './operations.ts';
import { KnownRows } from './known-rows.ts';
import { PairMap } from './pair-map.ts';
import { shapeFactsOf, type AttributeHole, type ShapeFacts } from './shape-facts.ts';
import { spanBytes } from './span-bytes.ts';
import { spanFacts } from './span-facts.ts';
import {
  CLIENT,
  CONSUMER,
  IS_RETRY,
  IS_SNAPSHOT,
  IS_STREAM,
  KINDS,
  NEVER_ARRIVED,
  OK,
  OUTCOMES,
  PRODUCER,
  SERVER,
  STATUSES,
} from './codes.ts';
import type { SpanTable } from './span-table.ts';

/** The resource and scope of spans that are being taken: the interner's number, and decoded. */
export interface ResourceContext {
  readonly id: number;
  readonly decoded: Resource;
  readonly service: string;
  /** Its id among the table's strings. */
  readonly serviceId: number;
}
export interface ScopeContext {
  readonly id: number;
  readonly decoded: Scope;
}

export class RowFacts {
  readonly #shapes: (ShapeFacts | undefined)[] = [];
  readonly #outcomes = new KnownRows();
  /** By a name's id and a bare method's path's: the id of the operation's name. */
  readonly #bareNames = new PairMap();
  /** By the name's id and service and kind: the operation's number. */
  readonly #operations = new PairMap();
  readonly #peers = new KnownRows();

  /** To be called when the table's rows are gone; `shapesToo` when its shapes are. */
  clear(shapesToo: boolean): void {
    if (shapesToo) this.#shapes.length = 0;
    for (const known of [this.#outcomes, this.#bareNames, this.#operations, this.#peers]) known.clear();
  }

  /** Fills the columns of the row that ids, times, shape and values do not. */
  fill(
    table: SpanTable,
    row: number,
    resource: ResourceContext,
    scope: ScopeContext,
    interner: Interner,
  ): void {
    const shapeId = table.shape[row]!;
    const shape = (this.#shapes[shapeId] ??= shapeFactsOf(table, table.book.shapes[shapeId]!));
    table.resource[row] = resource.id;
    table.scope[row] = scope.id;
    if (shape.isOpaque) return fillFromSpan(table, row, resource, scope, interner);
    table.kind[row] = shape.kind;
    table.status[row] = shape.status;
    this.#fillOutcome(table, row, shape, resource, scope);
    this.#fillOperation(table, row, shape, resource, interner);
    if (shape.kind === CLIENT || shape.kind === PRODUCER) this.#fillPeer(table, row, shape, interner);
    else table.peer[row] = 0;
  }

  #fillOutcome(
    table: SpanTable,
    row: number,
    shape: ShapeFacts,
    resource: ResourceContext,
    scope: ScopeContext,
  ): void {
    if (!shape.hasFailed) {
      table.outcome[row] = OK;
      table.flags[row] = 0;
      if (shape.outcomeAt.length === 0) return;
      const known = this.#outcomes.find(table, row, shape.outcomeAt);
      if (known >= 0) return void (table.flags[row] = table.flags[known]!);
    }
    const span = decodeSpan(spanBytes(table, row), resource.decoded, scope.decoded);
    fillOutcome(table, row, span);
    // That it went well must follow from these attributes alone to hold for other rows too.
    if (!shape.hasFailed && table.outcome[row] === OK && wentPlainlyWell(span, shape.kind)) {
      this.#outcomes.add(table, row, shape.outcomeAt);
    }
  }

  #fillOperation(
    table: SpanTable,
    row: number,
    shape: ShapeFacts,
    resource: ResourceContext,
    interner: Interner,
  ): void {
    const first = table.valueStart[row]!;
    let nameId = shape.nameAt < 0 ? 0 : table.values[first + shape.nameAt]!;
    if (nameId !== 0 && nameId <= table.bareMethods) nameId = this.#bareName(table, row, shape, nameId);
    const owner = resource.serviceId * KINDS.length + shape.kind;
    let operation = this.#operations.get(nameId, owner);
    if (operation < 0) {
      const name = shownName(table.strings.textOf(nameId));
      operation = interner.operation(resource.service, KINDS[shape.kind]!, name);
      this.#operations.set(nameId, owner, operation);
    }
    table.operation[row] = operation;
  }

  #bareName(table: SpanTable, row: number, shape: ShapeFacts, nameId: number): number {
    const { pathsAt, routes } = shape;
    const first = table.valueStart[row]!;
    let place = 0;
    while (place < pathsAt.length && table.values[first + pathsAt[place]!] === 0) place++;
    if (place === pathsAt.length) return nameId;
    const pathAt = pathsAt[place]!;
    // The same path means another thing as a route.
    const path = table.values[first + pathAt]! * 2 + Number(place < routes);
    let known = this.#bareNames.get(nameId, path);
    if (known < 0) {
      const attributes = attributesOf(table, row, shape, Uint16Array.of(pathAt));
      const name = operationOf({ name: table.strings.textOf(nameId), attributes });
      known = table.strings.internBytes(Buffer.from(name));
      this.#bareNames.set(nameId, path, known);
    }
    return known;
  }

  #fillPeer(table: SpanTable, row: number, shape: ShapeFacts, interner: Interner): void {
    const hostId = shape.hostAt < 0 ? -1 : table.values[table.valueStart[row]! + shape.hostAt]!;
    const isKnowable = hostId !== 0;
    const known = isKnowable ? this.#peers.find(table, row, shape.peerAt) : -1;
    if (known >= 0) return void (table.peer[row] = table.peer[known]!);
    table.peer[row] = peerOfCall(
      {
        kind: KINDS[shape.kind]!,
        attributes: attributesOf(table, row, shape, isKnowable ? shape.peerAt : null),
      },
      interner,
    );
    if (isKnowable) this.#peers.add(table, row, shape.peerAt);
  }
}

/** All the row's attributes, with their values where these stand at one of the offsets (null: all). */
function attributesOf(table: SpanTable, row: number, shape: ShapeFacts, offsets: Uint16Array | null) {
  const attributes = new Map<string, AttributeValue>();
  for (const hole of shape.attributes) {
    const isRead = offsets === null || offsets.includes(hole.offset);
    attributes.set(hole.key, isRead ? valueOf(table, row, hole) : null);
  }
  return attributes;
}

/** Text and numbers; anything else names nothing. */
function valueOf(
  { values, valueStart, strings }: SpanTable,
  row: number,
  { type, offset }: AttributeHole,
): AttributeValue {
  if (offset < 0) return null;
  const at = valueStart[row]! + offset;
  switch (type) {
    case op.TEXT:
      return strings.textOf(values[at]!);
    case op.INTEGER:
      return values[at]!;
    case op.INTEGER_64:
      return Number(BigInt.asIntN(64, (BigInt(values[at + 1]!) << 32n) | BigInt(values[at]!)));
    case op.DOUBLE:
      return new Float64Array(values.slice(at, at + 2).buffer)[0]!;
    default:
      return null;
  }
}

/** Not by a rule that reads other attributes or the span's events. */
function wentPlainlyWell(span: Span, kind: number): boolean {
  const grpcStatus = grpcStatusOf(span);
  if (span.status.code === 'ok') return true;
  if (grpcStatus !== null && grpcStatus !== '0' && grpcStatus !== 'OK') return false;
  return kind === SERVER || kind === CONSUMER || (httpStatusOf(span) ?? 0) < 400;
}

function fillOutcome(table: SpanTable, row: number, span: Span): void {
  const facts = spanFacts(span);
  table.outcome[row] = OUTCOMES.indexOf(facts.outcome);
  table.flags[row] =
    (facts.isStream ? IS_STREAM : 0) |
    (facts.isRetry ? IS_RETRY : 0) |
    (facts.neverArrived ? NEVER_ARRIVED : 0) |
    (facts.isSnapshot ? IS_SNAPSHOT : 0);
  if (facts.giveUp === null) return;
  const { kind, phase, budgetMs } = facts.giveUp;
  table.giveUps.set(row, { kind, phase, budgetMs });
}

function fillFromSpan(
  table: SpanTable,
  row: number,
  resource: ResourceContext,
  scope: ScopeContext,
  interner: Interner,
): void {
  const span = decodeSpan(spanBytes(table, row), resource.decoded, scope.decoded);
  table.kind[row] = KINDS.indexOf(span.kind);
  table.status[row] = STATUSES.indexOf(span.status.code);
  fillOutcome(table, row, span);
  table.operation[row] = interner.operation(resource.service, span.kind, operationOf(span));
  table.peer[row] = peerOfCall(span, interner);
}

/** 0 where it is no call. */
function peerOfCall(span: Pick<Span, 'kind' | 'attributes'>, interner: Interner): number {
  const peer = isCall(span) ? peerOf(span) : null;
  return peer === null ? 0 : interner.peer(peer);
}
