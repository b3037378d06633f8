/** What the mouse does on the canvas, as changes of the experiment. */

import type { Point } from '../core/layout';
import { CLIENT, under, type Placed, type Spots } from './canvas';
import {
  addClient, addNode, addRegion, addZone, changeClient, connect, kindOf, moveNode, moveZone, regionsOf, zonesOf, type Experiment,
} from './model';
import type { Selection } from './state.svelte';

export const PIECES = ['node', 'client', 'zone', 'region'] as const;
export type Piece = (typeof PIECES)[number];
export interface Made {
  experiment: Experiment;
  spots: Spots;
  id: string;
}

/** Put a new piece where it was dropped: a node into the zone there, a client onto the place there. */
export function dropAt(experiment: Experiment, spots: Spots, placed: readonly Placed[], piece: Piece, at: Point): Made {
  const kept = (made: { experiment: Experiment; id: string }): Made => ({ ...made, spots });
  const here = under(placed, at, piece === 'client' ? ['region', 'zone', 'node'] : ['region', 'zone'])?.id ?? '';
  if (piece === 'region') {
    const made = addRegion(experiment);
    return { ...made, spots: { ...spots, [made.id]: { x: at.x - 60, y: at.y - 20 } } };
  }
  if (piece === 'node' && !here) {
    const made = addNode(experiment);
    return { ...made, spots: { ...spots, [made.id]: { x: at.x - 44, y: at.y - 32 } } };
  }
  const made = addAt(experiment, piece, here);
  // A client that is dropped beside the places stands there; on a place it stands where its place has room.
  return piece === 'client' && !here ? { ...made, spots: { ...spots, [made.id]: { x: at.x - CLIENT.w / 2, y: at.y - CLIENT.h / 2 } } } : kept(made);
}

/** Add a piece at a place: the selected one, or "" for nowhere in particular. */
export function addAt(experiment: Experiment, piece: Piece, place: string): { experiment: Experiment; id: string } {
  if (piece === 'region') return addRegion(experiment);
  if (piece === 'client') return addClientAt(experiment, place);
  const region = regionOf(experiment, place) || (piece === 'zone' ? (regionsOf(experiment).at(-1)?.id ?? '') : '');
  if (piece === 'zone') return region ? addZone(experiment, region) : zoneOfNewRegion(experiment);
  const zone = zoneOf(experiment, place);
  if (zone || !region) return addNode(experiment, zone);
  const made = addZone(experiment, region);
  return addNode(made.experiment, made.id);
}

/** A zone needs a region round it, and a region comes with one. */
function zoneOfNewRegion(experiment: Experiment): { experiment: Experiment; id: string } {
  const made = addRegion(experiment);
  return { experiment: made.experiment, id: regionsOf(made.experiment).at(-1)!.zones![0]!.id };
}

function addClientAt(experiment: Experiment, place: string): { experiment: Experiment; id: string } {
  const kind = kindOf(experiment, place);
  const at = kind && kind !== 'client' ? place : (experiment.topology.nodes[0]?.id ?? '');
  if (at) return addClient(experiment, at);
  // A client must be somewhere: its first node comes with it.
  const made = addNode(experiment);
  return addClient(made.experiment, made.id);
}

function regionOf(experiment: Experiment, place: string): string {
  const zone = zoneOf(experiment, place);
  return kindOf(experiment, place) === 'region' ? place : (zonesOf(experiment).find((one) => one.id === zone)?.region ?? '');
}

/** The zone that a place is or is in; a region's first. */
function zoneOf(experiment: Experiment, place: string): string {
  const kind = kindOf(experiment, place);
  if (kind === 'zone') return place;
  if (kind === 'node') return experiment.topology.nodes.find((node) => node.id === place)?.zone ?? '';
  return kind === 'region' ? (regionsOf(experiment).find((region) => region.id === place)?.zones?.[0]?.id ?? '') : '';
}

/** A mark was dragged: a node changes its zone, a zone its region, a client keeps what it is attached to. */
export function moved(
  experiment: Experiment, spots: Spots, placed: readonly Placed[], kind: Placed['kind'], id: string, corner: Point, centre: Point,
): { experiment: Experiment; spots: Spots } {
  if (kind === 'node') {
    const place = under(placed, centre, ['region', 'zone'])?.id ?? '';
    const zone = zoneOf(experiment, place);
    const before = experiment.topology.nodes.find((node) => node.id === id)?.zone ?? '';
    const next = zone === before ? experiment : moveNode(experiment, id, zone);
    return { experiment: next, spots: zone ? spots : { ...spots, [id]: corner } };
  }
  if (kind === 'zone') {
    const region = under(placed, centre, ['region'])?.id;
    const before = zonesOf(experiment).find((zone) => zone.id === id)?.region;
    return { experiment: region && region !== before ? moveZone(experiment, id, region) : experiment, spots };
  }
  return { experiment, spots };
}

/** A line was drawn between two marks: a link to set, or a client attached elsewhere. */
export function joined(experiment: Experiment, from: string, to: string): { experiment: Experiment; selection: Selection } | null {
  const kinds = [kindOf(experiment, from), kindOf(experiment, to)];
  if (kinds[0] === 'client' && kinds[1] === 'client') return null;
  if (kinds.includes('client')) {
    const [client, place] = kinds[0] === 'client' ? [from, to] : [to, from];
    return { experiment: changeClient(experiment, client, { at: place }), selection: { kind: 'client', id: client } };
  }
  return { experiment: connect(experiment, from, to), selection: { kind: 'link', from, to } };
}
