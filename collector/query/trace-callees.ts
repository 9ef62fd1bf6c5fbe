/** Names whom the calls of a trace went to, as the map names them: with what the store remembers of addresses. */
import { serviceOf, type Span } from '../span.ts';
import type { Store } from '../store/store.ts';
import { addressOfPeer, calleeOf, peerOf } from './callee.ts';

/** Peers of a trace beyond these go by what the calls themselves say. */
export const ADDRESSES_MAX = 500;

/** By address, which service answers behind it. */
export type AddressServices = Pick<ReadonlyMap<string, string>, 'get'>;

/** The service of the paired server span, where there is one, is given with the call. */
export type NameCallee = (call: Span, pairedService: string | null) => string;

export async function readCallees(
  store: Pick<Store, 'readAddressServices'>,
  spans: readonly Span[],
): Promise<NameCallee> {
  return nameCallees(await store.readAddressServices(addressesOf(spans)));
}

/** `services` by the addresses that they answer behind. */
export function nameCallees(services: AddressServices): NameCallee {
  return (call, pairedService) => {
    const peer = peerOf(call);
    if (peer === null) return pairedService ?? serviceOf(call);
    const remembered = peer.address === null ? null : (services.get(peer.address) ?? null);
    return calleeOf(peer, pairedService, remembered).id;
  };
}

export function addressesOf(spans: readonly Span[]): string[] {
  const addresses = new Set<string>();
  for (const span of spans) {
    if (addresses.size >= ADDRESSES_MAX) break;
    const address = addressOfPeer(span);
    if (address !== null) addresses.add(address);
  }
  return [...addresses];
}
