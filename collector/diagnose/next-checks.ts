/**
 * What to look at next: the checks of a verdict's causes, with the place they look at filled in. What cannot be right for
 * such a peer is left out: nothing asks a database by HTTP. Pure.
 */
import { numberAttribute, textAttribute, type Attributes, type Span } from '../span.ts';
import { callUrl } from './call-url.ts';
import type { Case } from './case.ts';
import { causeOf } from './causes.ts';
import type { Cause, CheckedPeer } from './causes/cause.ts';
import { databaseOf, isDatabaseCall } from './rules/application.ts';
import { peerAddress, serverOf, type TraceNode } from './tree.ts';
import type { Category, Verdict } from './verdict.ts';

const CHECKS_MAX = 5;
const CHECKS_OF_CAUSE_MAX = 3;
/** How far above own work its server's span is looked for. */
const STEPS_UP_MAX = 100;

/** The first cause is the verdict's own. */
export function nextChecks(causes: readonly Cause[], of: Case): Verdict['nextChecks'] {
  const checks = causes.flatMap((cause, index) =>
    checksOf(cause, of).slice(0, index === 0 ? CHECKS_OF_CAUSE_MAX : 1),
  );
  if (checks.length === 0) checks.push(...checksOf(causeOf('unknown'), of));
  // Once for all checks of a call: to parse a URL takes as long as most of a verdict.
  const places = new Map<TraceNode | null, Place>();
  const urls = new Map<TraceNode | null, string>();
  const byCommand = new Map<string, Verdict['nextChecks'][number]>();
  for (const { text, command, call, pid } of checks) {
    if (byCommand.size === CHECKS_MAX) break;
    let place = places.get(call);
    if (place === undefined) places.set(call, (place = placeOf(call, of)));
    const asks = command.includes('{url}');
    if (asks && !urls.has(call)) urls.set(call, urlOf(call, place));
    const filled = fill(command, { ...place, url: urls.get(call) ?? '', pid });
    const note = asks ? methodNote(call) : '';
    if (!byCommand.has(filled)) byCommand.set(filled, { text: text + note, command: filled });
  }
  return [...byCommand.values()];
}

interface PlacedCheck {
  readonly text: string;
  readonly command: string;
  /** The call whose other side is looked at; null where none is known. */
  readonly call: TraceNode | null;
  readonly pid: string;
}

function checksOf(cause: Cause, of: Case): PlacedCheck[] {
  const call = callInQuestion(cause, of);
  const peers = peersOf(call);
  const pid = processIdOf(CALLERS_CAUSES.has(cause.category) ? of.origin.node : (of.server ?? ownNode(of)));
  return cause.confirm
    .filter(({ peer, command }) =>
      peer === undefined ? !command.includes('{url}') || peers.includes('http') : peers.includes(peer),
    )
    .map(({ text, command }) => ({ text, command, call, pid }));
}

/** Of own work, it is the call that asked for it; what its own code might have called was not recorded. */
function callInQuestion({ code }: Cause, { call, origin, giveUp }: Case): TraceNode | null {
  // As in the titles: this one is about whoever gave up, wherever the time went.
  if (code === 'F1' && giveUp.node.span.kind === 'client') return giveUp.node;
  if (call !== null || code === 'G2') return call;
  let node = origin.node;
  for (let steps = 0; steps < STEPS_UP_MAX && node.span.kind === 'internal'; steps += 1) {
    if (node.parent === null || node.parent.service !== node.service) break;
    node = node.parent;
  }
  return node.span.kind === 'server' && node.parent?.span.kind === 'client' ? node.parent : null;
}

/** Elasticsearch and others are databases that speak HTTP, and say so. */
const HTTP_KEYS = ['url.full', 'http.url', 'http.request.method', 'http.method'] as const;

/** What may be asked of the other side. Of one that says nothing of its protocol, HTTP is supposed. */
function peersOf(call: TraceNode | null): readonly CheckedPeer[] {
  if (call === null) return [];
  const { span } = call;
  const { attributes } = span;
  const isHttp = HTTP_KEYS.some((key) => attributes.has(key));
  if (isDatabaseCall(span)) return isHttp ? ['http'] : databasesOf(span);
  const isOther =
    span.kind === 'producer' ||
    attributes.has('messaging.system') ||
    attributes.has('messaging.destination') ||
    isGrpc(attributes);
  return isOther ? [] : ['http'];
}

/** curl's GET is no call of it, and what a server of gRPC answers says nothing. */
function isGrpc(attributes: Attributes): boolean {
  return (textAttribute(attributes, 'rpc.system.name') ?? textAttribute(attributes, 'rpc.system')) === 'grpc';
}

/** Where a call does not say which database it asks, SQL is supposed. */
function databasesOf(span: Span): readonly CheckedPeer[] {
  const system = databaseOf(span);
  if (system === null) return ['postgresql', 'mysql'];
  if (/postgres|cockroach/i.test(system)) return ['postgresql'];
  if (/mysql|mariadb/i.test(system)) return ['mysql'];
  return /redis|valkey/i.test(system) ? ['redis'] : [];
}

/** A check changes nothing, so that it asks by GET whatever the call did. */
function methodNote(call: TraceNode | null): string {
  const method =
    call &&
    (textAttribute(call.span.attributes, 'http.request.method') ??
      textAttribute(call.span.attributes, 'http.method'));
  return method && !['GET', 'HEAD'].includes(method) && /^[A-Z]+$/.test(method)
    ? ` (this asks by GET, the call was a ${method})`
    : '';
}

/** Of each template that causes have: what stands between its names, and at every other place a name. */
const partsOf = new Map<string, readonly string[]>();

export function fill(template: string, values: Record<string, string>): string {
  let parts = partsOf.get(template);
  if (parts === undefined) partsOf.set(template, (parts = template.split(/\{(\w+)\}/)));
  let filled = parts[0]!;
  for (let at = 1; at < parts.length; at += 2)
    filled += (values[parts[at]!] ?? `{${parts[at]}}`) + parts[at + 1]!;
  return filled;
}

/** Names from spans go into a shell: only what needs no quoting, and is no option, is filled in. */
const SHELL_SAFE = /^[\w:][\w.:-]{0,254}$/;

type Place = Record<'host' | 'port' | 'service', string>;

/** Where the checks look, as commands name it. */
function placeOf(call: TraceNode | null, { origin }: Case): Place {
  const { host, port } = call === null ? { host: null, port: null } : peerAddress(call.span);
  const safe = (value: string | null, otherwise: string) =>
    value !== null && SHELL_SAFE.test(value) ? value : otherwise;
  return {
    host: safe(host, 'HOST'),
    port: safe(port, 'PORT'),
    service: safe(origin.node.service, 'SERVICE'),
  };
}

/** What a check asks for, by the spans of the call, else by its place. */
function urlOf(call: TraceNode | null, { host, port }: Place): string {
  return (call && callUrl(call.span, serverOf(call)?.span ?? null)) ?? `http://${host}:${port}/`;
}

/** Causes that lie in the process of the caller; all others are looked for in that of the callee. */
const CALLERS_CAUSES: ReadonlySet<Category> = new Set(['client', 'dns']);

/** The span of own work; null when the origin is a call whose other side has no span here. */
function ownNode({ call, origin }: Case): TraceNode | null {
  return call === null ? origin.node : null;
}

function processIdOf(node: TraceNode | null): string {
  const pid = node === null ? null : numberAttribute(node.span.resource.attributes, 'process.pid');
  return Number.isSafeInteger(pid) ? String(pid) : 'PID';
}
