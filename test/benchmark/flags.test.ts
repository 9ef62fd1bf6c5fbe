import { expect, test } from 'vitest';
import { choices, json, number, numbers, parseFlags, text } from './flags.ts';

const flags = {
  spans: numbers([1_000, 2_000], 'how many are stored'),
  rounds: number(3, 'of each'),
  'per-request': number(undefined, 'spans in a request'),
  modes: choices(['http', 'fetch']),
  keep: text('DIR', undefined, 'keep what is loaded there'),
  json,
};
const parse = (...args: string[]) => parseFlags('npm run bench:it --', flags, args);

test('without flags, every value is its default', () => {
  expect(parse()).toEqual({
    values: {
      spans: [1_000, 2_000],
      rounds: 3,
      'per-request': undefined,
      modes: ['http', 'fetch'],
      keep: undefined,
      json: false,
    },
  });
});

test('each flag is read as what it is', () => {
  const args = ['--spans', '5,6', '--per-request=10', '--modes', 'fetch', '--keep', 'here', '--json'];
  expect(parse(...args)).toEqual({
    values: { spans: [5, 6], rounds: 3, 'per-request': 10, modes: ['fetch'], keep: 'here', json: true },
  });
});

test.each([
  [['--rounds', 'many'], '--rounds: got "many", expected a number of at least 1'],
  [['--rounds', '0'], '--rounds: got "0", expected a number of at least 1'],
  [['--rounds='], '--rounds: got "", expected a number of at least 1'],
  [['--spans', '5,'], '--spans: got "5,", expected a number of at least 1'],
  [['--modes', 'http,grpc'], '--modes: got "http,grpc", expected some of http,fetch'],
  [['--round', '3'], "Unknown option '--round'; --help shows all flags"],
  [['--json=yes'], "Option '--json' does not take an argument; --help shows all flags"],
  [['3'], "Unexpected argument '3'"],
])('%j is refused with what was expected', (args, said) => {
  expect(parse(...args)).toEqual({ error: expect.stringContaining(said) });
});

test('--help names every flag with what it means and is by default', () => {
  expect(parse('--help', '--rounds', 'many')).toEqual({
    help: `Usage: npm run bench:it -- [FLAGS]

  --spans LIST     how many are stored (1000,2000)
  --rounds N       of each (3)
  --per-request N  spans in a request
  --modes LIST     some of these (http,fetch)
  --keep DIR       keep what is loaded there
  --json           everything that was measured, for programs`,
  });
});
