/** Who reaches whom, and who can still decide: the words of the result line and of the pills under each side. */

import type { Network } from './chunk';

export interface Side {
  nodes: string[];
  /** Running nodes of this side that have a vote. */
  voters: number;
  decides: boolean;
}

/** Nodes that reach each other both ways form a side; down and paused ones belong where their links lead, without a vote.
 * `electorate`: those of whom a majority decides. */
export function sidesOf(nodes: readonly string[], running: ReadonlySet<string>, network: Network, electorate: readonly string[] = nodes): Side[] {
  const majority = Math.floor(electorate.length / 2) + 1;
  const entitled = new Set(electorate);
  const votes = (id: string) => running.has(id) && entitled.has(id);
  if (!network.cuts.length && !network.holds.length && nodes.length) {
    const voters = nodes.filter(votes).length;
    return [{ nodes: [...nodes], voters, decides: voters >= majority }];
  }
  const cut = new Map<string, Set<string>>();
  for (const [from, to] of [...network.cuts, ...network.holds]) cut.set(from, (cut.get(from) ?? new Set()).add(to));
  const linked = (a: string, b: string) => !cut.get(a)?.has(b) && !cut.get(b)?.has(a);
  return components(nodes, linked).map((members) => {
    const voters = members.filter(votes).length;
    // A bridge node may link two groups that do not reach each other: the best hub decides with its neighbours.
    const best = Math.max(0, ...members.filter((id) => running.has(id)).map(
      (hub) => members.filter((id) => votes(id) && (id === hub || linked(hub, id))).length));
    return { nodes: members, voters, decides: best >= majority };
  });
}

function components(nodes: readonly string[], linked: (a: string, b: string) => boolean): string[][] {
  const seen = new Set<string>();
  const found: string[][] = [];
  for (const start of nodes) {
    if (seen.has(start)) continue;
    seen.add(start);
    const members = [start];
    for (let at = 0; at < members.length; at++) {
      for (const other of nodes) {
        if (!seen.has(other) && linked(members[at]!, other)) {
          seen.add(other);
          members.push(other);
        }
      }
    }
    found.push(nodes.filter((id) => members.includes(id)));
  }
  return found;
}

/** A place that holds exactly these nodes (a region or zone), so that a sentence may say "east" instead of "n1, n2". */
export function placeName(nodes: readonly string[], places: ReadonlyMap<string, readonly string[]>): string | null {
  for (const [place, members] of places) {
    if (members.length === nodes.length && members.every((id) => nodes.includes(id))) return place;
  }
  return null;
}
