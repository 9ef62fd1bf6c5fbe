/** What a drawing of the map shows, in SVG or on a canvas. Types only. */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';
import type { Layout } from './layout.ts';

export interface Drawn {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  readonly layout: Layout;
  /** Of the range, which rates are divided by. */
  readonly seconds: number;
  readonly colour: 'p95' | 'failures';
  /** The trace that stands out from the rest; null when none is shown. */
  readonly trace: DrawnTrace | null;
  /** What is left out of a large map, and stands in it as one node. */
  readonly folded: { readonly nodes: number; readonly edges: number } | null;
}
export interface DrawnTrace {
  /** Keys of the edges it went along. */
  readonly path: ReadonlySet<string>;
  /** Where its timeout started, as `edge:…` or `node:…`. */
  readonly origin: string | null;
}
