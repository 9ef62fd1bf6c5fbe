import { expect, it } from 'vitest';
import { readDestination } from '../../instrumentation/destination.ts';

it.each([
  ['options', [{ host: 'db', port: 5432 }], { host: 'db', port: 5432, path: undefined }],
  ['options without a host', [{ port: '80' }], { host: 'localhost', port: 80, path: undefined }],
  ['a local socket', [{ path: '/run/x' }], { host: undefined, port: undefined, path: '/run/x' }],
  ['port and host', [80, 'web', () => {}], { host: 'web', port: 80, path: undefined }],
  ['a port as text', ['80'], { host: 'localhost', port: 80, path: undefined }],
  ['a path', ['/run/x', () => {}], { host: undefined, port: undefined, path: '/run/x' }],
  [
    'arguments normalized before',
    [[{ host: 'db', port: 1 }, null]],
    { host: 'db', port: 1, path: undefined },
  ],
])('the destination of connect with %s is understood', (_name, args, destination) => {
  expect(readDestination(args)).toEqual(destination);
});
