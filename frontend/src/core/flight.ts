/** Where messages are at a moment: on which lane, how far, and where the doomed ones burst. */

import { FATE, KIND, type Chunk, type Json, type Send } from './chunk';
import { messageSpec, type Descriptors } from './descriptor';
import { fieldOfKind } from './descriptor';
import { nodeOfProcess } from './experiment';
import type { Point } from './layout';
import { numberIn } from './scene';

export interface Dot {
  number: number;
  x: number;
  y: number;
  /** Direction of travel, radians. */
  angle: number;
  reply: boolean;
  good: boolean | null;
  epoch: number;
  doomed: boolean;
  held: boolean;
  /** 0..1 while it bursts, null while it flies. */
  burst: number | null;
  type: string;
  from: string;
  to: string;
}

interface FlightIndex {
  longest_us: number;
  /** Where the held messages stand in the list: they have no arrival, and are looked at whenever they departed. */
  held: number[];
  /** By the map they were worked out for. */
  courses: WeakMap<Places, { flight: Courses; sends: Courses }>;
  drops: Map<number, { at_us: number; reason: string }>;
  /** When a message was sent on again (delayed, delivered at once, released): its earlier record ends there. */
  again: Map<number, number>;
}

const indexes = new WeakMap<Chunk, FlightIndex>();
/** A message cut at departure has no arrival: it walks this long towards the wall, in virtual time. */
const CUT_WALK_US = 8_000;
/** Lanes of opposite directions are this far apart, in pixels. */
const LANE = 10;

function indexOf(chunk: Chunk): FlightIndex {
  let index = indexes.get(chunk);
  if (index) return index;
  const held = chunk.sends.flatMap((send, at) => (send[6] === FATE.held ? [at] : []));
  index = { longest_us: CUT_WALK_US, held, courses: new WeakMap(), drops: new Map(), again: new Map() };
  const seen = new Set(chunk.keyframe.flight.map((send) => send[0]));
  for (const send of chunk.sends) {
    index.longest_us = Math.max(index.longest_us, send[3] - send[2]);
    if (seen.has(send[0])) index.again.set(send[0], send[2]);
    seen.add(send[0]);
  }
  for (const event of chunk.events) {
    if (event[2] === KIND.drop) index.drops.set(event[0], { at_us: event[1], reason: String(event[5]) });
  }
  indexes.set(chunk, index);
  return index;
}

/** The longest that a message of a chunk is under way. */
export const longestFlight = (chunk: Chunk): number => indexOf(chunk).longest_us;

/** Where things stand on one map; another map is another object, so that what was worked out for it can be kept. */
export interface Places {
  /** Centre of a node or client. */
  at(id: string): Point | undefined;
  radius(id: string): number;
  /** Where the wall stands between two nodes, as a share of the way from the first; null when there is none. */
  wall(from: string, to: string): number | null;
}

/** The way one message takes on the map, worked out once: where it starts, how far it gets, when it is there. */
interface Course {
  from: string;
  to: string;
  start: Point;
  /** From edge to edge, on the lane of its direction. */
  way: Point;
  angle: number;
  look: { reply: boolean; good: boolean | null; epoch: number };
  end: number;
  end_us: number;
  dies: boolean;
  held: boolean;
}
/** Of each message in a list: its course, null where it has none, undefined until somebody looks. */
type Courses = (Course | null | undefined)[];

/** Every message to draw at a moment. `burst_us`: how long a burst lasts, in virtual time. */
export function dotsAt(chunk: Chunk, at_us: number, burst_us: number, places: Places, descriptors: Descriptors): Dot[] {
  const index = indexOf(chunk);
  const { flight, sends } = coursesOf(index, places);
  const dots: Dot[] = [];
  const take = (list: readonly Send[], at: number, courses: Courses) => {
    const send = list[at]!;
    const again_us = index.again.get(send[0]);
    if (again_us !== undefined && again_us <= at_us && send[2] < again_us) return;
    const course = (courses[at] ??= courseOf(send, chunk, places, descriptors));
    const dot = course && dotOn(course, send, at_us, burst_us);
    if (dot) dots.push(dot);
  };
  for (let at = 0; at < chunk.keyframe.flight.length; at++) take(chunk.keyframe.flight, at, flight);
  for (const at of index.held) if (chunk.sends[at]![2] <= at_us) take(chunk.sends, at, sends);
  const first = firstDeparture(chunk.sends, at_us - index.longest_us - burst_us);
  for (let at = first; at < chunk.sends.length && chunk.sends[at]![2] <= at_us; at++) {
    if (chunk.sends[at]![6] !== FATE.held) take(chunk.sends, at, sends);
  }
  return dots;
}

function coursesOf(index: FlightIndex, places: Places): { flight: Courses; sends: Courses } {
  let found = index.courses.get(places);
  if (!found) index.courses.set(places, (found = { flight: [], sends: [] }));
  return found;
}

/** How many messages are on their way, without placing them. */
export function countInFlight(chunk: Chunk, at_us: number): number {
  const { longest_us } = indexOf(chunk);
  const from = firstDeparture(chunk.sends, at_us - longest_us);
  let count = chunk.keyframe.flight.filter((send) => send[3] < 0 || send[3] > at_us).length;
  for (let index = from; index < chunk.sends.length && chunk.sends[index]![2] <= at_us; index++) {
    if (chunk.sends[index]![3] > at_us) count++;
  }
  return count;
}

/** A message that has not arrived yet. */
export interface InFlight {
  number: number;
  from: string;
  to: string;
  type: string;
  depart_us: number;
  /** Null while it waits at a wall. */
  arrive_us: number | null;
}

/** The messages to or from a node (any, when none is named) that are on their way at a moment, those that arrive first on top. */
export function inFlight(chunk: Chunk, at_us: number, node: string | null = null): InFlight[] {
  const { longest_us, held, drops } = indexOf(chunk);
  const latest = new Map<number, Send>();
  // A message that a command delayed is listed again under its number: the later record counts.
  const take = (send: Send) => {
    if (send[2] <= at_us && (latest.get(send[0])?.[2] ?? -1) <= send[2]) latest.set(send[0], send);
  };
  chunk.keyframe.flight.forEach(take);
  for (const at of held) take(chunk.sends[at]!);
  chunk.sends.slice(firstDeparture(chunk.sends, at_us - longest_us)).forEach(take);
  const touched = [...latest.values()].filter(([number, , , arrive_us, from, to, fate]) => {
    const here = node === null || nodeOfProcess(from) === node || nodeOfProcess(to) === node;
    const dropped = (drops.get(number)?.at_us ?? Infinity) <= at_us;
    return here && !dropped && (fate === FATE.held || (fate === FATE.onItsWay && (arrive_us < 0 || arrive_us > at_us)));
  });
  return touched
    .map(([number, , depart_us, arrive_us, from, to, , type]) => ({ number, from, to, type, depart_us, arrive_us: arrive_us < 0 ? null : arrive_us }))
    .sort((a, b) => (a.arrive_us ?? Infinity) - (b.arrive_us ?? Infinity) || a.number - b.number);
}

/** The first of the sends that departs at or after a time. */
export function firstDeparture(sends: readonly Send[], at_us: number): number {
  let low = 0;
  let high = sends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sends[middle]![2] < at_us) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How far a message gets (share of the way), when it is there, and whether it dies. */
export function fateOf(send: Send, chunk: Chunk, wall: number | null): { end: number; end_us: number; dies: boolean; held: boolean } {
  const [number, , depart_us, arrive_us, , , fate] = send;
  const way_us = Math.max(1, arrive_us - depart_us);
  if (fate === FATE.lost) {
    const share = 0.35 + 0.4 * ((number * 0.618034) % 1);
    return { end: share, end_us: depart_us + Math.max(way_us, CUT_WALK_US / 4) * share, dies: true, held: false };
  }
  if (fate === FATE.cut) {
    const share = wall ?? 0.5;
    return { end: share, end_us: depart_us + (arrive_us > depart_us ? way_us : CUT_WALK_US) * share, dies: true, held: false };
  }
  if (fate === FATE.held || arrive_us < 0) return { end: wall ?? 0.5, end_us: depart_us + CUT_WALK_US, dies: false, held: true };
  const drop = indexOf(chunk).drops.get(number);
  if (!drop) return { end: 1, end_us: arrive_us, dies: false, held: false };
  if (drop.reason === 'dropped' && drop.at_us < arrive_us) {
    return { end: Math.max(0, drop.at_us - depart_us) / way_us, end_us: drop.at_us, dies: true, held: false };
  }
  const share = drop.reason === 'cut' && wall !== null ? wall : 1;
  return { end: share, end_us: depart_us + way_us * share, dies: true, held: false };
}

function courseOf(send: Send, chunk: Chunk, places: Places, descriptors: Descriptors): Course | null {
  const [, , , , from, to, , type, fields] = send;
  const a = placeOfEnd(from, places);
  const b = placeOfEnd(to, places);
  if (!a || !b || a.id === b.id) return null;
  const [radiusA, radiusB] = [places.radius(a.id), places.radius(b.id)];
  const start = along(a.at, b.at, radiusA, radiusB, 0);
  const there = along(a.at, b.at, radiusA, radiusB, 1);
  return {
    from: a.id, to: b.id, start, way: { x: there.x - start.x, y: there.y - start.y }, angle: start.angle,
    look: kindOf(type, fields, descriptors), ...fateOf(send, chunk, places.wall(a.id, b.id)),
  };
}

function dotOn(course: Course, send: Send, at_us: number, burst_us: number): Dot | null {
  const { end, end_us, dies, held, start, way, look } = course;
  const burst = dies && at_us >= end_us ? (at_us - end_us) / Math.max(1, burst_us) : null;
  if (burst !== null ? burst >= 1 : !held && at_us >= end_us) return null;
  const share = Math.max(0, Math.min(end, (end * (at_us - send[2])) / Math.max(1, end_us - send[2])));
  return {
    number: send[0], x: start.x + way.x * share, y: start.y + way.y * share, angle: course.angle, reply: look.reply, good: look.good,
    epoch: look.epoch, doomed: dies, held, burst, type: send[7], from: course.from, to: course.to,
  };
}

/** The place that an address belongs to: its own, else its node's. */
export function placeOfEnd(address: string, places: Places): { id: string; at: Point } | null {
  const whole = places.at(address);
  if (whole) return { id: address, at: whole };
  const node = nodeOfProcess(address);
  const at = places.at(node);
  return at ? { id: node, at } : null;
}

/** A point on the lane of one direction: to the right of the line between the discs' edges. */
export function along(a: Point, b: Point, radiusA: number, radiusB: number, share: number): { x: number; y: number; angle: number } {
  const angle = Math.atan2(b.y - a.y, b.x - a.x);
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  const way = Math.max(0, length - radiusA - radiusB);
  const at = radiusA + way * Math.max(0, Math.min(1, share));
  const side = LANE / 2;
  return {
    x: a.x + Math.cos(angle) * at - Math.sin(angle) * side,
    y: a.y + Math.sin(angle) * at + Math.cos(angle) * side,
    angle,
  };
}

const kinds = new Map<string, { reply: boolean; good: number; epoch: number }>();

/** What the picture shows of a type: request or reply, where its verdict and its epoch stand. */
function kindOf(type: string, fields: Json[], descriptors: Descriptors): { reply: boolean; good: boolean | null; epoch: number } {
  let kind = kinds.get(type);
  if (!kind) kinds.set(type, (kind = readKind(type, descriptors)));
  const good = kind.good < 0 ? null : fields[kind.good] === true || fields[kind.good] === 'ok';
  return { reply: kind.reply, good: kind.reply ? good : null, epoch: kind.epoch < 0 ? 0 : numberIn(fields[kind.epoch]) };
}

/** The epoch that a message carries, 0 when it carries none. */
export const epochOf = (type: string, fields: Json[], descriptors: Descriptors): number => kindOf(type, fields, descriptors).epoch;

function readKind(type: string, descriptors: Descriptors): { reply: boolean; good: number; epoch: number } {
  // What clients send belongs to the contract of every system: Reply's third field is its outcome.
  if (type === 'client.Request') return { reply: false, good: -1, epoch: -1 };
  if (type === 'client.Reply') return { reply: true, good: 2, epoch: -1 };
  const spec = messageSpec(descriptors, type);
  if (!spec) return { reply: false, good: -1, epoch: -1 };
  const epochField = fieldOfKind(descriptors[type.slice(0, type.indexOf('.'))], 'epoch')?.name ?? '';
  return {
    reply: spec.kind === 'reply', good: spec.good ? spec.fields.indexOf(spec.good) : -1, epoch: spec.fields.indexOf(epochField),
  };
}
