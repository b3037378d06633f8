/**
 * Where everything stands on the editor's canvas. Zones lay out their nodes, regions their zones; regions, nodes and
 * clients that stand free keep the spot somebody gave them, else they get the next free one.
 */

import type { Box, Point } from '../core/layout';
import { clientLines, kindOf, nodesIn, regionsOf, type Experiment } from './model';

export type Spots = Readonly<Record<string, Point>>;
export type Kind = 'region' | 'zone' | 'node' | 'client';
export interface Placed {
  id: string;
  kind: Kind;
  /** Absolute, in canvas pixels. */
  box: Box;
}

export const NODE = { w: 66, h: 66 };
export const CLIENT = { w: 118, h: 44 };
const CELL = { w: 100, h: 92 };
/** Every other node a little lower, so that no link runs through a third one. */
const STAGGER = 22;
const HEAD = 36;
const PAD = 12;
const GAP = 72;

/** Every mark with its place: regions, then zones, then nodes, then clients, so that what is inside comes later. */
export function place(experiment: Experiment, spots: Spots): Placed[] {
  const placed: Placed[] = [];
  const regions = regionBoxes(experiment, spots);
  for (const region of regionsOf(experiment)) {
    const box = regions.get(region.id)!;
    placed.push({ id: region.id, kind: 'region', box });
  }
  for (const region of regionsOf(experiment)) placeZones(experiment, region.zones ?? [], regions.get(region.id)!, placed);
  placeLoose(experiment, spots, placed);
  placeClients(experiment, spots, placed);
  return placed;
}

function zoneSize(experiment: Experiment, zone: string): { w: number; h: number; columns: number } {
  const count = nodesIn(experiment, zone).length;
  const columns = Math.max(2, Math.min(5, Math.ceil(Math.sqrt(count))));
  const rows = Math.max(1, Math.ceil(count / columns));
  return { w: columns * CELL.w + PAD, h: HEAD + rows * CELL.h + (count > 1 ? STAGGER : 0), columns };
}

function regionSize(experiment: Experiment, zones: readonly { id: string }[]): { w: number; h: number } {
  const sizes = zones.map((zone) => zoneSize(experiment, zone.id));
  const w = Math.max(180, sizes.reduce((sum, size) => sum + size.w + PAD, PAD));
  return { w, h: HEAD + Math.max(90, ...sizes.map((size) => size.h)) + PAD };
}

/** Regions in rows, a shorter last row centred: three stand as a triangle, so that their links do not lie on each other. */
function regionBoxes(experiment: Experiment, spots: Spots): Map<string, Box> {
  const boxes = new Map<string, Box>();
  const regions = regionsOf(experiment).map((region) => ({ id: region.id, ...regionSize(experiment, region.zones ?? []) }));
  const free = regions.filter((region) => !spots[region.id]);
  const columns = free.length <= 2 ? 2 : Math.ceil(Math.sqrt(free.length));
  const rows = Array.from({ length: Math.ceil(free.length / columns) }, (_, row) => free.slice(row * columns, (row + 1) * columns));
  const widthOf = (row: typeof free) => row.reduce((sum, region) => sum + region.w + GAP, -GAP);
  const width = Math.max(0, ...rows.map(widthOf));
  const own = new Map<string, Point>();
  let y = 0;
  for (const row of rows) {
    let x = (width - widthOf(row)) / 2;
    for (const region of row) {
      own.set(region.id, { x, y });
      x += region.w + GAP;
    }
    y += Math.max(...row.map((region) => region.h)) + GAP + CLIENT.h;
  }
  for (const { id, w, h } of regions) boxes.set(id, apart({ ...(spots[id] ?? own.get(id)!), w, h }, [...boxes.values()]));
  return boxes;
}

const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.w + 8 && b.x < a.x + a.w + 8 && a.y < b.y + b.h + 8 && b.y < a.y + a.h + 8;

/** Pushed to the right until it stands free. */
function apart(box: Box, others: readonly Box[]): Box {
  let found = box;
  for (let tries = 0; tries <= others.length; tries++) {
    const hit = others.find((other) => overlap(found, other));
    if (!hit) break;
    found = { ...found, x: hit.x + hit.w + GAP };
  }
  return found;
}

function placeZones(experiment: Experiment, zones: readonly { id: string }[], region: Box, placed: Placed[]): void {
  const h = region.h - HEAD - PAD;
  let x = region.x + PAD;
  for (const zone of zones) {
    const size = zoneSize(experiment, zone.id);
    const w = zones.length === 1 ? region.w - 2 * PAD : size.w;
    const box = { x, y: region.y + HEAD, w, h };
    placed.push({ id: zone.id, kind: 'zone', box });
    nodesIn(experiment, zone.id).forEach((node, at) => {
      const cell = { x: box.x + PAD + 10 + (at % size.columns) * CELL.w, y: box.y + HEAD - 2 + Math.floor(at / size.columns) * CELL.h + ((at % size.columns) % 2 ? STAGGER : 0) };
      placed.push({ id: node.id, kind: 'node', box: { ...cell, ...NODE } });
    });
    x += size.w + PAD;
  }
}

const bottomOf = (placed: readonly Placed[]): number => Math.max(0, ...placed.map(({ box }) => box.y + box.h));

/** Nodes nowhere in particular, in rows below the regions. */
function placeLoose(experiment: Experiment, spots: Spots, placed: Placed[]): void {
  const top = placed.length ? bottomOf(placed) + GAP : 0;
  nodesIn(experiment, '').forEach((node, at) => {
    const free = { x: (at % 8) * 140, y: top + Math.floor(at / 8) * 120 };
    placed.push({ id: node.id, kind: 'node', box: { ...(spots[node.id] ?? free), ...NODE } });
  });
}

/** Clients below the region of what they are attached to, side by side. */
function placeClients(experiment: Experiment, spots: Spots, placed: Placed[]): void {
  const used = new Map<string, number>();
  for (const client of clientLines(experiment)) {
    const home = outermost(experiment, client.at, placed);
    const at = used.get(home?.id ?? '') ?? 0;
    used.set(home?.id ?? '', at + 1);
    const under = home ? { x: home.box.x + at * (CLIENT.w + 12), y: home.box.y + home.box.h + 26 } : { x: at * 140, y: bottomOf(placed) + GAP };
    placed.push({ id: client.id, kind: 'client', box: { ...(spots[client.id] ?? under), ...CLIENT } });
  }
}

function outermost(experiment: Experiment, id: string, placed: readonly Placed[]): Placed | undefined {
  const node = experiment.topology.nodes.find((one) => one.id === id);
  const zone = kindOf(experiment, id) === 'zone' ? id : (node?.zone ?? '');
  const region = regionsOf(experiment).find((one) => one.id === id || one.zones?.some((each) => each.id === zone));
  return placed.find((one) => one.id === (region?.id ?? id));
}

/** What lies under a point, the innermost first of all: a node before its zone, a zone before its region. */
export function under(placed: readonly Placed[], point: Point, kinds: readonly Kind[], except = ''): Placed | undefined {
  return placed.findLast(({ id, kind, box }) => id !== except && kinds.includes(kind)
    && point.x >= box.x && point.x <= box.x + box.w && point.y >= box.y && point.y <= box.y + box.h);
}

export const centre = ({ x, y, w, h }: Box): Point => ({ x: x + w / 2, y: y + h / 2 });

/** The point on a mark's border towards another point, so that links end where marks begin. Square marks are discs. */
export function border(box: Box, towards: Point): Point {
  const from = centre(box);
  const [dx, dy] = [towards.x - from.x, towards.y - from.y];
  if (dx === 0 && dy === 0) return from;
  const scale = box.w === box.h ? Math.min(box.w / 2 / Math.hypot(dx, dy), 1) : Math.min(box.w / 2 / Math.max(1e-9, Math.abs(dx)), box.h / 2 / Math.max(1e-9, Math.abs(dy)), 1);
  return { x: from.x + dx * scale, y: from.y + dy * scale };
}
