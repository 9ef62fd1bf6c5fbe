/** What TraceQL can speak of, and what of it we know. Pure. */

export type Field =
  | { readonly of: 'attribute'; readonly name: string; readonly key: string }
  | { readonly of: 'service' | 'name' | 'duration' | 'traceDuration'; readonly name: string }
  | { readonly of: 'kind' | 'status'; readonly name: string; readonly words: readonly string[] }
  /** Known to TraceQL, and to be selected, but not to be asked for. */
  | { readonly of: 'unsupported'; readonly name: string };

export const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
export const STATUSES = ['error', 'ok', 'unset'] as const;

/** Those that can be asked for, which an editor offers. */
export const INTRINSICS = [
  'duration',
  'kind',
  'name',
  'span:duration',
  'span:kind',
  'span:name',
  'span:status',
  'status',
  'trace:duration',
  'traceDuration',
] as const;
const UNSUPPORTED = new Set([
  'rootName',
  'rootServiceName',
  'statusMessage',
  'childCount',
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
  'parent',
  'span:id',
  'span:parentID',
  'span:childCount',
  'span:statusMessage',
  'trace:id',
  'trace:rootName',
  'trace:rootService',
  'event:name',
  'event:timeSinceStart',
  'link:spanID',
  'link:traceID',
  'instrumentation:name',
  'instrumentation:version',
]);
const SCOPES: ReadonlySet<string> = new Set(['', 'span', 'resource', 'event', 'link', 'instrumentation']);

/** null where TraceQL has no such field. */
export function readField(name: string): Field | null {
  const dot = name.indexOf('.');
  if (dot >= 0) {
    const [scope, rest] = [name.slice(0, dot), name.slice(dot + 1)];
    if (scope === 'parent') return { of: 'unsupported', name };
    if (!SCOPES.has(scope) || rest === '') return null;
    const key = rest.replaceAll(/"((?:[^"\\]|\\.)*)"/gs, (_, quoted: string) =>
      quoted.replaceAll(/\\(.)/gs, '$1'),
    );
    return key === 'service.name' && (scope === '' || scope === 'resource')
      ? { of: 'service', name }
      : { of: 'attribute', name, key };
  }
  switch (name) {
    case 'name':
    case 'span:name':
      return { of: 'name', name };
    case 'duration':
    case 'span:duration':
      return { of: 'duration', name };
    case 'traceDuration':
    case 'trace:duration':
      return { of: 'traceDuration', name };
    case 'kind':
    case 'span:kind':
      return { of: 'kind', name, words: KINDS };
    case 'status':
    case 'span:status':
      return { of: 'status', name, words: STATUSES };
    default:
      return UNSUPPORTED.has(name) ? { of: 'unsupported', name } : null;
  }
}
