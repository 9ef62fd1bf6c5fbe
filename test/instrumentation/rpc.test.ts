import { describe, expect, it } from 'vitest';
import { hostOf } from '../../instrumentation/grpc.ts';
import {
  grpcMessageIn,
  grpcStatusIn,
  grpcStatusName,
  grpcTimeoutMs,
  isGrpc,
  progressIn,
} from '../../instrumentation/rpc.ts';

describe('the headers of a gRPC call', () => {
  it('are known by their content type', () => {
    expect([
      isGrpc('application/grpc'),
      isGrpc('application/grpc+proto'),
      isGrpc('application/json'),
      isGrpc(undefined),
    ]).toEqual([true, true, false, false]);
  });

  it.each([
    ['300m', 300],
    ['2S', 2000],
    ['1H', 3_600_000],
    ['99999999u', 99_999.999],
    ['100000000u', undefined],
    ['300', undefined],
    ['m', undefined],
    [undefined, undefined],
  ])('say with %s how long the caller waits', (header, ms) => {
    expect(grpcTimeoutMs(header)).toBe(ms);
  });

  it('have the status as a number or as text, or not at all', () => {
    expect(
      [{ 'grpc-status': '4' }, { 'grpc-status': 14 }, { 'grpc-status': 'x' }, {}, undefined].map(
        grpcStatusIn,
      ),
    ).toEqual([4, 14, undefined, undefined, undefined]);
    expect([0, 4, 16, 17].map(grpcStatusName)).toEqual(['OK', 'DEADLINE_EXCEEDED', 'UNAUTHENTICATED', '17']);
  });

  it('have the message percent-encoded, and broken encoding as it is', () => {
    expect(grpcMessageIn({ 'grpc-message': 'a%20b' })).toBe('a b');
    expect(grpcMessageIn({ 'grpc-message': '100%' })).toBe('100%');
    expect(grpcMessageIn({})).toBe('');
  });
});

describe('a call without a connection', () => {
  it.each([
    [
      'Deadline exceeded after 1.600s,name resolution: 0.012s,Waiting for LB pick',
      { phase: 'connect', resolvedAfterMs: 12 },
    ],
    [
      'Deadline exceeded after 1.6s,waiting for name resolution',
      { phase: 'dns', resolvedAfterMs: undefined },
    ],
    ['Name resolution failed for target dns:missing:1', { phase: 'dns', resolvedAfterMs: undefined }],
    ['No connection established', { phase: 'connect', resolvedAfterMs: undefined }],
  ])('had come as far as grpc-js says: %s', (details, progress) => {
    expect(progressIn(details)).toEqual(progress);
  });
});

describe('the target of a channel', () => {
  it.each([
    ['dns:payments:8443', { host: 'payments', port: 8443 }],
    ['dns://resolver:53/payments:8443', { host: 'payments', port: 8443 }],
    ['ipv4:10.0.0.1:443,10.0.0.2:443', { host: '10.0.0.1', port: 443 }],
    ['ipv6:[::1]:443', { host: '::1', port: 443 }],
    ['payments', { host: 'payments', port: undefined }],
    ['localhost:50051', { host: 'localhost', port: 50051 }],
    ['unix:/run/app.sock', { host: '/run/app.sock', port: undefined }],
  ])('%s names its host and port', (target, host) => {
    expect(hostOf(target)).toEqual(host);
  });
});
