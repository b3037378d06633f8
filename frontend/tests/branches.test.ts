/** The tree of branches: rows, where they left, and where a place on them leads. */

import { describe, expect, it } from 'vitest';

import { momentOn, partedUs, treeRows, type Followed, type Line } from '../src/core/branches';

const line = (id: number, parent: number | null, fork_us: number, played_us: number): Line => ({ id, parent, fork_us, played_us });
const all = [line(0, null, 0, 900), line(1, 0, 500, 700), line(2, 0, 300, 400), line(3, 2, 350, 0), line(4, 3, 380, 600)];

describe('the tree of branches', () => {
  it('has children below the branch they left, the earliest first', () => {
    expect(treeRows(all, all, 4, 650).map(({ branch, row, from_row, from_us, to_us }) => [branch.id, row, from_row, from_us, to_us])).toEqual([
      [0, 0, null, 0, 900], [2, 1, 0, 300, 400], [3, 2, 1, 350, 350], [4, 3, 2, 380, 650], [1, 4, 0, 500, 700],
    ]);
  });
  it('looks through a branch that is not shown', () => {
    const shown = all.filter((one) => one.id !== 3);
    expect(treeRows(all, shown, 0, 100).find((row) => row.branch.id === 4)).toMatchObject({ from_row: 1, row: 2 });
  });
  it('leads to what has been seen, never beyond', () => {
    const [first, second] = treeRows(all, all, 0, 100);
    expect([momentOn(first!, 500), momentOn(first!, 2000), momentOn(first!, -5)]).toEqual([500, 900, 0]);
    // Before its fork a branch is its parent.
    expect([momentOn(second!, 100), momentOn(second!, 2000)]).toEqual([100, 400]);
  });
  it('begins a branch of another script where the scripts differ, as far as that was seen', () => {
    const kill = { at_s: 0.0002, do: 'kill', target: 'n1' };
    const heal = { at_s: 0.0006, do: 'heal' };
    const given = { at_us: 650, do: { do: 'hold' } };
    const lines: (Line & Followed)[] = [
      { ...line(0, null, 0, 900), commands: [] }, { ...line(1, 0, 0, 800), faults: [kill], commands: [] }, { ...line(2, 1, 500, 700), faults: [kill], commands: [] },
      { ...line(3, 0, 0, 300), faults: [kill, { ...heal, at_s: 0.0005 }], commands: [] }, { ...line(4, 0, 0, 900), faults: [kill, heal], commands: [given] },
    ];
    const parted = (branch: Line & Followed) => partedUs(branch, lines, [kill, heal]);
    expect(lines.map(parted)).toEqual([0, 600, 500, 500, 650]);
    expect(treeRows(lines, lines, 0, 100, parted).map(({ branch, from_us }) => [branch.id, from_us])).toEqual([[0, 0], [3, 300], [1, 600], [2, 500], [4, 650]]);
  });
});
