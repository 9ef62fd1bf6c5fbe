/** The calls that `http2-calls.cjs` makes: lists of what begins at once, one after the other. */
import { closedPort } from './faults.ts';

/** Of `http2-server.cjs`, a server that says nothing, and a listener that accepts nobody. */
interface Ports {
  core: string | undefined;
  /** Allows one stream at once. */
  narrow: string | undefined;
  rpc: string | undefined;
  full: number;
  silent: number;
}

/** Most of those that are given up wait for `budgetMs`. */
export function callsTo({ core, narrow, rpc, full, silent }: Ports, budgetMs: number) {
  const at = (name: string, more: object = {}) => ({
    name,
    url: `http://127.0.0.1:${core}/${name}`,
    ...more,
  });
  const limited = (name: string, more: object = {}) =>
    at(name, { url: `http://127.0.0.1:${narrow}/${name}`, ...more });
  const call = (name: string, method: string, more: object = {}) => ({
    name,
    path: `/shop.Cart/${method}`,
    target: `127.0.0.1:${rpc}`,
    ...more,
  });
  return [
    [at('first'), at('beside'), call('get', 'Get', { budgetMs: 30_000 })],
    [
      at('again'),
      at('listed', { headersAsList: true }),
      at('upload', { bodyBytes: 300_000 }),
      at('broken'),
      at('events'),
      at('hang-signal', { timer: 'signal', budgetMs }),
      at('hang-idle', { timer: 'idle', budgetMs }),
      at('hang-close', { timer: 'close', budgetMs }),
      { name: 'syn', url: `http://127.0.0.1:${full}/syn`, timer: 'signal', budgetMs },
      { name: 'tls', url: `https://127.0.0.1:${silent}/tls`, timer: 'signal', budgetMs },
      { name: 'refused', url: `http://127.0.0.1:${closedPort}/refused` },
      call('get-again', 'Get'),
      call('fail', 'Fail'),
      call('watch', 'Watch', { kind: 'server' }),
      call('chat', 'Chat', { kind: 'bidi' }),
      call('hang', 'Hang', { budgetMs }),
      call('cancel', 'Silent', { cancelMs: 300 }),
      call('rpc-syn', 'Syn', { target: `127.0.0.1:${full}`, budgetMs }),
      call('rpc-syn-beside', 'SynBeside', { target: `127.0.0.1:${full}`, budgetMs }),
      call('rpc-tls', 'Tls', { target: `localhost:${silent}`, isSecure: true, budgetMs }),
      call('rpc-refused', 'Refused', { target: `127.0.0.1:${closedPort}`, budgetMs: 30_000 }),
    ],
    [
      { name: 'dual', url: `http://two.test:${core}/dual` },
      call('rpc-dual', 'Dual', { target: `two.test:${rpc}`, budgetMs: 30_000 }),
    ],
    [
      call('rpc-silent', 'FirstSilent', {
        target: `ipv4:127.0.0.1:${full},127.0.0.1:${rpc}`,
        budgetMs: 30_000,
      }),
    ],
    [limited('warm')],
    [limited('late-holder'), limited('behind')],
    [
      limited('hang-holder', { timer: 'close', budgetMs: 400 }),
      limited('hang-behind', { timer: 'signal', budgetMs: 200 }),
    ],
    [at('ended')],
  ];
}
