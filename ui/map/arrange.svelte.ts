/** Where the nodes of the map stand, kept while its numbers change: nobody looks for a node that was there before. */
import { placeFold, type MapPart } from './choose.ts';
import { layOut } from './lay-out.ts';
import type { Layout } from './layout.ts';

export function createArrangement() {
  let layout = $state.raw<Layout | null>(null);
  /** Every place that was taken since the map was laid out, also of nodes that are not shown now. */
  let taken: Layout | null = null;
  let laidOutFor = '';
  /** Of a layout that comes late, when another was asked for meanwhile, nothing is shown. */
  let turn = 0;

  return {
    get layout(): Layout | null {
      return layout;
    },
    /**
     * Lays out a part of the map. While `asked` is the same, nodes keep their places. Resolves to whether all of it was
     * laid out anew.
     */
    async arrange({ nodes, edges }: MapPart, isFolded: boolean, asked: string): Promise<boolean> {
      const kept = asked === laidOutFor ? taken : null;
      laidOutFor = asked;
      const own = ++turn;
      const laidOut = await layOut({ nodes: nodes.map((node) => node.id), edges }, kept);
      if (own !== turn) return false;
      layout = isFolded ? placeFold(laidOut, kept) : laidOut;
      taken = {
        nodes: { ...kept?.nodes, ...layout.nodes },
        routes: { ...kept?.routes, ...layout.routes },
        ...(layout.bands ? { bands: layout.bands } : {}),
      };
      return kept === null;
    },
    /** The next layout begins anew. */
    forget(): void {
      laidOutFor = '';
    },
  };
}
