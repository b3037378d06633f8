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

export function cellsOf(ids: readonly string[], network: Network, topology: Topology): (Cell | null)[][] {
  const cuts = new Set(network.cuts.map(String));
  const holds = new Set(network.holds.map(String));
  return ids.map((from) => ids.map((to) => {
    if (from === to) return null;
    return { from, to, cut: cuts.has(String([from, to])), held: holds.has(String([from, to])), ...linkNow(network, topology, from, to) };
  }));
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
