/** The result line: what holds now, in words. Each part is a message of the catalogue with its values. */

import type { MessageKey } from '../i18n/index.svelte';
import { measured } from '../i18n/names';
import type { CheckState, ClientState, Network } from './chunk';
import type { FieldKind } from './descriptor';
import { placeName, sidesOf, type Side } from './reach';
import type { NodeScene } from './scene';

export interface Part {
  key: MessageKey;
  values?: Record<string, string | number | readonly string[]>;
  strong?: boolean;
}

export interface Situation {
  scenes: NodeScene[];
  network: Network;
  clients: Record<string, ClientState>;
  checks: Record<string, CheckState>;
  metrics: Record<string, number>;
  places: ReadonlyMap<string, readonly string[]>;
  at_us: number;
  last_ack_us: number | null;
  /** Since when everything is in hand: nothing is known of answers before. */
  since_us?: number;
  /** The longest pause between acknowledgements that is ordinary for this workload. */
  usual_gap_us: number;
  /** Whether anybody is to lead, as the experiment is set up. */
  leads: boolean;
  /** People are the network: that messages are held is no fault. */
  byHand?: boolean;
  /** The experiment's own system: who watches over it, or uses it, is not spoken of. */
  system?: string | undefined;
}

const has = (scene: NodeScene, ...kinds: FieldKind[]): boolean => Boolean(scene.descriptor?.fields.some((field) => kinds.some((kind) => kind === field.kind)));

/** Somebody leads by epoch; the other systems just serve. */
const isLed = (scene: NodeScene): boolean => Boolean(scene.descriptor?.roles.some((role) => role.crown)) && has(scene, 'epoch');

/** Those of one system, or all when none is. */
function own(scenes: readonly NodeScene[], system: string | undefined): readonly NodeScene[] {
  const found = system ? scenes.filter((scene) => scene.descriptor?.name === system) : [];
  return found.length ? found : scenes;
}

/** Systems that elect who leads decide by majority; a primary that is merely told to lead needs none. */
export function decidesByMajority(scenes: readonly NodeScene[], system?: string): boolean {
  return own(scenes, system).some((scene) => isLed(scene) && has(scene, 'votes', 'voter'));
}

export function voters(scenes: readonly NodeScene[], system?: string): string[] {
  return serving(own(scenes, system)).filter((scene) => scene.hasVote).map((scene) => scene.id);
}

const serving = (scenes: readonly NodeScene[]): NodeScene[] => scenes.filter((scene) => scene.process !== null);

export function sides(situation: Pick<Situation, 'scenes' | 'network' | 'system'>): Side[] {
  const running = new Set(situation.scenes.filter((scene) => scene.state === 'up').map((scene) => scene.id));
  return sidesOf(serving(situation.scenes).map((scene) => scene.id), running, situation.network, voters(situation.scenes, situation.system));
}

/** The check about acknowledged writes and the metric behind it, by the names every run uses for them. */
const LOSS_CHECK = 'no_lost_ack';
const LOSS_METRIC = 'lost_acknowledged';

export function resultParts(situation: Situation): Part[] {
  return [...handPart(situation), ...reachParts(situation), ...servicePart(situation), ...lossPart(situation), ...waitingPart(situation)];
}

const handPart = ({ byHand }: Situation): Part[] => (byHand ? [{ key: 'map.result_by_hand' }] : []);

function reachParts(situation: Situation): Part[] {
  const { scenes, network, system } = situation;
  const parts: Part[] = [];
  const named = (state: string) => scenes.filter((scene) => scene.state === state).map((scene) => scene.id);
  const found = sides(situation);
  const all = voters(scenes, system).length;
  if (found.length > 2) parts.push({ key: 'map.result_cut_many', values: { count: found.length } });
  else if (found.length === 2) parts.push({ key: 'map.result_cut', values: { side: sideName(found, situation) } });
  else if (network.cuts.length) parts.push({ key: isOneWay(network) ? 'map.result_one_way' : 'map.result_cut_links' });
  if (named('down').length) parts.push({ key: 'map.result_down', values: { nodes: named('down') } });
  if (named('paused').length) parts.push({ key: 'map.result_paused', values: { nodes: named('paused') } });
  if (!own(scenes, system).some(isLed)) return parts;
  const majority = decidesByMajority(scenes, system);
  const deciding = found.find((side) => side.decides);
  const leader = leaderOf(own(scenes, system));
  if (majority && parts.length && deciding) parts.push({ key: 'map.result_decide', values: { voters: deciding.voters, all }, strong: true });
  if (majority && !deciding) parts.push({ key: 'map.result_nobody', strong: true });
  else if (!leader && situation.leads) parts.push({ key: 'map.result_no_leader', strong: true });
  else if (!parts.length && leader) parts.push({ key: 'map.result_leader', values: { node: leader.id }, strong: true });
  return parts;
}

/** The few words of the header: epoch, leader, and how many of all with a vote reach each other. */
export function standing({ scenes, network, leads, system }: Pick<Situation, 'scenes' | 'network' | 'leads' | 'system'>): Part[] {
  const mine = own(scenes, system);
  if (!mine.some(isLed)) return [];
  const leader = leaderOf(mine);
  const named: Part[] = leader ? [{ key: 'map.head_leader', values: { node: leader.id } }] : leads ? [{ key: 'map.head_no_leader' }] : [];
  const parts: Part[] = [{ key: 'map.term', values: { epoch: Math.max(...mine.map((scene) => scene.epoch)) } }, ...named];
  if (!decidesByMajority(scenes, system)) return parts;
  const together = Math.max(0, ...sides({ scenes, network, system }).map((side) => side.voters));
  return [...parts, { key: 'map.head_quorum', values: { voters: together, all: voters(scenes, system).length } }];
}

export function leaderOf(scenes: readonly NodeScene[]): NodeScene | undefined {
  return scenes.filter((scene) => scene.leading).sort((a, b) => b.epoch - a.epoch)[0];
}

/** Whether a link is cut in one direction only. */
function isOneWay(network: Network): boolean {
  const cut = new Set(network.cuts.map(([from, to]) => `${from}>${to}`));
  return network.cuts.some(([from, to]) => !cut.has(`${to}>${from}`));
}

/** The side to speak of is the one that cannot decide, else the smaller one. */
function sideName(found: Side[], situation: Situation): string | string[] {
  const lesser = [...found].sort((a, b) => Number(a.decides) - Number(b.decides) || a.nodes.length - b.nodes.length)[0]!;
  return placeName(lesser.nodes, situation.places) ?? lesser.nodes;
}

function nobodyDecides(situation: Situation): boolean {
  const mine = own(situation.scenes, situation.system);
  if (!mine.some(isLed)) return false;
  const cannot = decidesByMajority(situation.scenes, situation.system) && !sides(situation).some((side) => side.decides);
  return cannot || (situation.leads && !leaderOf(mine));
}

function servicePart(situation: Situation): Part[] {
  if (!Object.keys(situation.clients).length) return [];
  const waiting = Object.values(situation.clients).some((client) => client.waiting > 0);
  const gap_us = situation.at_us - Math.max(situation.last_ack_us ?? 0, situation.since_us ?? 0);
  if (waiting && gap_us > situation.usual_gap_us) return [{ key: 'map.result_gap', values: { time: duration(gap_us) }, strong: true }];
  if (situation.last_ack_us === null) return [];
  // For a moment the last answer is not older than usual; that nobody decides or leads and all are served would be no sentence.
  return nobodyDecides(situation) ? [{ key: 'map.result_last_answer', values: { time: duration(gap_us) } }] : [{ key: 'map.result_served' }];
}

function lossPart(situation: Situation): Part[] {
  const verdict = situation.checks[LOSS_CHECK]?.verdict;
  const counted = situation.metrics[LOSS_METRIC];
  if (counted !== undefined && counted > 0) return [lostPart(counted)];
  // The count is as old as the keyframe; the verdict may know of a loss since.
  if (verdict === 'violated') return [lostPart('≥ 1')];
  if (verdict === 'holds' || counted === 0) return [{ key: 'map.result_lost_none' }];
  return verdict === undefined ? [] : [{ key: 'map.lost_unknown' }];
}

const lostPart = (count: number | string): Part => ({ key: 'map.result_lost', values: { count }, strong: true });

function waitingPart(situation: Situation): Part[] {
  const count = Object.values(situation.clients).reduce((sum, client) => sum + client.waiting, 0);
  return count > 0 ? [{ key: 'map.result_waiting', values: { count } }] : [];
}

/** A stretch of virtual time for people: 498 ms, 3.9 s, 2 min 5 s. */
export function duration(us: number): string {
  if (us < 999_500) return measured(Math.round(us / 1000), 'ms');
  if (us < 59_950_000) return measured((us / 1e6).toFixed(us < 9_950_000 ? 2 : 1), 's');
  return `${measured(Math.floor(us / 60e6), 'min')} ${measured(Math.round((us % 60e6) / 1e6), 's')}`;
}
