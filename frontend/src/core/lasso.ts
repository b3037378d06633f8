/** Which points a line that was drawn round them encloses, and how much a cluster still bears. Pure. */

import type { Point } from './layout';
import type { Side } from './reach';

/** The ids inside a closed line: a ray to the right crosses it an odd number of times. */
export function enclosed(nodes: ReadonlyMap<string, Point>, line: readonly Point[]): string[] {
  if (line.length < 3) return [];
  return [...nodes].filter(([, at]) => line.reduce((inside, here, index) => {
    const next = line[(index + 1) % line.length]!;
    const crosses = here.y > at.y !== next.y > at.y && at.x < ((next.x - here.x) * (at.y - here.y)) / (next.y - here.y) + here.x;
    return crosses ? !inside : inside;
  }, false)).map(([id]) => id);
}

export interface Budget {
  /** Failures after which a majority of the voters still stands together. */
  tolerates: number;
  /** Voters that cannot take part in the largest side that is left. */
  used: number;
}

export function budgetOf(voters: number, sides: readonly Side[]): Budget {
  const best = Math.max(0, ...sides.map((side) => side.voters));
  return { tolerates: Math.max(0, Math.ceil(voters / 2) - 1), used: voters - best };
}
