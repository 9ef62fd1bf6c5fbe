/** HTTP methods as spans name them: the known ones as they are, any other as `HTTP` with the original beside it. */

const known = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'];

export interface RecordedMethod {
  /** For `http.request.method`. */
  method: string;
  /** For `http.request.method_original`, when it is not a known one. */
  original: string | undefined;
  /** The name of a span whose route is not known. */
  spanName: string;
}

const recorded = new Map<string, RecordedMethod>(
  known.map((method) => [method, { method, original: undefined, spanName: method }]),
);

export function recordedMethod(method: string | undefined): RecordedMethod {
  const asked = method ?? 'GET';
  return (
    recorded.get(asked) ??
    recorded.get(asked.toUpperCase()) ?? { method: '_OTHER', original: method, spanName: 'HTTP' }
  );
}
