/** Every link as a cell of a table, from rows to columns, and what it takes to change many at once. Pure. */

import type { FaultCommand } from './actions';
import type { Network } from './chunk';
import type { Topology } from './experiment';
import { linkNow, type LinkNow } from './links';

export interface Cell extends LinkNow {
  from: string;
  to: string;
  cut: boolean;
  held: boolean;
}
export type Tool = 'cut' | 'heal' | 'delay' | 'loss' | 'hold' | 'reset';
export type Link = readonly [from: string, to: string];

/** The cells of these rows and columns; a node has no link to itself. */
export function cellsOf(rows: readonly string[], network: Network, topology: Topology, columns: readonly string[] = rows): (Cell | null)[][] {
  const cuts = new Set(network.cuts.map(String));
  const holds = new Set(network.holds.map(String));
  return rows.map((from) => columns.map((to) => {
    if (from === to) return null;
    return { from, to, cut: cuts.has(String([from, to])), held: holds.has(String([from, to])), ...linkNow(network, topology, from, to) };
  }));
}

export interface Stretch {
  from: number;
  to: number;
}
/** Which of so many rows (or columns) of one size stand in the window, and a few on either side. */
export function stretchOf(count: number, size: number, scrolled: number, room: number): Stretch {
  const from = Math.max(0, Math.min(count - 1, Math.floor(scrolled / size)) - ASIDE);
  return { from, to: Math.min(count, Math.ceil((scrolled + room) / size) + ASIDE) };
}
const ASIDE = 2;

/** Where a window must begin so that one row (or column) of it is whole: where it is, if it can stay. */
export function scrolledTo(index: number, size: number, scrolled: number, room: number): number {
  return Math.max(Math.min(scrolled, index * size), (index + 1) * size - room);
}

/** One cell on, over the diagonal, where no link is; nothing beyond the edge. */
export function stepped(count: number, [row, column]: readonly [number, number], down: number, right: number): [row: number, column: number] | null {
  let [r, c] = [row + down, column + right];
  if (r === c) [r, c] = [r + down, c + right];
  return Math.min(r, c) >= 0 && Math.max(r, c) < count ? [r, c] : null;
}

/** What a tool does to a cell that is pressed: a cut link heals, a held one is released. */
export function toolFor(tool: Tool, cell: Cell): Tool {
  if (tool === 'cut' && cell.cut) return 'heal';
  return tool === 'hold' && cell.held ? 'reset' : tool;
}

/** As few commands as do one thing to these links: rows that go to the same columns share one. */
export function commandsFor(tool: Tool, links: readonly Link[], value: number): FaultCommand[] {
  const columns = new Map<string, Set<string>>();
  for (const [from, to] of links) columns.set(from, (columns.get(from) ?? new Set()).add(to));
  const blocks = new Map<string, { from: string[]; to: string[] }>();
  for (const [from, to] of columns) {
    const key = [...to].sort().join();
    const block = blocks.get(key) ?? { from: [], to: [...to] };
    block.from.push(from);
    blocks.set(key, block);
  }
  return [...blocks.values()].flatMap(({ from, to }) => actsOf(tool, value).map((act) => ({ ...act, from, to, one_way: true })));
}

function actsOf(tool: Tool, value: number): FaultCommand[] {
  switch (tool) {
    case 'delay': return [{ do: 'delay', latency_ms: value }];
    case 'loss': return [{ do: 'loss', chance: value / 100 }];
    case 'reset': return [{ do: 'release' }, { do: 'reset_links' }];
    default: return [{ do: tool }];
  }
}
