/** What a message from one node to another meets now: what is stated, and what faults made of it. Pure. */

import type { LinkChange, LinkSpan, Network, Spread } from './chunk';
import { latencyMs, lossOf, typicalMs, type Topology } from './experiment';

export interface LinkNow {
  ms: number;
  loss: number;
  /** A fault changed something about it. */
  changed: boolean;
}

export const spreadMs = (spread: Spread | null | undefined): number | null => (spread ? typicalMs({ [spread.kind]: spread.values }) : null);

/** The changes in force, in order: each leaves what it does not speak of, and what is extra adds up. */
export function linkNow(network: Network, topology: Topology, from: string, to: string): LinkNow {
  const changes = network.links.filter((change) => joins(change, from, to) && !change.spared?.some((span) => joins(span, from, to)));
  const last = <T>(read: (change: LinkChange) => T | null | undefined): T | undefined => changes.map(read).filter((value) => value !== null && value !== undefined).at(-1);
  const base = last((change) => spreadMs(change.latency)) ?? latencyMs(topology, from, to) ?? 0;
  const extra = changes.reduce((sum, change) => sum + (spreadMs(change.extra) ?? 0), 0);
  return { ms: base + extra, loss: last((change) => change.loss) ?? lossOf(topology, from, to), changed: changes.length > 0 };
}

function joins({ from_, to: ends, one_way }: LinkSpan, from: string, to: string): boolean {
  const among = (wanted: readonly string[], id: string) => !wanted.length || wanted.includes(id);
  return (among(from_, from) && among(ends, to)) || (!one_way && among(from_, to) && among(ends, from));
}
