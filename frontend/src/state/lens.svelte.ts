/** How a map is looked at: what is brought out, and whether messages are dots or counted. One choice for all maps of a page. */

import type { Drawn } from '../core/flows';

/** all: everything alike; context: the selected node and who it talks with, the rest pale; focus: those alone. */
export const EMPHASES = ['all', 'context', 'focus'] as const;
export type Emphasis = (typeof EMPHASES)[number];
export const DRAWN = ['auto', 'dots', 'flows'] as const;

class Lens {
  emphasis = $state<Emphasis>('all');
  drawn = $state<Drawn>('auto');
  /** The map that keys move: the one that came last. */
  camera: { nearer(): void; farther(): void; whole(): void } | null = null;
}
export const lens = new Lens();
