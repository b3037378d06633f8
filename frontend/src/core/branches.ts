/** The tree of branches as lines over the timeline: a row each, children below the branch they left, in the order in which they did. Pure. */

export interface Line {
  id: number;
  parent: number | null;
  fork_us: number;
  played_us: number;
}
export interface TreeRow<T extends Line> {
  branch: T;
  row: number;
  /** Row of the branch it left; null for the first one. */
  from_row: number | null;
  from_us: number;
  to_us: number;
}

/** `here` and `at_us`: the branch on show has been seen that far, whatever is stored. A parent that is left out is looked through. */
export function treeRows<T extends Line>(branches: readonly T[], shown: readonly T[], here: number, at_us: number): TreeRow<T>[] {
  const parents = new Map(branches.map((one) => [one.id, one.parent]));
  const ids = new Set(shown.map((one) => one.id));
  const shownParent = (branch: T): number | null => {
    let id = branch.parent;
    while (id !== null && !ids.has(id)) id = parents.get(id) ?? null;
    return id;
  };
  const rows: TreeRow<T>[] = [];
  const visit = (parent: number | null, from_row: number | null): void => {
    const children = shown.filter((one) => shownParent(one) === parent).sort((a, b) => a.fork_us - b.fork_us || a.id - b.id);
    for (const branch of children) {
      const to_us = Math.max(branch.fork_us, branch.played_us, branch.id === here ? at_us : 0);
      const row = rows.push({ branch, row: rows.length, from_row, from_us: branch.parent === null ? 0 : branch.fork_us, to_us }) - 1;
      visit(branch.id, row);
    }
  };
  visit(null, null);
  return rows;
}

/** Where a place on a row leads: what nobody has seen there yet is not jumped over. */
export const momentOn = <T extends Line>({ branch, to_us }: TreeRow<T>, wanted_us: number): number =>
  Math.max(0, Math.min(wanted_us, Math.max(branch.fork_us, to_us)));
