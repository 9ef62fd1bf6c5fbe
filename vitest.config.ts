import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/**
 * Programs under test and the product itself give up after times of their own, the hook 1.5 s after a program's end: on a machine
 * that is busy enough they do. Such a test is run once more, and the report says `retry x1`.
 */
const RETRIES_ON_BUSY_MACHINES = 1;
/** What another process does is waited for longer than the second that is usual. */
const PATIENT = { poll: { timeout: 10_000 } };
/** Hundreds of collectors and commands are started: as by `npm start`, each reads what was compiled for those before. */
const COMPILED = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)),
};

/**
 * Three groups, one after the other, the fast ones first. On two cores more workers than two only fight each other where a browser
 * keeps them busy, or where calls give up after a moment; a third of the time of the others' processes is waiting.
 */
const FAST = { maxWorkers: 2, sequence: { groupOrder: 0 } };
const WAITING = { maxWorkers: 3, sequence: { groupOrder: 1 } };
const BUSY = { maxWorkers: 2, sequence: { groupOrder: 2 } };

const PROCESSES = {
  env: COMPILED,
  retry: RETRIES_ON_BUSY_MACHINES,
  expect: PATIENT,
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

/**
 * `unit` is pure, `page` runs components in jsdom, `process` starts real processes on loopback, `hook` those of programs with
 * the hook, `end-to-end` drives the whole product with a real Chromium.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          ...FAST,
          // Random tests take seconds where the machine is busy.
          testTimeout: 20_000,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.process.test.ts', 'test/end-to-end/**', 'test/ui/**'],
        },
      },
      {
        plugins: [svelte({ configFile: false })],
        resolve: { conditions: ['browser'] },
        test: {
          name: 'page',
          ...FAST,
          testTimeout: 20_000,
          environment: 'jsdom',
          include: ['test/ui/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'process',
          ...WAITING,
          ...PROCESSES,
          include: ['test/**/*.process.test.ts'],
          exclude: ['test/instrumentation/**'],
        },
      },
      {
        test: {
          name: 'hook',
          ...BUSY,
          ...PROCESSES,
          include: ['test/instrumentation/**/*.process.test.ts'],
        },
      },
      {
        test: {
          name: 'end-to-end',
          ...BUSY,
          include: ['test/end-to-end/**/*.test.ts'],
          retry: RETRIES_ON_BUSY_MACHINES,
          expect: PATIENT,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
