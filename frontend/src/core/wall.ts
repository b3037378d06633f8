/** Walls: where cuts run between the nodes, and the half barriers of links that are cut one way. */

import type { Network } from './chunk';
import type { Box, Layout, Point } from './layout';

export interface WallLine {
  from: Point;
  to: Point;
  kind: 'cut' | 'hold';
  since_us: number;
}
export interface Sign extends Point {
  line: WallLine;
}
export interface Barrier extends Point {
  /** Direction of the messages that die here, radians. */
  angle: number;
  oneWay: boolean;
  kind: 'cut' | 'hold';
  from: string;
  to: string;
}
export interface Walls {
  lines: WallLine[];
  barriers: Barrier[];
  /** Share of the way from one node to another at which messages die, null when they pass. */
  crossing(from: string, to: string): number | null;
}

type Pair = [from: string, to: string];

export function wallsOf(network: Network, layout: Layout): Walls {
  const lines = groupSets(network).flatMap(({ groups, kind, since_us }) => (
    linesBetween(groups, layout).map((line): WallLine => ({ ...line, kind, since_us }))));
  const cutPairs = new Set(network.cuts.map(key));
  const holdPairs = new Set(network.holds.map(key));
  const share = (from: string, to: string) => {
    const a = layout.nodes.get(from);
    const b = layout.nodes.get(to);
    if (!a || !b) return 0.5;
    for (const line of lines) {
      const at = intersection(a, b, line.from, line.to);
      if (at !== null) return at;
    }
    return null;
  };
  const crossing = (from: string, to: string) => (
    cutPairs.has(key([from, to])) || holdPairs.has(key([from, to])) ? (share(from, to) ?? 0.5) : null);
  const barriers = barriersOf(network.cuts, cutPairs, 'cut', layout, share)
    .concat(barriersOf(network.holds, holdPairs, 'hold', layout, share));
  return { lines, barriers, crossing };
}

/** Where signs may stand: how wide the map and a sign are, and what is not to be covered. */
interface SignRoom {
  width: number;
  wide: number;
  names: readonly Box[];
}
const SIGN_TALL = 28;

/** One sign for all walls that went up together, at the top of the first, beside names, below the signs that stand there already. */
export function signsOf(lines: readonly WallLine[], room: SignRoom): Sign[] {
  const signs: Sign[] = [];
  for (const line of lines) {
    if (signs.some((one) => one.line.kind === line.kind && one.line.since_us === line.since_us)) continue;
    const top = line.from.y <= line.to.y ? line.from : line.to;
    const x = besideNames(top, room);
    const over = signs.filter((one) => Math.abs(one.x - x) < room.wide).map((one) => one.y + SIGN_TALL);
    signs.push({ line, x, y: Math.max(top.y + 9, ...over) });
  }
  return signs;
}

/** As near to the wall as no name is covered, but never away from it. */
function besideNames(top: Point, { width, wide, names }: SignRoom): number {
  const half = wide / 2;
  const inside = (x: number) => Math.max(half, Math.min(width - half, x));
  const rows = names.filter((name) => name.y < top.y + 9 + SIGN_TALL / 2 && name.y + name.h > top.y + 9 - SIGN_TALL / 2);
  const spots = [top.x, ...rows.flatMap((name) => [name.x - half, name.x + name.w + half])].map(inside)
    .filter((x) => Math.abs(x - top.x) < half && !rows.some((name) => x + half > name.x && x - half < name.x + name.w));
  return spots.sort((a, b) => Math.abs(a - top.x) - Math.abs(b - top.x))[0] ?? inside(top.x);
}

const key = ([from, to]: Pair): string => `${from}>${to}`;

function groupSets(network: Network): { groups: string[][]; kind: 'cut' | 'hold'; since_us: number }[] {
  const symmetric = (groups: string[][], pairs: Pair[]) => {
    const set = new Set(pairs.map(key));
    const [a, b] = [groups[0]?.[0], groups[1]?.[0]];
    return groups.length >= 2 && a && b ? set.has(`${a}>${b}`) || set.has(`${b}>${a}`) : false;
  };
  const found = network.walls.filter((wall) => wall.groups && wall.groups.length >= 2);
  const sets = found.length
    ? found.map((wall) => ({ groups: wall.groups!, since_us: wall.since_us }))
    : network.groups.length >= 2 ? [{ groups: network.groups, since_us: 0 }] : inferred(network.cuts);
  return sets.map((set) => ({
    ...set, kind: !symmetric(set.groups, network.cuts) && symmetric(set.groups, network.holds) ? 'hold' as const : 'cut' as const,
  }));
}

/** Parts that cannot reach each other at all, when the cuts were given link by link. */
function inferred(cuts: Pair[]): { groups: string[][]; since_us: number }[] {
  const set = new Set(cuts.map(key));
  const nodes = [...new Set(cuts.flat())];
  const outside = nodes.filter((id) => nodes.every((other) => other === id || (set.has(`${id}>${other}`) && set.has(`${other}>${id}`))));
  return outside.length === 1 && nodes.length > 2 ? [{ groups: [outside, nodes.filter((id) => id !== outside[0])], since_us: 0 }] : [];
}

/** One line for two parts; each part against the rest when there are more. Shared nodes (a bridge) stand on no side. */
function linesBetween(groups: string[][], layout: Layout): { from: Point; to: Point }[] {
  const shared = new Set(groups.flatMap((group, at) => group.filter((id) => groups.some((other, index) => index !== at && other.includes(id)))));
  const sides = groups.map((group) => group.filter((id) => !shared.has(id) && layout.nodes.has(id))).filter((group) => group.length);
  if (sides.length < 2) return [];
  const pairs = sides.length === 2 ? [[sides[0]!, sides[1]!]] : sides.map((side) => [side, sides.filter((other) => other !== side).flat()]);
  return pairs.flatMap(([a, b]) => {
    const line = separator(a!.map((id) => layout.nodes.get(id)!), b!.map((id) => layout.nodes.get(id)!), layout);
    return line ? [line] : [];
  });
}

function separator(a: Point[], b: Point[], layout: Layout): { from: Point; to: Point } | null {
  const { w, h } = layout.size;
  const straight = (['x', 'y'] as const).map((axis) => ({ axis, ...gapOn(axis, a, b) })).sort((one, two) => two.gap - one.gap)[0]!;
  if (straight.gap > layout.radius * 2) {
    const at = snapped(straight.axis, straight.middle, straight.gap, layout);
    return straight.axis === 'x' ? { from: { x: at, y: 4 }, to: { x: at, y: h - 4 } } : { from: { x: 4, y: at }, to: { x: w - 4, y: at } };
  }
  return widestBisector(a, b, layout);
}

function gapOn(axis: 'x' | 'y', a: Point[], b: Point[]): { gap: number; middle: number } {
  const of = (points: Point[]) => points.map((point) => point[axis]);
  const [maxA, minA, maxB, minB] = [Math.max(...of(a)), Math.min(...of(a)), Math.max(...of(b)), Math.min(...of(b))];
  const right = { gap: minB - maxA, middle: (minB + maxA) / 2 };
  const left = { gap: minA - maxB, middle: (minA + maxB) / 2 };
  return right.gap > left.gap ? right : left;
}

/** The wall stands between two regions when they leave a gap there. */
function snapped(axis: 'x' | 'y', middle: number, gap: number, layout: Layout): number {
  const size = axis === 'x' ? 'w' as const : 'h' as const;
  let best = middle;
  let nearest = gap / 2;
  for (const one of layout.regions) {
    for (const other of layout.regions) {
      const edge = one.box[axis] + one.box[size];
      const space = other.box[axis] - edge;
      const at = edge + space / 2;
      if (space > 2 && space < 80 && Math.abs(at - middle) < nearest) {
        nearest = Math.abs(at - middle);
        best = at;
      }
    }
  }
  return best;
}

/** The perpendicular bisector of some pair that keeps both sides apart by the widest margin. */
function widestBisector(a: Point[], b: Point[], layout: Layout): { from: Point; to: Point } | null {
  let best: { margin: number; at: Point; normal: Point } | null = null;
  for (const p of a.slice(0, 30)) {
    for (const q of b.slice(0, 30)) {
      const length = Math.hypot(q.x - p.x, q.y - p.y) || 1;
      const normal = { x: (q.x - p.x) / length, y: (q.y - p.y) / length };
      const side = (point: Point) => point.x * normal.x + point.y * normal.y;
      const low = Math.max(...a.map(side));
      const high = Math.min(...b.map(side));
      const margin = high - low;
      if (best && margin <= best.margin) continue;
      const middle = (low + high) / 2;
      best = { margin, at: { x: normal.x * middle, y: normal.y * middle }, normal };
    }
  }
  if (!best || best.margin < layout.radius * 0.8) return null;
  return clipped(best.at, { x: -best.normal.y, y: best.normal.x }, layout.size);
}

function clipped(at: Point, direction: Point, size: { w: number; h: number }): { from: Point; to: Point } {
  let low = -1e9;
  let high = 1e9;
  for (const [start, way, limit] of [[at.x, direction.x, size.w], [at.y, direction.y, size.h]] as const) {
    if (Math.abs(way) < 1e-9) continue;
    const [one, two] = [(4 - start) / way, (limit - 4 - start) / way];
    low = Math.max(low, Math.min(one, two));
    high = Math.min(high, Math.max(one, two));
  }
  const point = (share: number) => ({ x: at.x + direction.x * share, y: at.y + direction.y * share });
  return { from: point(low), to: point(high) };
}

/** Where segment ab crosses segment cd, as a share of ab. */
export function intersection(a: Point, b: Point, c: Point, d: Point): number | null {
  const cross = (b.x - a.x) * (d.y - c.y) - (b.y - a.y) * (d.x - c.x);
  if (Math.abs(cross) < 1e-9) return null;
  const share = ((c.x - a.x) * (d.y - c.y) - (c.y - a.y) * (d.x - c.x)) / cross;
  const other = ((c.x - a.x) * (b.y - a.y) - (c.y - a.y) * (b.x - a.x)) / cross;
  return share > 0 && share < 1 && other >= 0 && other <= 1 ? share : null;
}

/** A link whose cut no wall shows gets a barrier of its own; a one-way cut always does. */
function barriersOf(
  pairs: Pair[], all: Set<string>, kind: 'cut' | 'hold', layout: Layout, share: (from: string, to: string) => number | null,
): Barrier[] {
  return pairs.flatMap(([from, to]) => {
    const both = all.has(key([to, from]));
    const at = share(from, to);
    if (both && (at !== null || from > to)) return [];
    const a = layout.nodes.get(from);
    const b = layout.nodes.get(to);
    if (!a || !b) return [];
    const where = at ?? 0.5;
    return [{
      x: a.x + (b.x - a.x) * where, y: a.y + (b.y - a.y) * where, angle: Math.atan2(b.y - a.y, b.x - a.x), oneWay: !both, kind,
      from, to,
    }];
  });
}
