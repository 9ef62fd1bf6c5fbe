import { describe, expect, it } from 'vitest';
import { readOptions } from '../../demo/options.ts';

describe('the demo’s command line', () => {
  it('passes on to the collector what it does not know', () => {
    expect(readOptions(['--web', '127.0.0.1:0', '--seconds', '20', '--keep=1d'])).toMatchObject({
      seconds: 20,
      once: false,
      collectorArgs: ['--web', '127.0.0.1:0', '--keep=1d'],
    });
  });

  it('plays the faults it is told, and takes a value behind an equals sign', () => {
    expect(readOptions(['--faults=refused,dns-silent', '--once'])).toMatchObject({
      names: ['refused', 'dns-silent'],
      once: true,
    });
  });

  it.each([
    [['--seconds', 'soon'], '--seconds: got "soon", expected a number'],
    [['--seconds'], '--seconds: got "", expected a number'],
    [['--faults', 'refused,weather'], '--faults: got "weather", expected'],
    [['--send-to', 'collector'], '--send-to: got "collector", expected a URL'],
    [
      ['--send-to', 'http://c:4317', '--web', 'x:1'],
      '--web: expected no flag of the collector beside --send-to',
    ],
  ])('refuses %j', (args, message) => {
    expect(readOptions(args)).toEqual({ error: expect.stringContaining(message) });
  });
});
