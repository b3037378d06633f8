/** The parts of an experiment that the page draws. The server owns the whole format and checks it. */

import type { Json } from './chunk';
import type { Text } from './descriptor';

export interface NodeSpec {
  id: string;
  /** An hour, in units of money. */
  price?: number | null;
  zone?: string;
  rack?: string;
  processes?: { system: string; id?: string; role?: string }[];
  starts?: string;
}
export interface RegionSpec {
  id: string;
  zones?: { id: string; racks?: { id: string }[] }[];
}
export interface LinkRule {
  from: string;
  to: string;
  latency_ms?: Json;
  loss?: number;
  one_way?: boolean;
}
export interface Topology {
  regions?: RegionSpec[];
  nodes: NodeSpec[];
  links?: { default?: { latency_ms?: Json; loss?: number }; between?: LinkRule[] };
  only_links?: [string, string][] | null;
}
export interface WorkloadSpec {
  client: string;
  at: string;
  operation?: string;
  rate?: number;
  count?: number;
  mix?: Record<string, number>;
}
export interface FaultLine {
  do: string;
  at_s?: number | null;
  target?: string | string[];
  [argument: string]: unknown;
}
export interface Knob {
  value: Json;
  title: Text;
  set?: Record<string, Json>;
  choices?: Record<string, Record<string, Json>>;
  minimum?: number | null;
  maximum?: number | null;
}
export interface Experiment {
  format: number;
  id: string;
  title: Text;
  question?: Text | null;
  /** `manual`: nothing moves unless somebody lets it. */
  timers?: string;
  watch?: Text | null;
  system: string;
  /** A rule broken on purpose. */
  twin?: string | null;
  seed: number;
  parameters?: Record<string, Json>;
  topology: Topology;
  workload?: WorkloadSpec[];
  operations?: Record<string, Json>[];
  faults?: FaultLine[];
  checks?: Json[];
  variants?: unknown[];
  compare?: unknown[];
  knobs?: Record<string, Knob>;
  stop_s: number;
  play?: { speed?: number; start_s?: number; focus?: string[]; view?: string };
  cite?: string[];
}

/** Every system that its nodes carry, its own first. */
export function systemsOf({ system, topology }: Experiment): string[] {
  return [...new Set([system, ...topology.nodes.flatMap((node) => (node.processes ?? []).map((process) => process.system))])];
}

/** Client id -> the place it is attached to. A line with a count makes client-1 .. client-n. */
export function clientsOf(experiment: Experiment): Map<string, string> {
  const clients = new Map<string, string>();
  for (const line of experiment.workload ?? []) {
    const count = line.count ?? 1;
    for (let number = 1; number <= count; number++) {
      clients.set(count === 1 ? line.client : `${line.client}-${number}`, line.at);
    }
  }
  for (const operation of experiment.operations ?? []) {
    const { client, at } = operation;
    if (typeof client === 'string' && typeof at === 'string' && at && !clients.has(client)) clients.set(client, at);
  }
  return clients;
}

/** Client id -> the node that it asks: the one it names, else where it is attached. */
export function placesAsked(experiment: Experiment): Map<string, string> {
  const places = clientsOf(experiment);
  const nodes = new Set(experiment.topology.nodes.map((node) => node.id));
  for (const line of [...(experiment.workload ?? []), ...(experiment.operations ?? [])]) {
    const { client, to } = line as { client?: unknown; to?: unknown };
    if (typeof client === 'string' && typeof to === 'string' && nodes.has(to)) places.set(client, to);
  }
  return places;
}

/** Operations a second that a client is asked for, 0 when it has no workload of its own. */
export function rateOf(experiment: Experiment, client: string): number {
  const line = experiment.workload?.find(
    (spec) => spec.client === client || (client.startsWith(`${spec.client}-`) && (spec.count ?? 1) > 1));
  return line ? (line.rate ?? 20) : 0;
}

/** The node a process address belongs to: "n1/sentinel" and "n1.sentinel" are on n1. */
export function nodeOfProcess(address: string): string {
  return address.split(/[/.]/, 1)[0]!;
}

/** Region and zone of a node, "" where it is nowhere in particular. */
export function placeOf(topology: Topology, node: string): { region: string; zone: string } {
  const zone = topology.nodes.find((spec) => spec.id === node)?.zone ?? '';
  const region = topology.regions?.find((one) => one.id === zone || one.zones?.some((each) => each.id === zone));
  return { region: region?.id ?? '', zone: region && region.id !== zone ? zone : region ? '' : zone };
}

/** The typical latency a distribution stands for, in ms: its mean or median. */
export function typicalMs(latency: Json | undefined): number | null {
  if (typeof latency === 'number') return latency;
  if (!latency || typeof latency !== 'object' || Array.isArray(latency)) return null;
  const [kind, value] = Object.entries(latency)[0] ?? [];
  if (typeof value === 'number') return value;
  if (!Array.isArray(value)) return null;
  const numbers = value.filter((one): one is number => typeof one === 'number');
  if (kind === 'uniform' && numbers.length === 2) return (numbers[0]! + numbers[1]!) / 2;
  return numbers[0] ?? null;
}

/** The stated latency from one node to another: the last matching rule wins, else the default. */
export function latencyMs(topology: Topology, from: string, to: string): number | null {
  const stated = rulesFor(topology, from, to).map((rule) => typicalMs(rule.latency_ms)).filter((value) => value !== null);
  return stated.at(-1) ?? typicalMs(topology.links?.default?.latency_ms) ?? 10;
}

/** The stated chance that a message from one node to another is lost. */
export function lossOf(topology: Topology, from: string, to: string): number {
  const stated = rulesFor(topology, from, to).map((rule) => rule.loss).filter((value) => value !== undefined);
  return stated.at(-1) ?? topology.links?.default?.loss ?? 0;
}

function rulesFor(topology: Topology, from: string, to: string): LinkRule[] {
  const here = places(topology, from);
  const there = places(topology, to);
  return (topology.links?.between ?? []).filter((rule) => (
    (here.has(rule.from) && there.has(rule.to)) || (!rule.one_way && here.has(rule.to) && there.has(rule.from))));
}

function places(topology: Topology, node: string): Set<string> {
  const { region, zone } = placeOf(topology, node);
  const rack = topology.nodes.find((spec) => spec.id === node)?.rack ?? '';
  return new Set([node, region, zone, rack].filter(Boolean));
}

/** A run in which people are the network: every message waits for them, and no timer fires by itself. */
export const isByHand = (experiment: Experiment | null): boolean => experiment?.timers === 'manual';
