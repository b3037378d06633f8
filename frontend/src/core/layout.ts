/** Where everything stands on the map: regions hold zones, zones hold nodes, clients stand at the foot of their place. */

import { placeOf, type Topology } from './experiment';

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface Point {
  x: number;
  y: number;
}
export interface PlaceBox {
  id: string;
  box: Box;
}
export interface RegionBox extends PlaceBox {
  /** Those with a frame of their own. */
  zones: PlaceBox[];
  /** How many it has, framed or not. */
  zoneCount: number;
}
export interface ClientSpot extends Point {
  ids: string[];
  at: string;
}
/** full: log strip and hash under the disc; strip: no hash; small: the disc alone. */
export type Detail = 'full' | 'strip' | 'small';
export interface Layout {
  size: { w: number; h: number };
  regions: RegionBox[];
  nodes: Map<string, Point>;
  clients: ClientSpot[];
  radius: number;
  detail: Detail;
  /** How much larger than it was laid out. */
  scale: number;
}

const MARGIN = { side: 12, top: 26, bottom: 36 };
const GAP = 36;
const REGION_HEAD = 36;
const ZONE_HEAD = 26;
/** A window lower than this has no room for rows below rows. */
const LOW = 320;
/** In a small window zones have no frame of their own and margins are thin. */
const tight = (size: { w: number; h: number }): boolean => size.w < 600 || size.h < LOW;
const CLIENT_ROW = 48;
const CLIENT_WIDTH = 124;
const RADIUS_MAX = 44;

/** What a node needs around its disc's centre at each level of detail. */
const FOOTPRINT: Record<Detail, { side: number; above: number; below: number; radius_min: number }> = {
  full: { side: 14, above: 27, below: 60, radius_min: 34 },
  strip: { side: 10, above: 24, below: 38, radius_min: 24 },
  small: { side: 5, above: 20, below: 10, radius_min: 8 },
};

/** Half of the widest log strip, and of a client's box. */
const STRIP_HALF = 62;
export const CLIENT_HALF = { w: 62, h: 22 };
/** Discs of this size have room for name, role and term. */
export const WORDY = 24;
/** Smaller discs bear no words that could be hidden. */
const WORDED = 14;

/** What nothing else is to be written over: discs with names, what is under them, clients. */
export function occupied({ nodes, clients, radius, detail, scale }: Pick<Layout, 'nodes' | 'clients' | 'radius' | 'detail' | 'scale'>): Box[] {
  if (radius < WORDED) return [];
  const under = detail === 'small' ? 0 : FOOTPRINT[detail].below;
  const discs = [...nodes.values()].map(({ x, y }) => ({ x: x - radius, y: y - radius, w: 2 * radius, h: 2 * radius }));
  const strips = under ? [...nodes.values()].map(({ x, y }) => ({ x: x - STRIP_HALF, y: y + radius, w: 2 * STRIP_HALF, h: under })) : [];
  const half = scale < 0.8 ? { w: 10, h: 6 } : CLIENT_HALF;
  return [...discs, ...strips, ...clients.map(({ x, y }) => ({ x: x - half.w, y: y - half.h, w: 2 * half.w, h: 2 * half.h }))];
}

/** Roughly where the names of regions stand, in their upper left corners. */
export function regionNames({ regions }: Pick<Layout, 'regions'>): Box[] {
  return regions.map(({ id, box }) => ({ x: box.x + 14, y: box.y + 6, w: textWidth(id, 9) + 4, h: 22 }));
}

/** About how wide a text of 14 pixels is, when a Latin letter takes so much. */
const textWidth = (text: string, letter: number): number => [...text].reduce((sum, one) => sum + (one > '\u2e80' ? 15 : letter), 0);

/** A word on a disc runs beside those on discs of its row when they are less apart than this. */
const SAME_ROW = 34;
const WORD_GAP = 12;

/** How wide a word on a disc may be: wider ones would touch those beside. */
export function wordRoom(nodes: Layout['nodes']): number {
  const spots = [...nodes.values()];
  let apart = Infinity;
  spots.forEach((a, index) => {
    for (let other = index + 1; other < spots.length; other++) {
      const b = spots[other]!;
      if (Math.abs(a.y - b.y) < SAME_ROW) apart = Math.min(apart, Math.abs(a.x - b.x));
    }
  });
  return apart - WORD_GAP;
}

export const fitsIn = (room: number, text: string, bold = false): boolean => textWidth(text, bold ? 8 : 7) <= room;

/** Ground that one node needs at least, in square pixels, its share of frames included. */
const NODE_AREA = 3600;
const HEIGHT_MIN = 180;

/** The size to lay out in: many nodes in a small window get a larger map of the same shape, which is shown smaller. */
export function roomFor(nodes: number, size: { w: number; h: number }): { w: number; h: number } {
  const times = Math.max(1, HEIGHT_MIN / size.h, Math.sqrt((nodes * NODE_AREA) / (size.w * size.h)));
  return { w: size.w * times, h: size.h * times };
}

/** Discs grow more slowly than the map, so that nearer means more room for what stands around them. */
const GROWTH = 0.8;

/** The same picture larger or smaller; text keeps its size, and nodes with room for it show more. */
export function scaled(made: Layout, factor: number): Layout {
  if (factor === 1) return made;
  const point = <T extends Point>(at: T): T => ({ ...at, x: at.x * factor, y: at.y * factor });
  const box = ({ x, y, w, h }: Box): Box => ({ x: x * factor, y: y * factor, w: w * factor, h: h * factor });
  const nodes = new Map([...made.nodes].map(([id, at]) => [id, point(at)]));
  const radius = Math.max(3, Math.min(RADIUS_MAX, made.radius * (factor > 1 ? factor ** GROWTH : factor)));
  const regions = made.regions.map((region) => ({ ...region, box: box(region.box), zones: region.zones.map((zone) => ({ ...zone, box: box(zone.box) })) }));
  return { size: { w: made.size.w * factor, h: made.size.h * factor }, regions, nodes, clients: made.clients.map(point), radius, detail: detailIn([...nodes.values()], radius, made.detail), scale: factor };
}

const DETAILS = ['full', 'strip', 'small'] as const;

/** The most that fits around discs of this size; never less than the whole map shows while they are as large. */
function detailIn(spots: Point[], radius: number, least: Detail): Detail {
  const fits = (detail: Detail) => radius >= FOOTPRINT[detail].radius_min && (detail === least || clear(spots, radius, detail));
  return DETAILS.find(fits) ?? 'small';
}

interface Group {
  region: string;
  zones: { id: string; nodes: string[]; clients: string[] }[];
  clients: string[];
}

/** `view`: the window it is shown in, when that is smaller than what is laid out. */
export function layout(topology: Topology, clients: ReadonlyMap<string, string>, size: { w: number; h: number }, view = size): Layout {
  const groups = groupsOf(topology, clients);
  let best: Layout | null = null;
  for (const detail of DETAILS) {
    for (let columns = 1; columns <= Math.max(1, groups.length); columns++) {
      const tried = arrange(groups, clients, size, columns, detail, tight(view));
      if (!best || (tried.radius > best.radius && best.detail === detail)) best = tried;
    }
    // In a low window, discs with words on them come before log strips.
    const least = Math.max(FOOTPRINT[detail].radius_min, view.h < LOW && detail !== 'small' ? 34 : 0);
    if (best && best.detail === detail && best.radius >= least) return best;
    if (detail !== 'small') best = null;
  }
  return best!;
}

function groupsOf(topology: Topology, clients: ReadonlyMap<string, string>): Group[] {
  const groups = new Map<string, Group>();
  const group = (region: string) => {
    if (!groups.has(region)) groups.set(region, { region, zones: [], clients: [] });
    return groups.get(region)!;
  };
  const zoneOf = (region: string, id: string) => {
    const zones = group(region).zones;
    const found = zones.find((zone) => zone.id === id);
    if (found) return found;
    const made = { id, nodes: [], clients: [] };
    zones.push(made);
    return made;
  };
  for (const region of topology.regions ?? []) {
    group(region.id);
    for (const zone of region.zones ?? []) zoneOf(region.id, zone.id);
  }
  for (const node of topology.nodes) {
    const { region, zone } = placeOf(topology, node.id);
    (zoneOf(region, zone).nodes as string[]).push(node.id);
  }
  for (const [client, at] of clients) {
    const isRegion = topology.regions?.some((region) => region.id === at);
    if (isRegion) group(at).clients.push(client);
    else {
      const node = topology.nodes.find((spec) => spec.id === at);
      const place = node ? placeOf(topology, at) : placeOfZone(topology, at);
      (zoneOf(place.region, place.zone).clients as string[]).push(client);
    }
  }
  // One row for a whole region costs less room than one in each zone.
  for (const one of groups.values()) {
    if (one.zones.length > 1) one.clients.push(...one.zones.flatMap((zone) => zone.clients.splice(0)));
  }
  return [...groups.values()].filter((one) => one.zones.length || one.clients.length || one.region);
}

function placeOfZone(topology: Topology, zone: string): { region: string; zone: string } {
  const region = topology.regions?.find((one) => one.zones?.some((each) => each.id === zone));
  return region ? { region: region.id, zone } : { region: '', zone: '' };
}

function arrange(
  groups: Group[], clients: ReadonlyMap<string, string>, size: { w: number; h: number }, columns: number, detail: Detail, small: boolean,
): Layout {
  const made: Layout = { size, regions: [], nodes: new Map(), clients: [], radius: RADIUS_MAX, detail, scale: 1 };
  // The wall's sign stands above the regions, the words about each side below them.
  const margin = size.w < 600 ? { side: 8, top: 6, bottom: size.h > 400 ? 26 : size.h > 200 ? 20 : 8 } : MARGIN;
  const area = { x: margin.side, y: margin.top, w: size.w - 2 * margin.side, h: size.h - margin.top - margin.bottom };
  const boxes = grid(area, groups.length, columns, small ? 10 : GAP);
  groups.forEach((group, index) => {
    const framed = group.region !== '';
    const box = boxes[index]!;
    const region: RegionBox = { id: group.region, box, zones: [], zoneCount: group.zones.filter((zone) => zone.id !== '').length };
    const pad = small ? 4 : 10;
    let inner = framed ? { x: box.x + pad, y: box.y + REGION_HEAD, w: box.w - 2 * pad, h: box.h - REGION_HEAD - pad } : box;
    if (group.clients.length) inner = withClients(made, group.clients, clients, inner);
    placeZones(made, group, region, clients, inner, detail, !framed && groups.length === 1, small);
    if (framed) made.regions.push(region);
  });
  return made;
}

function placeZones(
  made: Layout, group: Group, region: RegionBox, clients: ReadonlyMap<string, string>, inner: Box, detail: Detail, alone: boolean, small: boolean,
): void {
  const zones = group.zones;
  let choice: { radius: number; spots: Point[][]; boxes: Box[]; rows: Box[] } | null = null;
  for (let columns = 1; columns <= Math.max(1, zones.length); columns++) {
    const boxes = grid(inner, zones.length, columns, 10);
    const rows: Box[] = [];
    const spots: Point[][] = [];
    let radius = RADIUS_MAX;
    zones.forEach((zone, index) => {
      const framed = zone.id !== '' && !small;
      const box = boxes[index]!;
      let room = framed ? { x: box.x + 4, y: box.y + ZONE_HEAD, w: box.w - 8, h: box.h - ZONE_HEAD - 4 } : box;
      const parts = withRow(room, made.size);
      if (zone.clients.length) room = parts.room;
      rows.push(parts.row);
      const onlyZone = zones.length === 1 && zone.nodes.length >= 3;
      const placed = onlyZone || alone ? ring(zone.nodes.length, room, detail, made.size.h >= HEIGHT_MIN) : rowsOf(zone.nodes.length, room, detail);
      radius = Math.min(radius, placed.radius);
      spots.push(placed.spots);
    });
    // Zones above one another read best; side by side only where that makes the nodes clearly larger.
    if (!choice || radius > choice.radius * 1.25) choice = { radius, spots, boxes, rows };
  }
  if (!choice) return;
  zones.forEach((zone, index) => {
    if (zone.id !== '' && !small) region.zones.push({ id: zone.id, box: choice.boxes[index]! });
    zone.nodes.forEach((node, at) => made.nodes.set(node, choice.spots[index]![at]!));
    if (zone.clients.length) spreadClients(made, zone.clients, clients, choice.rows[index]!);
  });
  made.radius = Math.min(made.radius, choice.radius);
}

function withClients(made: Layout, ids: string[], clients: ReadonlyMap<string, string>, inner: Box): Box {
  const { room, row } = withRow(inner, made.size);
  spreadClients(made, ids, clients, row);
  return room;
}

/** Clients stand below the nodes; in a low window beside them, where that leaves the nodes their width. */
function withRow(inner: Box, size: { h: number }): { room: Box; row: Box } {
  if (size.h < LOW && inner.w > 2 * CLIENT_WIDTH - 32) {
    const w = inner.w - CLIENT_WIDTH;
    return { room: { ...inner, w }, row: { ...inner, x: inner.x + w - 4, w: CLIENT_WIDTH } };
  }
  const h = inner.h - CLIENT_ROW;
  return { room: { ...inner, h }, row: { ...inner, y: inner.y + h, h: CLIENT_ROW } };
}

/** Clients side by side in a row; too many for it share one mark. */
function spreadClients(made: Layout, ids: string[], clients: ReadonlyMap<string, string>, row: Box): void {
  const room = Math.max(1, Math.floor(row.w / CLIENT_WIDTH));
  const half = CLIENT_WIDTH / 2;
  const marks: string[][] = ids.length <= room ? ids.map((id) => [id]) : shares(ids, room);
  marks.forEach((mark, index) => {
    const middle = row.x + (row.w * (index + 0.5)) / marks.length;
    const x = Math.max(half, Math.min(made.size.w - half, middle));
    made.clients.push({ ids: mark, at: clients.get(mark[0]!) ?? '', x, y: row.y + row.h / 2 });
  });
}

function shares(ids: string[], count: number): string[][] {
  const size = Math.ceil(ids.length / count);
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, at) => ids.slice(at * size, (at + 1) * size));
}

function grid(area: Box, count: number, columns: number, gap: number): Box[] {
  const rows = Math.ceil(count / columns);
  const h = (area.h - gap * (rows - 1)) / rows;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - columns * (rows - 1) : columns;
    const w = (area.w - gap * (inRow - 1)) / inRow;
    return { x: area.x + (index % columns) * (w + gap), y: area.y + row * (h + gap), w, h };
  });
}

function radiusIn(w: number, h: number, detail: Detail): number {
  const { side, above, below } = FOOTPRINT[detail];
  return Math.min(RADIUS_MAX, (w - 2 * side) / 2, (h - above - below) / 2);
}

/** Nodes in rows, every other one a little lower, so that no link runs through a third node. */
function rowsOf(count: number, room: Box, detail: Detail): { radius: number; spots: Point[] } {
  let best: { radius: number; spots: Point[] } = { radius: count ? 0 : RADIUS_MAX, spots: [] };
  const { above, below } = FOOTPRINT[detail];
  for (let columns = 1; columns <= count; columns++) {
    const cells = grid(room, count, columns, 0);
    const radius = Math.max(4, radiusIn(cells[0]!.w, cells[0]!.h, detail));
    if (radius <= best.radius) continue;
    const spots = cells.map((cell, index) => {
      const slack = Math.max(0, Math.min(18, (cell.h - above - below - 2 * radius) / 2));
      const slackX = Math.max(0, Math.min(22, (cell.w - 2 * radius - 20) / 2));
      const lower = columns > 1 ? (index % 2 ? slack : -slack) : 0;
      const aside = columns === 1 && count > 1 ? (index % 2 ? slackX : -slackX) : 0;
      return { x: cell.x + cell.w / 2 + aside, y: cell.y + above + (cell.h - above - below) / 2 + lower };
    });
    best = { radius, spots };
  }
  return best;
}

/** Nodes on an ellipse, the first at the top: the usual picture of one cluster in one place. In a low room it is stretched
 * as far as words on the discs need it, and where that is not enough to name them, discs without
 * strips stand in rows. `named`: not in a small picture, whose nodes bear no names. */
function ring(count: number, room: Box, detail: Detail, named: boolean): { radius: number; spots: Point[] } {
  if (count < 3 || count > 15) return rowsOf(count, room, detail);
  const usual = ellipse(count, room, detail, 0.75);
  if (usual && usual.radius >= WORDY) return usual;
  const stretched = ellipse(count, room, detail, 2.5);
  if (stretched && stretched.radius >= WORDY) return stretched;
  if (usual && (!named || detail !== 'small' || usual.radius >= WORDED)) return usual;
  const rows = rowsOf(count, room, detail);
  return usual && rows.radius < WORDY ? usual : rows;
}

/** The ellipse with the largest discs, at most `stretch` heights of the room from its middle to either side. */
function ellipse(count: number, room: Box, detail: Detail, stretch: number): { radius: number; spots: Point[] } | null {
  const { side, above, below } = FOOTPRINT[detail];
  for (let radius = RADIUS_MAX; radius >= 8; radius -= 2) {
    const rx = Math.min(room.w / 2 - radius - side - 24, room.h * stretch);
    const ry = (room.h - 2 * radius - above - below) / 2;
    if (rx < radius || ry < radius * 0.8) continue;
    const centre = { x: room.x + room.w / 2, y: room.y + above + radius + ry };
    const spots = Array.from({ length: count }, (_, index) => {
      const angle = -Math.PI / 2 + (2 * Math.PI * index) / count;
      return { x: centre.x + rx * Math.cos(angle), y: centre.y + ry * Math.sin(angle) };
    });
    if (clear(spots, radius, detail)) return { radius, spots };
  }
  return null;
}

function clear(spots: Point[], radius: number, detail: Detail): boolean {
  const { side, above, below } = FOOTPRINT[detail];
  return spots.every((a, index) => spots.slice(index + 1).every((b) => (
    Math.abs(a.x - b.x) >= 2 * (radius + side) || Math.abs(a.y - b.y) >= 2 * radius + above * 0.6 + below)));
}
