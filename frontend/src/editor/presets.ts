/** Topologies to start from. They are what the format's own presets are, written out so that they can be changed. */

import type { Experiment, Topology } from '../core/experiment';

export const PRESETS = ['one_zone_3', 'one_zone_5', 'three_regions_5', 'one_zone_7', 'one_zone_9', 'five_regions_101'] as const;
export type Preset = (typeof PRESETS)[number];

export function topologyOf(preset: Preset): Topology {
  if (preset === 'three_regions_5') return severalRegions(['east', 'west', 'north'], 5, 40);
  if (preset === 'five_regions_101') return severalRegions(['asia', 'europe', 'america', 'africa', 'oceania'], 101, 80);
  return oneZone(Number(preset.slice('one_zone_'.length)));
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

function oneZone(count: number): Topology {
  const nodes = numbers(count).map((at) => ({ id: `n${at + 1}`, zone: 'a' }));
  return { regions: [{ id: 'region', zones: [{ id: 'a' }] }], nodes, links: {} };
}

/** Nodes dealt in turn to one zone of each region; far apart between regions, near within one. */
function severalRegions(names: string[], count: number, far_ms: number): Topology {
  const regions = names.map((id) => ({ id, zones: [{ id: `${id}-a` }] }));
  const nodes = numbers(count).map((at) => ({ id: `n${at + 1}`, zone: `${names[at % names.length]}-a` }));
  const between = names.flatMap((from, at) => names.slice(at + 1).map((to) => ({ from, to, latency_ms: { normal: [far_ms, far_ms / 20] } })));
  return { regions, nodes, links: { default: { latency_ms: { normal: [2, 0.4] } }, between } };
}

/** The preset's topology under the rest of an experiment; a client is added when there is none, else kept at its node. */
export function withPreset(experiment: Experiment, preset: Preset): Experiment {
  const topology = topologyOf(preset);
  const ids = new Set(topology.nodes.map((node) => node.id));
  const first = topology.nodes[0]!.id;
  const kept = (experiment.workload ?? []).map((line) => (ids.has(line.at) ? line : { ...line, at: first }));
  const workload = kept.length ? kept : [{ client: 'c1', at: first, operation: 'put', rate: 20 }];
  const { initial: _initial, ...rest } = experiment as Experiment & { initial?: unknown };
  return { ...rest, topology, workload };
}
