/** The environment of a program that is run with the hook. */
import { describe, expect, test } from 'vitest';
import {
  hookedEnvironment,
  isBeyondReach,
  namesEndpoint,
  otlpEndpoint,
} from '../../collector/cli/hooked-environment.ts';

const hooked = { hook: '/hook/register.cjs', endpoint: 'http://127.0.0.1:4317', service: null, token: null };

describe('what is set', () => {
  test('the hook and where it sends', () => {
    expect(hookedEnvironment({ HOME: '/h' }, hooked)).toEqual({
      HOME: '/h',
      NODE_OPTIONS: '--require /hook/register.cjs',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317',
    });
  });
  test('beside what NODE_OPTIONS has, once, and quoted where it must be', () => {
    const options = (NODE_OPTIONS: string, hook = hooked.hook) =>
      hookedEnvironment({ NODE_OPTIONS }, { ...hooked, hook }).NODE_OPTIONS;
    expect(options('--max-old-space-size=99')).toBe('--max-old-space-size=99 --require /hook/register.cjs');
    expect(options('--require /hook/register.cjs --inspect')).toBe('--require /hook/register.cjs --inspect');
    expect(options('', '/my "own"/hook.cjs')).toBe('--require "/my \\"own\\"/hook.cjs"');
  });
  test('a service that a flag names; else what is there stays', () => {
    const environment = { OTEL_SERVICE_NAME: 'set' };
    expect(hookedEnvironment(environment, hooked)).toMatchObject(environment);
    expect(hookedEnvironment(environment, { ...hooked, service: 'named' })).toMatchObject({
      OTEL_SERVICE_NAME: 'named',
    });
  });
  test('a token goes to the collector it belongs to, and headers that are set stay', () => {
    const token = 'a+b%c';
    const headers = (environment: Record<string, string>, more = {}) =>
      hookedEnvironment(environment, { ...hooked, token, ...more }).OTEL_EXPORTER_OTLP_HEADERS;
    expect(headers({})).toBe('authorization=Bearer%20a%2Bb%25c');
    expect(headers({}, { endpoint: null })).toBeUndefined();
    expect(headers({ OTEL_EXPORTER_OTLP_HEADERS: 'x=y' })).toBe('x=y');
  });
  test('an endpoint that is set is known by either name', () => {
    const [all, traces] = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] as const;
    expect(namesEndpoint({})).toBe(null);
    expect(namesEndpoint({ [all]: ' ' })).toBe(null);
    expect(namesEndpoint({ [all]: 'http://x' })).toBe(all);
    expect(namesEndpoint({ [all]: 'http://x', [traces]: 'http://y' })).toBe(traces);
  });
});

test('the endpoint is the collector’s for the protocol, by the name its page is reached by', () => {
  const addresses = { otlpGrpc: '0.0.0.0:14317', otlpHttp: '127.0.0.1:14318', web: '' };
  const http = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  expect(otlpEndpoint(addresses, 'https://sockeye.test:4319', {})).toBe('https://sockeye.test:14317');
  expect(otlpEndpoint(addresses, 'http://127.0.0.1:4319', http)).toBe('http://127.0.0.1:14318');
  expect(otlpEndpoint(null, 'http://127.0.0.1:9', {})).toBe('http://127.0.0.1:4317');
  expect(otlpEndpoint(null, 'http://[::1]:9', http)).toBe('http://[::1]:4318');
});

test('an address of the collector’s own machine is beyond reach from another', () => {
  expect(isBeyondReach('http://127.0.0.1:4317', 'http://sockeye.internal:4319')).toBe(true);
  expect(isBeyondReach('http://[::1]:4317', 'http://10.0.0.7:4319')).toBe(true);
  expect(isBeyondReach('http://127.0.0.1:4317', 'http://localhost:4319')).toBe(false);
  expect(isBeyondReach('http://10.0.0.7:4317', 'http://sockeye.internal:4319')).toBe(false);
});
