/** A judged history as a picture: lanes, what lies in a window, where things are, and sentences' facts. Pure. */


import type { Json, Verdict } from './chunk';

export interface Bar {
  id: number;
  row: number;
  key: string;
  kind: string;
  argument: Json;
  outcome: 'ok' | 'fail' | 'unknown' | 'pending';
  result: Json;
  /** Places in the order of all events; end null: it never completed, so it may take effect at any later time. */
  start: number;
  end: number | null;
  invoked_us: number;
  returned_us: number | null;
  /** Where it takes effect in the order found; null: the order leaves it out. */
  point: number | null;
  impossible: boolean;
  line: number | null;
}
type BarRow = [
  id: number, row: number, key: string, kind: string, argument: Json, outcome: Bar['outcome'], result: Json, start: number, end: number | null,
  invoked_us: number, returned_us: number | null, point: number | null, impossible: boolean, line: number | null,
];

export interface Band { start: number; end: number | null; what: string }

export interface HistoryAnswer {
  format: string;
  result: {
    verdict: Verdict; operations: number; judged: number; reason: string | null; model: string; seconds: number;
    first_violation: { line: number | null; index: number | null; invoked_line: number | null } | null;
  };
  drawing: { clients: string[]; bars: BarRow[]; faults: Band[]; events: number; prefix: number | null; initial: Json; timed: boolean };
}

/** One line of the picture: a client has several where its operations overlap. */
export interface Lane { client: number; label: string; first: boolean; bars: Bar[]; reach: number[] }

export interface Picture { bars: Bar[]; lanes: Lane[]; lane: Map<number, number>; events: number; keys: string[] }

export const barOf = (row: BarRow): Bar => {
  const [id, client, key, kind, argument, outcome, result, start, end, invoked_us, returned_us, point, impossible, line] = row;
  return { id, row: client, key, kind, argument, outcome, result, start, end, invoked_us, returned_us, point, impossible, line };
};

/** An operation that never completed fades out over this many events; its lane is free again after its start. */
export const FADE_EVENTS = 6;
export const shownEnd = (bar: Bar): number => bar.end ?? bar.start + FADE_EVENTS;

/** Lay the operations of one key (or of all) into lanes: clients in order, no two bars of a lane on top of each other. */
export function pictureOf(clients: string[], bars: Bar[], events: number, key: string | null): Picture {
  const keys = [...new Set(bars.map((bar) => bar.key))];
  const shown = key === null ? bars : bars.filter((bar) => bar.key === key);
  const byClient: Lane[][] = clients.map(() => []);
  for (const bar of shown) {
    const lanes = byClient[bar.row]!;
    let lane = lanes.find((each) => shownEnd(each.bars.at(-1)!) <= bar.start);
    // A client that goes on after an unanswered operation stays in its lane: the fade is only as long as there is room.
    lane ??= lanes.find((each) => each.bars.at(-1)!.end === null && each.bars.at(-1)!.start < bar.start);
    if (!lane) {
      lane = { client: bar.row, label: clients[bar.row]!, first: lanes.length === 0, bars: [], reach: [] };
      lanes.push(lane);
    }
    lane.bars.push(bar);
  }
  const lanes = byClient.flat();
  const lane = new Map(lanes.flatMap((one, index) => one.bars.map((bar) => [bar.id, index] as const)));
  for (const one of lanes) one.reach = reaches(one.bars);
  return { bars: shown, lanes, lane, events, keys };
}

function reaches(bars: Bar[]): number[] {
  let furthest = -1;
  return bars.map((bar) => (furthest = Math.max(furthest, shownEnd(bar))));
}

/** The bars of a lane that lie between two places, found by halving: a lane's bars begin in order. */
export function between(lane: Lane, from: number, to: number): Bar[] {
  const first = lowest(lane.reach, (reach) => reach >= from);
  const last = lowest(lane.bars, (bar) => bar.start > to);
  return lane.bars.slice(first, last);
}

/** Where a bar's picture ends: its completion; without one a fade, cut where the lane's next bar begins. */
export function drawnEnd(lane: Lane, index: number): number {
  const bar = lane.bars[index]!;
  const next = lane.bars[index + 1];
  return bar.end ?? Math.min(shownEnd(bar), next ? next.start - 0.2 : Infinity);
}

export function lowest<T>(items: T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bar at a place of a lane, with some slack for fingers. */
export function barAt(lane: Lane | undefined, place: number, slack: number): Bar | null {
  let found: Bar | null = null;
  let nearest = slack;
  for (const bar of lane ? between(lane, place - slack, place + slack) : []) {
    const index = lane!.bars.indexOf(bar);
    const gap = Math.max(bar.start - place, place - drawnEnd(lane!, index), 0);
    if (gap <= nearest) [found, nearest] = [bar, gap];
  }
  return found;
}

export type Step = 'left' | 'right' | 'up' | 'down' | 'first' | 'last';

/** The operation one step away: along the lane, or the nearest one of the next lane. */
export function neighbour(picture: Picture, from: number | null, step: Step): number | null {
  if (!picture.bars.length) return null;
  const at = from === null ? undefined : picture.lane.get(from);
  if (step === 'first' || at === undefined) return picture.bars[0]!.id;
  if (step === 'last') return picture.bars.at(-1)!.id;
  const lane = picture.lanes[at]!;
  const index = lane.bars.findIndex((bar) => bar.id === from);
  if (step === 'left' || step === 'right') return (lane.bars[index + (step === 'left' ? -1 : 1)] ?? lane.bars[index]!).id;
  const other = picture.lanes[at + (step === 'up' ? -1 : 1)] ?? lane;
  const start = lane.bars[index]!.start;
  return other.bars.reduce((best, bar) => (Math.abs(bar.start - start) < Math.abs(best.start - start) ? bar : best), other.bars[0]!).id;
}

const TEXT_MAX = 24;
export function value(json: Json | undefined): string {
  const text = json === null || json === undefined ? 'nil' : typeof json === 'string' ? json || '""' : JSON.stringify(json);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text;
}

/** An operation in symbols, the same in every language: put 5, get → 5, cas 1 → 2 ✗. */
export function symbols(bar: Bar): string {
  const { kind, argument, result, outcome } = bar;
  const refused = outcome === 'fail' || result === false ? ' ✗' : '';
  if (kind === 'get') return outcome === 'ok' ? `get → ${value(result)}` : `get${outcome === 'fail' ? ' ✗' : ' → ?'}`;
  const pair = kind === 'cas' && Array.isArray(argument) ? `${value(argument[0])}→${value(argument[1])}` : argument === null ? '' : value(argument);
  return `${kind}${pair && ' '}${pair}${refused}${outcome === 'unknown' || outcome === 'pending' ? ' ?' : ''}`;
}

/** What can be said of why nothing explains a read: nobody wrote the value, or a newer one had been acknowledged before. */
export type Reason = { fact: 'never_written' } | { fact: 'overwritten'; writer: Bar; newer: Bar } | { fact: 'initial_overwritten'; newer: Bar } | { fact: 'none' };

export function reasonOf(bad: Bar, bars: Bar[], initial: Json): Reason {
  if (bad.kind !== 'get' || bad.outcome !== 'ok') return { fact: 'none' };
  const wanted = JSON.stringify(bad.result);
  const same = bars.filter((bar) => bar.key === bad.key && bar.outcome !== 'fail' && bar.result !== false);
  if (same.some((bar) => bar.kind === 'append' || bar.kind === 'delete')) return { fact: 'none' };
  const writes = same.filter((bar) => bar.kind === 'put' || bar.kind === 'cas');
  const makers = writes.filter((bar) => written(bar) === wanted);
  const others = writes.filter((bar) => bar.outcome === 'ok' && bar.end !== null && bar.end < bad.start && written(bar) !== wanted);
  const newest = others.reduce<Bar | null>((best, bar) => (best === null || bar.start > best.start ? bar : best), null);
  const first = JSON.stringify(initial ?? null) === wanted;
  if (!makers.length && !first) return { fact: 'never_written' };
  if (!makers.length) return newest ? { fact: 'initial_overwritten', newer: newest } : { fact: 'none' };
  const writer = makers[0]!;
  if (makers.length > 1 || first || !newest || writer.end === null || writer.end > newest.start) return { fact: 'none' };
  return { fact: 'overwritten', writer, newer: newest };
}

const written = (bar: Bar): string => JSON.stringify(bar.kind === 'cas' && Array.isArray(bar.argument) ? bar.argument[1] : bar.argument);

/** Bars in the order in which they take effect, numbered from 1. */
export function ranks(bars: Bar[]): Map<number, number> {
  const placed = bars.filter((bar) => bar.point !== null).sort((a, b) => a.point! - b.point!);
  return new Map(placed.map((bar, index) => [bar.id, index + 1]));
}

export const EXPAND_MAX = 96;
/** Pixels an event: between all of it in view and one that can be read. */
export const zoomed = (scale: number, factor: number, events: number, width: number): number =>
  Math.min(EXPAND_MAX, Math.max(fitting(events, width), scale * factor));
export const fitting = (events: number, width: number): number => Math.min(EXPAND_MAX, Math.max(0.01, width / Math.max(1, events + 1)));

/** The time of every place in the order of events, microseconds. */
export function timesOf(bars: Bar[], events: number): number[] {
  const times = new Array<number>(events).fill(0);
  for (const bar of bars) {
    times[bar.start] = bar.invoked_us;
    if (bar.end !== null && bar.returned_us !== null) times[bar.end] = bar.returned_us;
  }
  for (let place = 1; place < events; place++) times[place] ||= times[place - 1]!;
  return times;
}

/** Places for the marks of the axis: round steps, at least so many pixels apart. */
export function marks(from: number, to: number, scale: number, apart: number): number[] {
  let step = 1;
  for (let turn = 0; step * scale < apart; turn++) step *= turn % 3 === 1 ? 2.5 : 2;
  step = Math.ceil(step);
  const found: number[] = [];
  for (let at = Math.max(0, Math.ceil(from / step) * step); at <= to; at += step) found.push(at);
  return found;
}
