/** E: gateways and load balancers between caller and service. */
import type { Cause, Check } from './cause.ts';

const NGINX: Check = {
  text: 'time-outs and upstreams of an nginx',
  command: "nginx -T | grep -nE 'proxy_(connect|read|send)_timeout|upstream|keepalive'",
  peer: 'http',
};
const ENDPOINTS: Check = {
  text: 'endpoints behind a Kubernetes service',
  command: 'kubectl get endpointslices -l kubernetes.io/service-name={host}',
  peer: 'http',
};

export const GATEWAY: readonly Cause[] = [
  {
    code: 'E1',
    category: 'gateway',
    title: "The gateway's timer is shorter than the answer of {peer} takes",
    prior: 6,
    is: 'A gateway or load balancer gives up on a backend that is still working and answers 504 in its stead.',
    recognised:
      'A 504 (or 524) close to a round number of seconds, while the backend finishes later or normally takes longer than that.',
    decides: "the backend's own durations, compared with the gateway's time-out",
    confirm: [
      NGINX,
      {
        text: 'the answer without the gateway in between',
        command: 'curl -so /dev/null -w "%{http_code} %{time_total}s\\n" {url}',
        peer: 'http',
      },
    ],
    fix: "Make the gateway's time-out longer than the backend's slowest honest answer, or make the backend faster; keep outer limits longer than inner ones.",
  },
  {
    code: 'E2',
    category: 'gateway',
    title: 'The gateway {peer} has a wrong or dead backend',
    prior: 5,
    is: 'The gateway forwards to an address where nothing (or the wrong thing) answers.',
    recognised: '502 or 503 at once, or a gateway whose connects fail (Envoy flag UF).',
    decides: "the gateway's own log or span for this request: which backend, which error",
    confirm: [
      NGINX,
      ENDPOINTS,
      { text: 'the gateway itself', command: 'curl -sv -o /dev/null {url}', peer: 'http' },
    ],
    fix: 'Correct the upstream address or port; let health checks take dead backends out.',
  },
  {
    code: 'E3',
    category: 'gateway',
    title: '{peer} closed an idle connection just as it was used',
    prior: 5,
    is: 'Keep-alive race: the server closes an idle connection at the moment the client sends the next request on it.',
    recognised:
      'A reused connection, ended by the peer before any byte of the answer ("socket hang up"), right after an idle time close to the server\'s keep-alive time-out.',
    decides: "the connection's idle time compared with the server's keep-alive time-out",
    confirm: [
      NGINX,
      {
        text: 'on the client: idle times of pooled connections',
        command: 'ss -tino dst {host} dport = :{port}',
      },
    ],
    fix: "The client's idle limit must be shorter than the server's (Node: server.keepAliveTimeout above the load balancer's idle time-out). Retry idempotent requests once.",
  },
  {
    code: 'E4',
    category: 'gateway',
    title: 'The load balancer before {peer} cut an idle connection',
    prior: 3,
    is: 'A load balancer closes connections over which nothing moves for its idle time (60 s on AWS ALB), also in the middle of a slow answer.',
    recognised: 'A reset or end at the same idle time again and again, whatever the service does.',
    decides: "the silence before the cut, compared with the load balancer's idle time-out",
    confirm: [
      NGINX,
      {
        text: 'when exactly the cut comes',
        command: 'curl -sv -m 400 -o /dev/null {url}',
        peer: 'http',
      },
    ],
    fix: "Raise the idle time-out above the service's slowest answer, or send something meanwhile (keep-alives, chunks).",
  },
  {
    code: 'E5',
    category: 'gateway',
    title: 'Retries of the gateway multiply the load on {peer}',
    prior: 3,
    is: 'A gateway retries what failed. Behind several layers of retries one request becomes many, each taking its share of the budget.',
    recognised:
      'Several attempts of one request to the same callee, made by a gateway, that together use up the budget.',
    decides: 'the number of attempts per request in the trace',
    confirm: [
      {
        text: 'retries configured in nginx',
        command: "nginx -T | grep -n 'proxy_next_upstream'",
        peer: 'http',
      },
      NGINX,
    ],
    fix: 'Retry in one layer only, with a budget (10 % of requests) and back-off; give an attempt a part of the whole limit.',
  },
  {
    code: 'E6',
    category: 'gateway',
    title: 'No ready endpoint behind {peer}',
    prior: 4,
    is: 'The gateway or cluster address has no healthy backend to send to: none started, none passes its health check, all are ejected.',
    recognised: '503 at once ("no healthy upstream", Envoy flag UH), or a cluster address that rejects.',
    decides: 'the list of ready endpoints at that time',
    confirm: [
      ENDPOINTS,
      { text: 'the gateway itself', command: 'curl -sv -o /dev/null {url}', peer: 'http' },
    ],
    fix: 'Look at why the backends are not ready: health check, start-up, deployment, selector.',
  },
];
