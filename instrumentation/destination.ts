/** Where `connect` of a socket is asked to go. Pure. */
export interface Destination {
  host: string | undefined;
  port: number | undefined;
  path: string | undefined;
}

/** The destination in the arguments of `connect`: options, port and host, a path, or any of them already normalized to an array. */
export function readDestination(args: unknown[]): Destination {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const { host, port, path } = first as Record<string, unknown>;
    if (typeof path === 'string') return { host: undefined, port: undefined, path };
    return {
      host: typeof host === 'string' && host !== '' ? host : 'localhost',
      port: Number(port),
      path: undefined,
    };
  }
  if (typeof first === 'string' && Number.isNaN(Number(first)))
    return { host: undefined, port: undefined, path: first };
  return { host: typeof second === 'string' ? second : 'localhost', port: Number(first), path: undefined };
}
