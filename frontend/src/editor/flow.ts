/** The experiment as nodes and edges of the canvas library. */

import type { Edge, Node } from '@xyflow/svelte';

import type { Placed } from './canvas';
import { clientLines, effective, LINK_FIELDS, rulesOf, ruleBetween, zonesOf, type Experiment, type Rule } from './model';
import { spreadText } from '../core/spread';
import type { Selection } from './state.svelte';

export interface MarkData extends Record<string, unknown> {
  id: string;
  kind: Placed['kind'];
  count: number;
  selected: boolean;
}
export type Mark = Node<MarkData, 'place' | 'host' | 'client'>;
export interface LinkData extends Record<string, unknown> {
  from: string;
  to: string;
  kind: 'rule' | 'implied' | 'client';
  text: string;
  selected: boolean;
  oneWay: boolean;
}
export type Link = Edge<LinkData, 'link'>;

/** Lines between every two nodes help while there are few. */
const IMPLIED_NODES_MAX = 9;

const DEPTH = { region: 0, zone: 1, node: 10, client: 10 } as const;
const TYPE = { region: 'place', zone: 'place', node: 'host', client: 'client' } as const;

export function marksOf(experiment: Experiment, placed: readonly Placed[], selection: Selection): Mark[] {
  const counts = new Map(clientLines(experiment).map((client) => [client.id, client.count]));
  const boxes = new Map(placed.map(({ id, box }) => [id, box]));
  const regions = new Map(zonesOf(experiment).map((zone) => [zone.id, zone.region]));
  const zones = new Map(experiment.topology.nodes.map((node) => [node.id, node.zone]));
  // Inside its parent a mark moves with it.
  const parentOf = ({ id, kind }: Placed) => (kind === 'zone' ? regions.get(id) : kind === 'node' ? zones.get(id) : undefined);
  const within = (one: Placed) => {
    const parentId = parentOf(one);
    const parent = parentId === undefined ? undefined : boxes.get(parentId);
    return parent ? { parentId, position: { x: one.box.x - parent.x, y: one.box.y - parent.y } } : { position: { x: one.box.x, y: one.box.y } };
  };
  return placed.map((one) => ({ ...one, ...within(one) })).map(({ id, kind, box, ...where }) => ({
    id, type: TYPE[kind], ...where, width: box.w, height: box.h, zIndex: DEPTH[kind],
    data: { id, kind, count: counts.get(id) ?? 1, selected: selection !== null && selection.kind !== 'link' && selection.id === id },
    deletable: false, selectable: false, focusable: false, connectable: true,
  }));
}

export function linksOf(experiment: Experiment, selection: Selection): Link[] {
  return [...clientLinks(experiment), ...impliedLinks(experiment, selection), ...ruledLinks(experiment, selection)];
}

const chosen = (selection: Selection, from: string, to: string): boolean => selection?.kind === 'link'
  && ((selection.from === from && selection.to === to) || (selection.from === to && selection.to === from));

function made(from: string, to: string, kind: LinkData['kind'], text: string, selection: Selection, oneWay = false): Link {
  return {
    id: `${kind} ${from} ${to}`, type: 'link', source: from, target: to, zIndex: kind === 'rule' ? 6 : 5, focusable: false, deletable: false,
    selectable: false, data: { from, to, kind, text, selected: chosen(selection, from, to), oneWay },
  };
}

function ruledLinks(experiment: Experiment, selection: Selection): Link[] {
  return rulesOf(experiment).filter((rule) => rule.from !== rule.to)
    .map((rule) => made(rule.from, rule.to, 'rule', ruleText(experiment, rule), selection, rule.one_way));
}

/** What a rule says, in a few words; an empty one shows what holds there anyway. */
export function ruleText(experiment: Experiment, rule: Rule): string {
  const said = LINK_FIELDS.filter((name) => rule[name] !== undefined);
  if (!said.length) return spreadText(effective(experiment, rule.from, rule.to).latency_ms);
  return said.map((name) => {
    if (name === 'latency_ms') return spreadText(rule.latency_ms);
    if (name === 'bandwidth_mbit') return `${rule.bandwidth_mbit} Mbit/s`;
    return `${{ loss: '∴', duplicate: '⧉', reorder: '⇅' }[name]} ${Math.round((rule[name] ?? 0) * 1000) / 10} %`;
  }).join(' · ');
}

/** Links that nobody drew but that are there: everybody reaches everybody. */
function impliedLinks(experiment: Experiment, selection: Selection): Link[] {
  const ids = experiment.topology.nodes.map((node) => node.id);
  if (experiment.topology.only_links || ids.length > IMPLIED_NODES_MAX) return [];
  return ids.flatMap((from, at) => ids.slice(at + 1).filter((to) => !ruleBetween(experiment, from, to))
    .map((to) => made(from, to, 'implied', '', selection)));
}

function clientLinks(experiment: Experiment): Link[] {
  return clientLines(experiment).map((client) => made(client.id, client.at, 'client', '', null));
}
