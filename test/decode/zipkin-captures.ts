/**
 * What real reporters sent, caught by a server that wrote it down: one call each of zipkin-js 0.22 in both versions of
 * the model, and a request of py_zipkin 1.2 with a call of its own, in protobuf and in v1.
 */

/** A client `web` calls `api`, which answers 500; the client meets an error. The server's side shares the client's id. */
export const ZIPKIN_JS_V1 = [
  {
    traceId: 'cfc796f663a3cf3e',
    parentId: 'cfc796f663a3cf3e',
    id: '5c787ef2a396a069',
    name: 'get',
    annotations: [
      {
        value: 'sr',
        timestamp: 1795417547067343,
        endpoint: { serviceName: 'api', ipv4: '192.0.2.2', port: 8080 },
      },
      {
        value: 'ss',
        timestamp: 1795417547088004,
        endpoint: { serviceName: 'api', ipv4: '192.0.2.2', port: 8080 },
      },
    ],
    binaryAnnotations: [
      { key: 'http.path', value: '/pay', endpoint: { serviceName: 'api', ipv4: '192.0.2.2', port: 8080 } },
      {
        key: 'http.status_code',
        value: '500',
        endpoint: { serviceName: 'api', ipv4: '192.0.2.2', port: 8080 },
      },
      { key: 'error', value: '500', endpoint: { serviceName: 'api', ipv4: '192.0.2.2', port: 8080 } },
    ],
  },
  {
    traceId: 'cfc796f663a3cf3e',
    parentId: 'cfc796f663a3cf3e',
    id: '5c787ef2a396a069',
    name: 'get',
    timestamp: 1795417547066919,
    duration: 41868,
    annotations: [
      { value: 'waiting', timestamp: 1795417547067013, endpoint: { serviceName: 'web' } },
      { value: 'cs', timestamp: 1795417547066919, endpoint: { serviceName: 'web' } },
      { value: 'cr', timestamp: 1795417547108787, endpoint: { serviceName: 'web' } },
    ],
    binaryAnnotations: [
      { key: 'http.path', value: '/pay', endpoint: { serviceName: 'web' } },
      { key: 'error', value: 'Error: socket hang up', endpoint: { serviceName: 'web' } },
      { key: 'sa', value: true, endpoint: { serviceName: 'api' } },
    ],
  },
  {
    traceId: 'cfc796f663a3cf3e',
    parentId: '5c787ef2a396a069',
    id: 'd1c1d8b643be3379',
    name: 'price',
    timestamp: 1795417547109016,
    duration: 31,
  },
];

export const ZIPKIN_JS_V2 = [
  {
    traceId: 'c9d87d278ec06b3e',
    parentId: 'c9d87d278ec06b3e',
    id: '0e52f0ccfd306e59',
    name: 'get',
    kind: 'SERVER',
    timestamp: 1795417547510824,
    duration: 20376,
    localEndpoint: { serviceName: 'api', ipv4: '192.0.2.2', port: 8080 },
    tags: { 'http.path': '/pay', 'cart.size': '3', 'http.status_code': '500', error: '500' },
    shared: true,
  },
  {
    traceId: 'c9d87d278ec06b3e',
    parentId: 'c9d87d278ec06b3e',
    id: '0e52f0ccfd306e59',
    name: 'get',
    kind: 'CLIENT',
    timestamp: 1795417547510530,
    duration: 41343,
    localEndpoint: { serviceName: 'web' },
    remoteEndpoint: { serviceName: 'api' },
    annotations: [{ timestamp: 1795417547510558, value: 'waiting' }],
    tags: { 'http.path': '/pay', error: 'Error: socket hang up' },
  },
  {
    traceId: 'c9d87d278ec06b3e',
    parentId: '0e52f0ccfd306e59',
    id: 'e3210174788d0a68',
    name: 'price',
    timestamp: 1795417547551982,
    duration: 12,
    localEndpoint: { serviceName: 'api' },
  },
];

/** `orders` serves a request whose id it shares, and calls PostgreSQL for it, which times out. */
export const PY_ZIPKIN_PROTOBUF = Buffer.from(
  'CosBChBGOsNcn2QTrUhIWjlTu2EkEgii+0odGpbTEhoI4k4UQKDt1KIgASoGc2VsZWN0MfPrgjrsYAYAOMIoQhEKBm9yZGVycxIEfwAAASCQP0oT' +
    'Cghwb3N0Z3JlcxIECgADByC4KlITCQrsgjrsYAYAEghyb3cgbG9ja1oQCgVlcnJvchIHdGltZW91dAqFAQoQRjrDXJ9kE61ISFo5U7thJBIIACAA' +
    'AAAAAAEaCKL7Sh0altMSIAIqC0dFVCAvb3JkZXJzMWjWgjrsYAYAOIRVQhEKBm9yZGVycxIEfwAAASCQP1oUCglodHRwLnBhdGgSBy9vcmRlcnNa' +
    'FwoQaHR0cC5zdGF0dXNfY29kZRIDMjAwaAE=',
  'base64',
);

const ORDERS = { serviceName: 'orders', port: 8080, ipv4: '127.0.0.1' };
export const PY_ZIPKIN_V1 = [
  {
    traceId: '463ac35c9f6413ad48485a3953bb6124',
    name: 'select',
    id: 'b3291ac721110955',
    annotations: [
      { endpoint: ORDERS, timestamp: 1795417570485181, value: 'cs' },
      { endpoint: ORDERS, timestamp: 1795417570490379, value: 'cr' },
      { endpoint: ORDERS, timestamp: 1795417570485196, value: 'row lock' },
    ],
    binaryAnnotations: [
      { key: 'error', value: 'timeout', endpoint: ORDERS },
      { key: 'sa', value: true, endpoint: { serviceName: 'postgres', port: 5432, ipv4: '10.0.3.7' } },
    ],
    parentId: 'a2fb4a1d1a96d312',
    timestamp: 1795417570485181,
    duration: 5197,
  },
  {
    traceId: '463ac35c9f6413ad48485a3953bb6124',
    name: 'GET /orders',
    id: 'a2fb4a1d1a96d312',
    annotations: [
      { endpoint: ORDERS, timestamp: 1795417570480020, value: 'sr' },
      { endpoint: ORDERS, timestamp: 1795417570490653, value: 'ss' },
    ],
    binaryAnnotations: [
      { key: 'http.status_code', value: '200', endpoint: ORDERS },
      { key: 'http.path', value: '/orders', endpoint: ORDERS },
    ],
    parentId: '0020000000000001',
  },
];
