/** Branches in words, wherever they are listed. */

import { partedUs, treeRows, type TreeRow } from '../core/branches';
import { pick, said, t } from '../i18n/index.svelte';
import type { Branch } from '../net/messages';
import type { Session } from '../state/session.svelte';
import { faultText } from './faults';

/** Those somebody has seen or changed, and the one on show. */
export const seenBranches = ({ branches, branch: here }: Session): Branch[] =>
  branches.filter((branch) => branch.id === here || branch.played_us > 0 || branch.commands.length > 0);

const known = new WeakMap<readonly Branch[], Map<number, number>>();
/** When each of these branches parted from the one it came from: worked out once. */
function partings({ branches, experiment }: Session): Map<number, number> {
  const found = known.get(branches) ?? new Map(branches.map((branch) => [branch.id, partedUs(branch, branches, experiment?.faults ?? [])]));
  known.set(branches, found);
  return found;
}

/** Their tree, as it is drawn and listed. */
export function branchRows(session: Session): TreeRow<Branch>[] {
  const parted = partings(session);
  return treeRows(session.branches, seenBranches(session), session.branch, session.at_us, (branch) => parted.get(branch.id)!);
}

/** What makes a branch another one: a title, a script of its own, its first own command, else its number. */
export function branchName(branch: Branch, words: Session['lineWords']): string {
  if (branch.title) return pick(branch.title);
  if (branch.parent === null) return t('time.branch_original');
  const name = t('time.branch', { number: branch.id + 1 });
  if (branch.faults && branch.fork_us === 0) return said(name, t('compose.branch_script'));
  const first = branch.commands.find((command) => command.at_us >= branch.fork_us);
  return first ? said(name, faultText(first.do, words)) : name;
}
