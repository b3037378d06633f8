/** What a person can do now, as fault lines; what cannot be done keeps its place and says why. */

import { listed, type MessageKey } from '../i18n/index.svelte';
import type { Network } from './chunk';
import { placeOf, type Topology } from './experiment';
import type { NodeScene } from './scene';

export type ActionId =
  | 'kill' | 'restart' | 'freeze' | 'slow' | 'isolate' | 'clock' | 'disk_loss' | 'kill_leader'
  | 'partition' | 'heal' | 'one_way' | 'hold' | 'halves' | 'isolate_leader' | 'bridge' | 'ring' | 'minority' | 'region';

export interface FaultCommand {
  do: string;
  [argument: string]: unknown;
}
export interface Action {
  id: ActionId;
  label: MessageKey;
  icon: string;
  /** Why it cannot be done now; null when it can. */
  why: { key: MessageKey; values?: Record<string, string | number> } | null;
  command: FaultCommand | null;
}

export interface Board {
  scenes: NodeScene[];
  network: Network;
  faults: number;
  topology: Topology;
  selected: NodeScene | null;
  /** Set when nobody may act here at all: a saved link, or a run that has ended. */
  blocked: { key: MessageKey } | null;
}

type Why = Action['why'];
const why = (key: MessageKey, node?: string): Why => ({ key, values: node ? { node } : {} });

export function actionsOn(board: Board): Record<ActionId, Action> {
  const all: Action[] = [...nodeActions(board), ...networkActions(board), ...shapeActions(board)];
  return Object.fromEntries(all.map((action) => [action.id, {
    ...action, why: board.blocked ?? action.why, command: board.blocked || action.why ? null : action.command,
  }])) as Record<ActionId, Action>;
}

function nodeActions({ selected, network }: Board): Action[] {
  const id = selected?.id ?? '';
  const none = selected ? null : why('break.why_none_selected');
  const down = selected?.state === 'down' ? why('break.why_down', id) : null;
  const paused = selected?.state === 'paused';
  const isolated = network.cuts.some(([from]) => from === id) && isAlone(id, network);
  const restartWhy = none ?? (down ? null : why('break.why_running', id));
  return [
    { id: 'kill', label: 'break.kill', icon: '✕', why: none ?? down, command: { do: 'kill', target: id } },
    { id: 'restart', label: 'break.restart', icon: '↻', why: restartWhy, command: { do: 'restart', target: id } },
    {
      id: 'freeze', label: paused ? 'break.thaw' : 'break.freeze', icon: paused ? '☀' : '❄', why: none ?? down,
      command: { do: paused ? 'resume' : 'pause', target: id },
    },
    {
      id: 'slow', label: selected?.slow ? 'break.fast' : 'break.slow', icon: '◔', why: none ?? down,
      command: selected?.slow ? { do: 'unslow', target: id } : { do: 'slow', target: id, cpu_times: 10, disk_times: 10, service_ms: 5 },
    },
    {
      id: 'isolate', label: 'break.isolate', icon: '⌀', why: none ?? (isolated ? why('break.why_isolated', id) : null),
      command: { do: 'partition', shape: 'isolate', node: id },
    },
    { id: 'clock', label: 'break.clock', icon: '◷', why: none, command: { do: 'clock', target: id, jump_ms: 1000 } },
    { id: 'disk_loss', label: 'break.disk_loss', icon: '⌫', why: restartWhy, command: { do: 'restart', target: id, disk: 'lost' } },
  ];
}

function isAlone(id: string, network: Network): boolean {
  const others = new Set(network.cuts.flat().filter((other) => other !== id));
  return [...others].every((other) => network.cuts.some(([from, to]) => from === id && to === other));
}

function networkActions(board: Board): Action[] {
  const { scenes, network, faults, selected } = board;
  const few = scenes.length < 2 ? why('break.why_one_node') : null;
  const calm = faults === 0 && !network.cuts.length && !network.holds.length && !network.links.length;
  const holding = network.holds.length > 0;
  const others = scenes.map((scene) => scene.id).filter((id) => id !== selected?.id);
  return [
    { id: 'partition', label: 'break.partition', icon: '▚', why: few, command: { do: 'partition', shape: 'minority' } },
    { id: 'heal', label: 'break.heal', icon: '✓', why: calm ? why('break.why_no_fault') : null, command: { do: 'heal', links_too: true } },
    {
      id: 'one_way', label: 'break.one_way', icon: '⇀', why: few ?? (selected ? null : why('break.why_none_selected')),
      command: { do: 'cut', from: selected?.id ?? '', to: others, one_way: true },
    },
    {
      id: 'hold', label: holding ? 'break.release' : 'break.hold', icon: '≋', why: few,
      command: holding ? { do: 'release' } : selected ? { do: 'hold', from: selected.id, to: others } : { do: 'hold' },
    },
  ];
}

function shapeActions({ scenes, topology }: Board): Action[] {
  const count = scenes.length;
  const few = (least: number): Why => (count < least ? { key: 'break.why_few_nodes', values: { count: least } } : null);
  const leader = scenes.some((scene) => scene.leading) ? null : why('break.why_no_leader');
  const regions = (topology.regions ?? []).length > 1 ? null : why('break.why_no_region');
  const shape = (name: string): FaultCommand => ({ do: 'partition', shape: name });
  return [
    { id: 'halves', label: 'break.shape_halves', icon: '½', why: few(2), command: shape('halves') },
    { id: 'isolate_leader', label: 'break.shape_leader', icon: '◉', why: few(2) ?? leader, command: shape('isolate_leader') },
    { id: 'bridge', label: 'break.shape_bridge', icon: '⋈', why: few(3), command: shape('bridge') },
    { id: 'ring', label: 'break.shape_ring', icon: '○', why: few(4), command: shape('ring') },
    { id: 'minority', label: 'break.shape_minority', icon: '◔', why: few(3), command: shape('minority') },
    { id: 'region', label: 'break.shape_region', icon: '⌂', why: regions, command: regionCut(topology) },
    { id: 'kill_leader', label: 'break.kill_leader', icon: '✕', why: leader, command: { do: 'kill', target: 'leader' } },
  ];
}

/** The first region against the rest; the context menu of a region names its own. */
function regionCut(topology: Topology): FaultCommand {
  const [first] = topology.regions ?? [];
  const all = topology.nodes.map((node) => node.id);
  return cutOff(all.filter((id) => placeOf(topology, id).region === first?.id), all);
}

/** A partition between these nodes and all others. */
export const cutOff = (inside: readonly string[], all: readonly string[]): FaultCommand => (
  { do: 'partition', groups: [[...inside], all.filter((id) => !inside.includes(id))] });

/** Nodes on either side of a line somebody drew, or null when it leaves one side empty. */
export function groupsByLine(
  nodes: ReadonlyMap<string, { x: number; y: number }>, from: { x: number; y: number }, to: { x: number; y: number },
): string[][] | null {
  const groups: [string[], string[]] = [[], []];
  for (const [id, at] of nodes) {
    const side = (to.x - from.x) * (at.y - from.y) - (to.y - from.y) * (at.x - from.x);
    groups[side > 0 ? 0 : 1].push(id);
  }
  return groups[0].length && groups[1].length ? groups : null;
}

/** An executed line carries what was asked for under `arguments`; a written one has it beside `do`. */
export const lineOf = (detail: Record<string, unknown>): Record<string, unknown> => ({ ...(detail.arguments as object | undefined), ...detail });

/** Whom a fault line hits, in a few words: the nodes it resolved to, the groups, the link, or its target. */
export function targetsOf(line: Record<string, unknown>, word: (id: string) => string = (id) => id): string {
  const resolved = line.resolved;
  const list = (value: unknown): string => (Array.isArray(value) ? value.map(list).join(' + ') : value === undefined || value === null ? '' : word(String(value)));
  if (Array.isArray(resolved) && resolved.length) return list(resolved);
  if (Array.isArray(line.groups)) return (line.groups as unknown[]).map((group) => listed([group].flat().map((one) => word(String(one))))).join(' | ');
  if (line.from || line.to) return `${list(line.from)} → ${list(line.to)}`;
  return list(line.target ?? line.node ?? line.client);
}
