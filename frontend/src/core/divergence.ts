/** Where two traces part, and how their worlds differ: looked for piece by piece as the traces come in. Pure. */

import type { Json } from './chunk';
import { firstDifference, type Difference } from './compare';
import { isLog } from './chunk';
import type { Trace } from './trace';
import type { World } from './world';

/** Looks on where it stopped the last time: what was equal once stays so. */
export class Divergence {
  private equal_us = -1;
  private found: Difference | null = null;
  private about = '';

  /** The first difference up to a moment; null: equal so far; undefined: a part of one of them is not in hand yet. */
  look(a: Trace, branchA: number, b: Trace, branchB: number, until_us: number): Difference | null | undefined {
    const about = `${branchA} ${a.revision(branchA)} ${branchB} ${b.revision(branchB)}`;
    if (about !== this.about) [this.about, this.equal_us, this.found] = [about, -1, null];
    if (this.found) return this.found.at_us <= until_us ? this.found : null;
    const reach_us = Math.min(until_us, a.coveredUntil(branchA, Math.max(0, this.equal_us)), b.coveredUntil(branchB, Math.max(0, this.equal_us)));
    if (reach_us > this.equal_us) {
      this.found = firstDifference(a, branchA, b, branchB, reach_us, this.equal_us);
      if (this.found) return this.found;
      this.equal_us = reach_us;
    }
    return this.equal_us >= until_us ? null : undefined;
  }
}

export interface StateDifference {
  node: string;
  process: string;
  /** A field of the process; null: the process or its node is there on one side only, or the node's own state differs. */
  field: string | null;
  first: Json | undefined;
  second: Json | undefined;
}

/** Every field in which two worlds differ, by process; nodes' own states first. */
export function stateDifferences(a: World, b: World): StateDifference[] {
  const found: StateDifference[] = [];
  for (const node of union(a.nodes, b.nodes)) {
    const [first, second] = [a.nodes[node]?.state, b.nodes[node]?.state];
    if (first !== second) found.push({ node, process: node, field: null, first, second });
  }
  for (const process of union(a.processes, b.processes)) {
    const [one, other] = [a.processes[process], b.processes[process]];
    const node = (one ?? other)!.node;
    if (!one || !other) {
      found.push({ node, process, field: null, first: one?.kind, second: other?.kind });
      continue;
    }
    for (const field of union(one.fields, other.fields)) {
      if (!same(one.fields[field], other.fields[field])) found.push({ node, process, field, first: one.fields[field], second: other.fields[field] });
    }
  }
  return found;
}

const union = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])];

/** Logs are equal when they end equally: their hash covers what lies before. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  if (isLog(a) && isLog(b)) return a.last === b.last && a.hash === b.hash;
  return JSON.stringify(a) === JSON.stringify(b);
}
