/** What the map shows, in words: a sentence for each node and one for each cut and held link. The picture's equal. */

import type { MessageKey } from '../i18n/index.svelte';
import type { Network } from './chunk';
import type { Side } from './reach';
import type { NodeScene } from './scene';

export interface Saying {
  id: string;
  parts: { key: MessageKey; values: Record<string, string | number | readonly string[]> }[];
}

/** What is said of a node beside its name, role and epoch: its log, its votes, the state it came to. */
export function nodeParts(scene: NodeScene): Saying['parts'] {
  if (scene.state === 'down') return [];
  const parts: Saying['parts'] = [];
  if (scene.log) parts.push({ key: 'words.log', values: { last: scene.log.last, committed: scene.committed ?? 0 } });
  if (scene.votes.length && !scene.leading) parts.push({ key: 'words.votes', values: { nodes: scene.votes } });
  if (scene.hash) parts.push({ key: 'words.hash', values: { hash: scene.hash.slice(0, 8) } });
  if (scene.slow) parts.push({ key: 'words.slow', values: {} });
  return parts;
}

/** Sides of a partition, links cut one way, links that hold messages back. */
export function cutSayings(network: Network, sides: Side[], voters: number): Saying[] {
  const both = new Set(network.cuts.map(([from, to]) => `${from}>${to}`));
  const oneWay = network.cuts.filter(([from, to]) => !both.has(`${to}>${from}`));
  const split = sides.length > 1 ? sides.map((side): Saying => ({
    id: `side ${side.nodes.join()}`,
    parts: [{ key: side.decides ? 'words.side_decides' : 'words.side_cannot', values: { nodes: side.nodes, voters: side.voters, all: voters } }],
  })) : [];
  const line = (key: 'words.cut' | 'words.held') => ([from, to]: [string, string]): Saying => ({ id: `${key} ${from}>${to}`, parts: [{ key, values: { from, to } }] });
  return [...split, ...oneWay.map(line('words.cut')), ...network.holds.map(line('words.held'))];
}
