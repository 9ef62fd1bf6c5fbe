import { expect, test } from 'vitest';
import { calleeOf, isCall, peerOf } from '../../collector/query/callee.ts';
import type { AttributeValue, SpanKind } from '../../collector/span.ts';
import { makeSpan } from '../diagnose/make-span.ts';

function peer(attributes: Record<string, AttributeValue>, kind: SpanKind = 'client') {
  return peerOf(makeSpan({ kind, attributes }));
}
const HTTP = { 'http.request.method': 'GET', 'server.address': 'pay.local', 'server.port': 8443 };

test('only calls have a peer', () => {
  expect(['internal', 'server', 'consumer'].map((kind) => peer(HTTP, kind as SpanKind))).toEqual([
    null,
    null,
    null,
  ]);
});

test('a connection that was opened is no call, one that was not is', () => {
  const connect = { 'db.system.name': 'postgresql', 'db.operation.name': 'connect', 'server.address': 'db1' };
  const called = (attributes: Record<string, AttributeValue>, kind: SpanKind = 'client') =>
    isCall(makeSpan({ kind, attributes }));
  expect(called(connect)).toBe(false);
  expect(called({ ...connect, 'error.type': 'ECONNREFUSED' })).toBe(true);
  expect(called({ ...connect, 'db.operation.name': 'SELECT' })).toBe(true);
  expect(called({ 'messaging.system': 'kafka', 'messaging.operation.name': 'connect' })).toBe(false);
  expect([called(HTTP), called(HTTP, 'producer'), called(HTTP, 'internal')]).toEqual([true, true, false]);
  expect(peer(connect)?.name).toBe('postgresql@db1');
});

test('the paired server’s service comes first, then the one remembered behind the address', () => {
  const named = peer({ ...HTTP, 'peer.service': 'pay' })!;
  expect(calleeOf(named, 'payments', 'other')).toEqual({ id: 'payments', kind: 'service', inferred: false });
  expect(calleeOf(named, null, 'other')).toEqual({ id: 'other', kind: 'service', inferred: false });
  expect(calleeOf(named, null, null)).toEqual({ id: 'pay', kind: 'service', inferred: true });
});

test.each([
  ['peer.service', { ...HTTP, 'peer.service': 'pay', 'db.namespace': 'shop' }, 'pay'],
  [
    'the database, with its host',
    { 'db.system.name': 'postgresql', 'db.namespace': 'shop', 'server.address': 'db1' },
    'shop@db1',
  ],
  [
    'the database system where it names none',
    { 'db.system.name': 'redis', 'server.address': 'cache' },
    'redis@cache',
  ],
  [
    'the database in the older conventions',
    { 'db.system': 'mysql', 'db.name': 'shop', 'net.peer.name': 'db1' },
    'shop@db1',
  ],
  [
    'the messaging destination',
    { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', ...HTTP },
    'orders',
  ],
  [
    'the messaging destination in the older conventions',
    { 'messaging.system': 'rabbitmq', 'messaging.destination': 'orders', ...HTTP },
    'orders',
  ],
  ['the host, without port', HTTP, 'pay.local'],
  ['the host of the URL', { 'url.full': 'https://api.shop.test/x' }, 'api.shop.test'],
  [
    'the address, where nothing has a name',
    { 'network.peer.address': '10.0.3.7', 'network.peer.port': 80 },
    '10.0.3.7',
  ],
  ['nobody', {}, 'unknown peer'],
])('a callee without spans is named by %s', (_, attributes, name) => {
  expect(peer(attributes)?.name).toBe(name);
});

test('the kind of node and edge follow what was called', () => {
  const kinds = (attributes: Record<string, AttributeValue>, kind: SpanKind = 'client') => {
    const { nodeKind, edgeKind } = peer(attributes, kind)!;
    return `${nodeKind} ${edgeKind}`;
  };
  expect(kinds(HTTP)).toBe('external http');
  expect(kinds({ 'rpc.system': 'grpc', 'server.address': 'a' })).toBe('external rpc');
  expect(kinds({ 'db.system.name': 'redis' })).toBe('database db');
  expect(kinds({ 'messaging.system': 'kafka' }, 'producer')).toBe('messaging messaging');
  expect(kinds({ 'http.path': '/pay', 'server.address': 'a' })).toBe('external http');
  expect(kinds({ 'server.address': 'a' })).toBe('external tcp');
});

test('an address is host and port, the default one of a URL included', () => {
  expect(peer(HTTP)?.address).toBe('pay.local:8443');
  expect(peer({ 'url.full': 'https://api.shop.test/x' })?.address).toBe('api.shop.test:443');
  expect(peer({ 'url.full': 'http://api.shop.test:81/x' })?.address).toBe('api.shop.test:81');
  expect(peer({ 'server.address': 'pay.local' })?.address).toBeNull();
  expect(peer({ 'url.full': 'not a url' })?.address).toBeNull();
});
