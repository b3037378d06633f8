/** The tree of branches as lines over the timeline: a row each, children below the branch they left, in the order in which they did. Pure. */

import { firstChange, scriptWith, type Lines } from './composer';

export interface Line {
  id: number;
  parent: number | null;
  fork_us: number;
  played_us: number;
}
/** What a branch follows: a script of its own, or null for that of the experiment, and what people did on it. */
export interface Followed {
  faults?: Lines | null;
  commands: Parameters<typeof scriptWith>[1];
}
export interface TreeRow<T extends Line> {
  branch: T;
  row: number;
  /** Row of the branch it left; null for the first one. */
  from_row: number | null;
  /** Where it left, as far as that was seen. */
  from_us: number;
  to_us: number;
}

/** When a branch parts from the one it came from: one with a script of its own begins at 0, and is the same until the scripts differ. */
export function partedUs<T extends Line & Followed>(branch: T, branches: readonly T[], script: Lines): number {
  const parent = branches.find((one) => one.id === branch.parent);
  if (!parent || !branch.faults || branch.fork_us > 0) return branch.fork_us;
  const followed = ({ faults, commands }: T) => scriptWith(faults ?? script, commands);
  return Math.round(1e6 * firstChange(followed(parent), followed(branch)));
}

/**
 * `here` and `at_us`: the branch on show has been seen that far, whatever is stored. A parent that is left out is looked through.
 * `parted`: when a branch left its parent.
 */
export function treeRows<T extends Line>(
  branches: readonly T[], shown: readonly T[], here: number, at_us: number, parted: (branch: T) => number = (branch) => branch.fork_us,
): TreeRow<T>[] {
  const parents = new Map(branches.map((one) => [one.id, one.parent]));
  const ids = new Set(shown.map((one) => one.id));
  const shownParent = (branch: T): number | null => {
    let id = branch.parent;
    while (id !== null && !ids.has(id)) id = parents.get(id) ?? null;
    return id;
  };
  const rows: TreeRow<T>[] = [];
  const visit = (parent: number | null, from_row: number | null): void => {
    const children = shown.filter((one) => shownParent(one) === parent).sort((a, b) => parted(a) - parted(b) || a.id - b.id);
    for (const branch of children) {
      const to_us = Math.max(branch.fork_us, branch.played_us, branch.id === here ? at_us : 0);
      const row = rows.push({ branch, row: rows.length, from_row, from_us: branch.parent === null ? 0 : Math.min(to_us, parted(branch)), to_us }) - 1;
      visit(branch.id, row);
    }
  };
  visit(null, null);
  return rows;
}

/** Where a place on a row leads: what nobody has seen there yet is not jumped over. */
export const momentOn = <T extends Line>({ branch, to_us }: TreeRow<T>, wanted_us: number): number =>
  Math.max(0, Math.min(wanted_us, Math.max(branch.fork_us, to_us)));
