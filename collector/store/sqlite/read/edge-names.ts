/**
 * Names the edges of kept verdicts as the map names them now. A verdict has the name of its moment, which may be a bare
 * host: when a service is known to answer behind its address since, the map says that service, of earlier calls, too.
 */
import { fingerprintOf } from '../../../query/incidents.ts';
import type { VerdictRow } from '../../../query/results.ts';
import type { VerdictToSave } from '../../store.ts';
import type { Connection } from '../open-database.ts';
import type { AddressServices } from './addresses.ts';

export type KeptEdge = Pick<VerdictToSave, 'edge' | 'phase' | 'kind'> & { readonly fingerprint: string };
/** `isWhole`: all verdicts of the name that it was kept under have this one now. */
type NameNow = Pick<KeptEdge, 'edge'> & { readonly isWhole: boolean };

export interface EdgeNow extends NameNow {
  readonly fingerprint: string;
}

/** To be asked within one transaction: what was found stays known. */
export interface EdgeNames {
  /** `addressOf` says where the call went, if its name alone does not tell. */
  nameNow(kept: KeptEdge, addressOf: () => string | null): EdgeNow;
  /** Of verdicts kept under it, in any range; null where there is none. */
  seen(fingerprint: string): VerdictRow['seenUnixMs'] | null;
}

export function createEdgeNames(
  database: Connection,
  addresses: Pick<AddressServices, 'one' | 'behindName'>,
): () => EdgeNames {
  const isService = database
    .prepare<[string], number>('SELECT EXISTS (SELECT 1 FROM operation WHERE service = ?)')
    .pluck();
  const isCalled = database
    .prepare<[string, string], number>('SELECT EXISTS (SELECT 1 FROM peer WHERE name = ? AND address = ?)')
    .pluck();
  const seenOf = database.prepare<{ fingerprint: string }, Record<'first' | 'last', number | null>>(
    // Each by the index: asked for together, all of them would be gone through.
    `SELECT (SELECT min(give_up_unix_ms) FROM verdict WHERE fingerprint = @fingerprint) AS first,
       (SELECT max(give_up_unix_ms) FROM verdict WHERE fingerprint = @fingerprint) AS last`,
  );

  /** Who sends spans under its name needs no other. */
  const readBehind = (name: string) => (isService.get(name) === 1 ? [] : addresses.behindName(name));

  function readSeen(fingerprint: string): VerdictRow['seenUnixMs'] | null {
    const { first, last } = seenOf.get({ fingerprint })!;
    return first === null || last === null ? null : { first, last };
  }

  return () => {
    const behind = remember(readBehind);
    const behindAddress = remember((name) =>
      remember((address) => (isCalled.get(name, address) === 1 ? addresses.one(address) : null)),
    );
    const seen = remember(readSeen);

    function nameOf(edge: string, addressOf: () => string | null): NameNow {
      const [caller, name] = splitEdge(edge);
      if (name === null) return { edge, isWhole: true };
      const services = behind(name);
      if (services.length < 2) return { edge: `${caller}->${services[0] ?? name}`, isWhole: true };
      const address = addressOf();
      const service = address === null ? null : behindAddress(name)(address);
      return { edge: `${caller}->${service ?? name}`, isWhole: false };
    }

    return {
      seen,
      nameNow(kept, addressOf) {
        const now = nameOf(kept.edge, addressOf);
        if (now.edge === kept.edge) return { ...now, fingerprint: kept.fingerprint };
        const fingerprint = fingerprintOf(now.edge, kept.phase, kept.kind);
        // Some of an incident become another only where that is there.
        if (now.isWhole || seen(fingerprint) !== null) return { ...now, fingerprint };
        return { edge: kept.edge, fingerprint: kept.fingerprint, isWhole: false };
      },
    };
  };
}

/** A service's own work has no callee. */
function splitEdge(edge: string): [caller: string, callee: string | null] {
  const at = edge.indexOf('->');
  return at === -1 ? [edge, null] : [edge.slice(0, at), edge.slice(at + 2)];
}

function remember<Value>(read: (key: string) => Value): (key: string) => Value {
  const known = new Map<string, Value>();
  return (key) => {
    if (!known.has(key)) known.set(key, read(key));
    return known.get(key)!;
  };
}
