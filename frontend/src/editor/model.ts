/**
 * An experiment as the editor changes it: plain functions from one experiment to the next, nothing is changed in place.
 *
 * Words as in the format (docs/experiment.schema.json): a node stands in a zone, a zone in a region; a rule says what a
 * link between two places does; later rules win, so narrow ones are kept behind broad ones.
 */

import type { Json } from '../core/chunk';
import type { Experiment, NodeSpec, RegionSpec, Topology, WorkloadSpec } from '../core/experiment';

export type { Experiment } from '../core/experiment';
export interface LinkSettings {
  latency_ms?: Json;
  loss?: number;
  duplicate?: number;
  reorder?: number;
  bandwidth_mbit?: number;
}
export interface Rule extends LinkSettings {
  from: string;
  to: string;
  one_way?: boolean;
}
export const LINK_FIELDS = ['latency_ms', 'loss', 'duplicate', 'reorder', 'bandwidth_mbit'] as const;
export type PlaceKind = 'region' | 'zone' | 'node';

/** Sizes that the server refuses to exceed. */
export const LIMITS = { nodes: 101, regions: 16, zones: 16, workload: 100, rules: 500, faults: 500, checks: 50, id: 40, title: 120 };
/** Words that name targets of faults: no place may be called so. */
const RESERVED = ['leader', 'follower', 'followers', 'candidate', 'minority', 'majority', 'random', 'down', 'previous', 'all', 'rest'];
const REGION_NAMES = ['east', 'west', 'south', 'north', 'central'];
/** What a message takes where nothing is said: the server's own default, in ms. */
export const DEFAULT_LATENCY: Json = { normal: [10, 2] };

export function emptyExperiment(system: string, checks: string[]): Experiment {
  return {
    format: 1, id: 'my-cluster', title: { en: 'My cluster', zh: '我的集群' }, system, seed: 1, parameters: {},
    topology: { regions: [], nodes: [], links: {} }, workload: [], faults: [], checks, stop_s: 30, play: { speed: 0.1 },
  };
}

// What is there -------------------------------------------------------------------------------------------------------

export const regionsOf = (experiment: Experiment): RegionSpec[] => experiment.topology.regions ?? [];
export const zonesOf = (experiment: Experiment): { id: string; region: string }[] =>
  regionsOf(experiment).flatMap((region) => (region.zones ?? []).map((zone) => ({ id: zone.id, region: region.id })));
export const rulesOf = (experiment: Experiment): Rule[] => (experiment.topology.links?.between ?? []) as Rule[];
export const nodesIn = (experiment: Experiment, zone: string): NodeSpec[] =>
  experiment.topology.nodes.filter((node) => (node.zone ?? '') === zone);
export const placesOf = (experiment: Experiment): string[] => [
  ...regionsOf(experiment).map((region) => region.id), ...zonesOf(experiment).map((zone) => zone.id),
  ...experiment.topology.nodes.map((node) => node.id),
];

export function kindOf(experiment: Experiment, id: string): PlaceKind | 'client' | null {
  if (experiment.topology.nodes.some((node) => node.id === id)) return 'node';
  if (regionsOf(experiment).some((region) => region.id === id)) return 'region';
  if (zonesOf(experiment).some((zone) => zone.id === id)) return 'zone';
  return clientLines(experiment).some((client) => client.id === id) ? 'client' : null;
}

/** Client lines as they are drawn: one mark for each, with how many clients it stands for. */
export function clientLines(experiment: Experiment): { id: string; at: string; count: number; scripted: boolean }[] {
  const lines = (experiment.workload ?? []).map((line) => ({ id: line.client, at: line.at, count: line.count ?? 1, scripted: false }));
  for (const operation of experiment.operations ?? []) {
    const { client, at } = operation as { client?: string; at?: string };
    if (client && at && !lines.some((line) => line.id === client)) lines.push({ id: client, at, count: 1, scripted: true });
  }
  return lines;
}

/** Everything that a link to or from a node is ruled by: the node, its zone and its region. */
function around(experiment: Experiment, id: string): Set<string> {
  const zone = experiment.topology.nodes.find((node) => node.id === id)?.zone ?? (kindOf(experiment, id) === 'zone' ? id : '');
  const region = zonesOf(experiment).find((one) => one.id === zone)?.region ?? '';
  return new Set([id, zone, region].filter(Boolean));
}

/** What a message from one node to another meets after all rules, as the server works it out. */
export function effective(experiment: Experiment, from: string, to: string): LinkSettings {
  const here = around(experiment, from);
  const there = around(experiment, to);
  const found: LinkSettings = { latency_ms: DEFAULT_LATENCY, ...pickSettings(experiment.topology.links?.default ?? {}) };
  for (const rule of rulesOf(experiment)) {
    const forward = here.has(rule.from) && there.has(rule.to);
    const back = !rule.one_way && here.has(rule.to) && there.has(rule.from);
    if (forward || back) Object.assign(found, pickSettings(rule));
  }
  return found;
}

function pickSettings(rule: LinkSettings): LinkSettings {
  return Object.fromEntries(LINK_FIELDS.flatMap((name) => (rule[name] === undefined ? [] : [[name, rule[name]]])));
}

export const ruleBetween = (experiment: Experiment, from: string, to: string): Rule | undefined => rulesOf(experiment)
  .find((rule) => (rule.from === from && rule.to === to) || (rule.from === to && rule.to === from));

// Ids -----------------------------------------------------------------------------------------------------------------

export function allIds(experiment: Experiment): Set<string> {
  return new Set([...placesOf(experiment), ...clientLines(experiment).map((client) => client.id)]);
}

export function freshId(experiment: Experiment, prefix: string): string {
  const taken = allIds(experiment);
  for (let number = 1; ; number++) if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
}

/** Why an id cannot be used, or null. */
export function idProblem(experiment: Experiment, id: string, present = ''): 'id_form' | 'id_taken' | 'id_reserved' | null {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(id)) return 'id_form';
  if (RESERVED.includes(id)) return 'id_reserved';
  return id !== present && allIds(experiment).has(id) ? 'id_taken' : null;
}

// Changes -------------------------------------------------------------------------------------------------------------

const withTopology = (experiment: Experiment, change: Partial<Topology>): Experiment => ({
  ...experiment, topology: { ...experiment.topology, ...change },
});
const withRules = (experiment: Experiment, between: Rule[]): Experiment =>
  withTopology(experiment, { links: { ...experiment.topology.links, between } as Topology['links'] });

/** A region comes with a zone, because that is where nodes stand. */
export function addRegion(experiment: Experiment): { experiment: Experiment; id: string } {
  const taken = allIds(experiment);
  const id = REGION_NAMES.find((name) => !taken.has(name)) ?? freshId(experiment, 'region');
  const region = { id, zones: [{ id: freeZoneId(taken, id) }] };
  return { experiment: withTopology(experiment, { regions: [...regionsOf(experiment), region] }), id };
}

function freeZoneId(taken: ReadonlySet<string>, region: string): string {
  for (let at = 0; ; at++) {
    const id = `${region}-${at < 26 ? String.fromCharCode(97 + at) : at}`;
    if (!taken.has(id)) return id;
  }
}

export function addZone(experiment: Experiment, region: string): { experiment: Experiment; id: string } {
  const id = freeZoneId(allIds(experiment), region);
  const regions = regionsOf(experiment).map((one) => (one.id === region ? { ...one, zones: [...(one.zones ?? []), { id }] } : one));
  return { experiment: withTopology(experiment, { regions }), id };
}

/** `zone` "" is nowhere in particular. */
export function addNode(experiment: Experiment, zone = ''): { experiment: Experiment; id: string } {
  const id = freshId(experiment, 'n');
  const node: NodeSpec = zone ? { id, zone } : { id };
  return { experiment: withTopology(experiment, { nodes: [...experiment.topology.nodes, node] }), id };
}

export function addClient(experiment: Experiment, at: string): { experiment: Experiment; id: string } {
  const id = freshId(experiment, 'c');
  const line: WorkloadSpec = { client: id, at, operation: 'put', rate: 20 };
  return { experiment: { ...experiment, workload: [...(experiment.workload ?? []), line] }, id };
}

export function moveNode(experiment: Experiment, id: string, zone: string): Experiment {
  const nodes = experiment.topology.nodes.map((node) => {
    if (node.id !== id || (node.zone ?? '') === zone) return node;
    const { zone: _zone, rack: _rack, ...rest } = node;
    return zone ? { ...rest, zone } : rest;
  });
  return withTopology(experiment, { nodes });
}

export function moveZone(experiment: Experiment, id: string, region: string): Experiment {
  const zone = regionsOf(experiment).flatMap((one) => one.zones ?? []).find((one) => one.id === id);
  if (!zone) return experiment;
  const regions = regionsOf(experiment).map((one) => {
    const others = (one.zones ?? []).filter((each) => each.id !== id);
    return { ...one, zones: one.id === region ? [...others, zone] : others };
  });
  return withTopology(experiment, { regions });
}

export function changeNode(experiment: Experiment, id: string, change: Record<string, unknown>): Experiment {
  const nodes = experiment.topology.nodes.map((node) => (node.id === id ? without({ ...node, ...change }) : node));
  return withTopology(experiment, { nodes });
}

export function changeClient(experiment: Experiment, id: string, change: Record<string, unknown>): Experiment {
  const workload = (experiment.workload ?? []).map((line) => (line.client === id ? without({ ...line, ...change }) : line));
  return { ...experiment, workload };
}

/** A record without the keys that were set to undefined: the format's default holds for them. */
function without<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

/** Set what is said about the links between two places; undefined takes a setting back. The rule stays even when empty. */
export function setRule(experiment: Experiment, from: string, to: string, change: Partial<Rule>): Experiment {
  const present = ruleBetween(experiment, from, to);
  if (present) return withRules(experiment, rulesOf(experiment).map((rule) => (rule === present ? without({ ...rule, ...change }) : rule)));
  const made = without({ from, to, ...change });
  const rules = rulesOf(experiment);
  const at = rules.findLastIndex((rule) => narrowness(experiment, rule) <= narrowness(experiment, made)) + 1;
  return withRules(experiment, [...rules.slice(0, at), made, ...rules.slice(at)]);
}

function narrowness(experiment: Experiment, rule: Rule): number {
  const level = (id: string) => ({ region: 0, zone: 1, node: 3 })[kindOf(experiment, id) as PlaceKind] ?? 2;
  return level(rule.from) + level(rule.to);
}

export function removeRule(experiment: Experiment, from: string, to: string): Experiment {
  const gone = ruleBetween(experiment, from, to);
  return withRules(experiment, rulesOf(experiment).filter((rule) => rule !== gone));
}

/** `on`: only links that were drawn exist, else everybody reaches everybody. */
export function setOnlyDrawn(experiment: Experiment, on: boolean): Experiment {
  const pairs = rulesOf(experiment).map((rule): [string, string] => [rule.from, rule.to]);
  if (on) return withTopology(experiment, { only_links: pairs });
  const { only_links: _pairs, ...topology } = experiment.topology;
  return { ...experiment, topology };
}

/** Draw a link: a rule to set it by, and its place among the only ones where just drawn links exist. */
export function connect(experiment: Experiment, from: string, to: string): Experiment {
  const ruled = ruleBetween(experiment, from, to) ? experiment : setRule(experiment, from, to, {});
  const only = ruled.topology.only_links;
  if (!only || only.some((pair) => samePair(pair, from, to))) return ruled;
  return withTopology(ruled, { only_links: [...only, [from, to]] });
}

export function disconnect(experiment: Experiment, from: string, to: string): Experiment {
  const ruled = removeRule(experiment, from, to);
  const only = ruled.topology.only_links;
  return only ? withTopology(ruled, { only_links: only.filter((pair) => !samePair(pair, from, to)) }) : ruled;
}

const samePair = ([a, b]: readonly [string, string], from: string, to: string): boolean =>
  (a === from && b === to) || (a === to && b === from);

/** Take a node, client, zone or region away, with all that stands in it and every rule about it. */
export function remove(experiment: Experiment, id: string): Experiment {
  const gone = new Set([id]);
  for (const zone of zonesOf(experiment)) if (gone.has(zone.region)) gone.add(zone.id);
  for (const node of experiment.topology.nodes) if (gone.has(node.zone ?? '')) gone.add(node.id);
  const regions = regionsOf(experiment).filter((region) => !gone.has(region.id))
    .map((region) => ({ ...region, zones: (region.zones ?? []).filter((zone) => !gone.has(zone.id)) }));
  const kept = withRules(withTopology(experiment, {
    regions, nodes: experiment.topology.nodes.filter((node) => !gone.has(node.id)),
  }), rulesOf(experiment).filter((rule) => !gone.has(rule.from) && !gone.has(rule.to)));
  const workload = (kept.workload ?? []).filter((line) => !gone.has(line.client) && !gone.has(line.at));
  const only = kept.topology.only_links;
  const linked = only ? withTopology(kept, { only_links: only.filter((pair) => !pair.some((end) => gone.has(end))) }) : kept;
  return { ...linked, workload };
}
