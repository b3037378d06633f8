/** The list of commands on each branch, kept up to date by what the server accepts. */

import type { Branch, Command } from '../net/messages';

export interface Accepted {
  branch: number;
  seq?: number;
  at_us: number;
  do?: Command['do'];
  by?: string;
}

/** The branches with an accepted command on its list; an answer that names no command (an undo) changes nothing. */
export function withCommand(branches: readonly Branch[], accepted: Accepted): Branch[] {
  const { seq, at_us, do: line, by } = accepted;
  if (!line || !seq) return [...branches];
  return branches.map((branch) => {
    if (branch.id !== accepted.branch || branch.commands.some((one) => one.seq === seq)) return branch;
    return { ...branch, commands: [...branch.commands, { seq, at_us, do: line, by }].sort((a, b) => a.at_us - b.at_us || a.seq - b.seq) };
  });
}
