/** Which of a shape's holes say what a row is: so that two rows that agree in these need not both be looked at. */
import { PENDING_SPAN_ID } from '../../diagnose/pending.ts';
import { HOST_FALLBACK_KEYS, HOST_KEYS, PEER_KEYS } from '../../query/callee.ts';
import { PATH_KEYS, ROUTE_KEYS } from '../../span.ts';
import { STATUS_ERROR, STATUS_OK } from './codes.ts';
import * as op from './operations.ts';
import { RAW_SHAPE, type Shape } from './shape-book.ts';
import type { SpanTable } from './span-table.ts';

/** Attributes that can make a span fail though its status says nothing; `error.type` and the hook's do so by being there. */
const OUTCOME_KEYS = [
  'http.response.status_code',
  'http.status_code',
  'rpc.grpc.status_code',
  'rpc.response.status_code',
  'grpc.status_code',
  'sockeye.stream',
  'http.request.resend_count',
  'logfire.span_type',
];
const FAILURE_KEYS = ['error.type', 'sockeye.timeout.timer', 'sockeye.timeout.phase'];

/** What of a shape the facts depend on. Offsets count words from the row's first value. */
export interface ShapeFacts {
  /** Not a thing can be said without decoding the span: it is raw, a snapshot, or has an attribute twice. */
  readonly isOpaque: boolean;
  readonly kind: number;
  readonly status: number;
  readonly hasFailed: boolean;
  readonly nameAt: number;
  readonly outcomeAt: Uint16Array;
  /** What names the operation of a bare method, the first that is not empty: so many routes, then paths. */
  readonly pathsAt: Uint16Array;
  readonly routes: number;
  readonly peerAt: Uint16Array;
  /** Set where an empty host leads to other attributes. */
  readonly hostAt: number;
  readonly attributes: readonly AttributeHole[];
}

export interface AttributeHole {
  readonly key: string;
  readonly type: number;
  /** -1 where it has no value. */
  readonly offset: number;
}

export function shapeFactsOf({ book }: SpanTable, shape: Shape): ShapeFacts {
  const attributes: AttributeHole[] = [];
  let kind = 0;
  let status = 0;
  let nameAt = -1;
  let offset = 0;
  for (const { code, key, column } of shape.steps) {
    const number = op.numberOfCode(code);
    if (number === op.KIND) kind = op.literalOfCode(code);
    else if (number === op.STATUS_CODE) status = op.literalOfCode(code);
    else if (number === op.NAME) nameAt = offset;
    else if (number === op.ATTRIBUTE) {
      attributes.push({ key, type: op.typeOfCode(code), offset: column < 0 ? -1 : offset });
    }
    if (column >= 0) offset += book.columns[column]!.format === 'pair' ? 2 : 1;
  }
  const keys = new Set(attributes.map(({ key }) => key));
  const holes = attributes.filter((hole) => hole.offset >= 0);
  const textAt = (wanted: readonly string[]): number[] => {
    const texts = holes.filter(({ type }) => type === op.TEXT);
    return wanted.flatMap((key) => texts.find((hole) => hole.key === key)?.offset ?? []);
  };
  const wordsOf = (wanted: readonly string[]): number[] =>
    holes.filter(({ key }) => wanted.includes(key)).flatMap((hole) => wordsOfHole(hole));
  const routesAt = textAt(ROUTE_KEYS);
  const [hostAt = -1] = textAt(HOST_KEYS);
  return {
    isOpaque: shape === book.shapes[RAW_SHAPE] || keys.size < attributes.length || keys.has(PENDING_SPAN_ID),
    kind,
    status,
    hasFailed: status !== STATUS_OK && (status === STATUS_ERROR || FAILURE_KEYS.some((key) => keys.has(key))),
    nameAt,
    outcomeAt: Uint16Array.from(wordsOf(OUTCOME_KEYS)),
    pathsAt: Uint16Array.from([...routesAt, ...textAt(PATH_KEYS)]),
    routes: routesAt.length,
    peerAt: Uint16Array.from(
      wordsOf(
        hostAt < 0 ? [...PEER_KEYS, ...HOST_KEYS, ...HOST_FALLBACK_KEYS] : [...PEER_KEYS, ...HOST_KEYS],
      ),
    ),
    hostAt,
    attributes,
  };
}

function wordsOfHole({ type, offset }: AttributeHole): number[] {
  return op.ATTRIBUTE_TYPES[type]!.format === 'pair' ? [offset, offset + 1] : [offset];
}
