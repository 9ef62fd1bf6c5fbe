import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fallbackServiceName, isQuietProcess, slowCallMs } from '../../instrumentation/settings.ts';

describe('a process is left alone', () => {
  it.each([
    '/usr/bin/npm',
    '/x/npm-cli.js',
    '/x/npx-cli.js',
    '/x/pnpm.cjs',
    '/x/yarn.js',
    '/x/pm2/lib/Daemon.js',
  ])('that runs %s', (script) => {
    expect(isQuietProcess({}, script)).toBe(true);
  });

  it.each([
    '/app/server.js',
    '/app/npm-report.js',
    '/app/Daemon.js',
    '/x/pm2/lib/ProcessContainerFork.js',
    undefined,
  ])('but not one that runs %s', (script) => {
    expect(isQuietProcess({}, script)).toBe(false);
  });

  it('that is told so', () => {
    expect(isQuietProcess({ OTEL_SDK_DISABLED: 'TRUE' }, '/app/server.js')).toBe(true);
    expect(isQuietProcess({ OTEL_SDK_DISABLED: 'false' }, '/app/server.js')).toBe(false);
  });
});

describe('the name of a service', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sockeye-name-'));
    mkdirSync(join(folder, 'src', 'deep'), { recursive: true });
    mkdirSync(join(folder, 'broken'));
    writeFileSync(join(folder, 'package.json'), '{"name":"the-shop"}');
    writeFileSync(join(folder, 'broken', 'package.json'), '{ not json');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is left to the environment when that has one', () => {
    expect(fallbackServiceName({ OTEL_SERVICE_NAME: 'x' }, undefined, folder)).toBeUndefined();
    expect(
      fallbackServiceName({ OTEL_RESOURCE_ATTRIBUTES: 'a=b, service.name=x' }, undefined, folder),
    ).toBeUndefined();
  });

  it('is that of the nearest package.json above the program', () => {
    expect(fallbackServiceName({}, join(folder, 'src', 'deep', 'app.js'), '/')).toBe('the-shop');
    expect(
      fallbackServiceName({ OTEL_RESOURCE_ATTRIBUTES: 'my.service.name=x' }, join(folder, 'app.js'), '/'),
    ).toBe('the-shop');
  });

  it('is that of the working folder when the program is a tool among the dependencies', () => {
    const tool = join('/usr', 'lib', 'node_modules', 'pm2', 'lib', 'ProcessContainerFork.js');
    expect(fallbackServiceName({}, tool, join(folder, 'src'))).toBe('the-shop');
  });

  it('passes over a package.json that cannot be read', () => {
    expect(fallbackServiceName({}, join(folder, 'broken', 'app.js'), '/')).toBe('the-shop');
  });

  it('is unknown_service:node without any', () => {
    expect(fallbackServiceName({}, undefined, '/')).toBe('unknown_service:node');
  });
});

describe('a call is slow', () => {
  it.each([
    { text: undefined, expected: 1000 },
    { text: '', expected: 1000 },
    { text: ' 250 ', expected: 250 },
    { text: '0', expected: 0 },
    { text: '0.5', expected: 0.5 },
    { text: '-1', expected: 1000 },
    { text: 'soon', expected: 1000 },
    { text: 'Infinity', expected: Infinity },
  ])('after $expected ms with SOCKEYE_SLOW_CALL_MS=$text', ({ text, expected }) => {
    expect(slowCallMs({ SOCKEYE_SLOW_CALL_MS: text })).toBe(expected);
  });
});
