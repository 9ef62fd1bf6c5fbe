import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/**
 * Programs under test and the product itself give up after times of their own, the hook 1.5 s after a program's end: on a machine
 * that is busy enough they do. Such a test is run once more, and the report says `retry x1`.
 */
const RETRIES_ON_BUSY_MACHINES = 1;
/** What another process does is waited for longer than the second that is usual. */
const PATIENT = { poll: { timeout: 10_000 } };

/**
 * Fast ones first: `unit` is pure, `page` runs components in jsdom, `process` starts real processes on loopback,
 * `end-to-end` drives the whole product with a real Chromium.
 */
export default defineConfig({
  test: {
    // Two cores: more workers only fight each other, and the process tests measure time-outs.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          // Random tests take seconds where the machine is busy.
          testTimeout: 20_000,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.process.test.ts', 'test/end-to-end/**', 'test/ui/**'],
        },
      },
      {
        plugins: [svelte({ configFile: false })],
        resolve: { conditions: ['browser'] },
        test: { name: 'page', environment: 'jsdom', include: ['test/ui/**/*.test.ts'] },
      },
      {
        test: {
          name: 'process',
          include: ['test/**/*.process.test.ts'],
          exclude: ['test/end-to-end/**'],
          retry: RETRIES_ON_BUSY_MACHINES,
          expect: PATIENT,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
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
