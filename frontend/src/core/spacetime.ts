/**
 * The space-time diagram (Lamport 1978, figure 1): a line per process, a mark per event, an arrow per message. Only the window is read,
 * so a run of a million events costs no more than a screenful. Pure.
 */

import { FATE, KIND, type Json, type Send, type TraceEvent } from './chunk';
import { nodeOfProcess } from './experiment';
import { longestFlight } from './flight';
import { coneOf, transitiveEdges, type Cone, type Step } from './order';
import { BINS } from './summary';
import type { Piece, Trace } from './trace';
import { countAtOrBefore } from './world';

export interface Mark {
  number: number;
  at_us: number;
  /** Where a run of local events ends; `at_us` for a single one. */
  until_us: number;
  lane: number;
  kind: number;
  /** Events it stands for. */
  count: number;
  noted: boolean;
}
export interface SpaceArrow {
  number: number;
  /** The event that sent it, and the one it arrived with (the same number as its own). */
  cause: number;
  from: number;
  to: number;
  depart_us: number;
  arrive_us: number;
  type: string;
  /** Of its sender's leadership; 0 where it has none. */
  epoch: number;
  /** It never arrived: `arrive_us` is where it is last seen. */
  lost: boolean;
  /** It stands for a path through what is hidden. */
  through: boolean;
}
export interface Down {
  lane: number;
  from_us: number;
  to_us: number;
}
export interface SpaceTime {
  lanes: string[];
  marks: Mark[];
  arrows: SpaceArrow[];
  downs: Down[];
  /** Events in the window. Above EVENTS_MAX nothing is drawn one by one: `density` counts them per lane and column. */
  events: number;
  density: number[][] | null;
  /** Every event of the window, hidden ones too, in order of time; empty when they are only counted. */
  steps: Step[];
  /** What may be hidden: types of messages and kinds of events in the window, with how often. */
  kinds: Map<string, number>;
}
export interface Window {
  from_us: number;
  to_us: number;
  /** Processes, types of messages (`system.Name`) and kinds of events (KIND_NAMES) that are left out; their order stays, as dashed arrows. */
  hidden: ReadonlySet<string>;
  /** Local events nearer than this to the one before are drawn as one mark; 0: each by itself. */
  collapse_us: number;
  /** What a message says of its epoch, by its type and fields. */
  epochOf?(type: string, fields: Json[]): number;
}

export const EVENTS_MAX = 3000;
export const COLUMNS = 200;
/** Kinds of events that can be hidden as such; arrivals are hidden by the type of their message. */
export const KIND_NAMES: Record<number, string> = { [KIND.timer]: 'timer', [KIND.disk]: 'disk', [KIND.request]: 'request' };
/** A message that was cut at departure is drawn this far. */
const STUB = 0.04;

interface Read {
  events: TraceEvent[];
  sends: Map<number, Send>;
  drops: Map<number, number>;
}

export function spaceTime(trace: Trace, branch: number, window: Window, processes: readonly string[]): SpaceTime {
  const lanes = processes.filter((process) => !window.hidden.has(process));
  const laneOf = new Map(lanes.map((process, lane) => [process, lane]));
  const pieces = [...trace.pieces(branch, window.to_us + 1, window.from_us)];
  const empty: SpaceTime = { lanes, marks: [], arrows: [], downs: downsIn(pieces, laneOf, window), events: 0, density: null, steps: [], kinds: new Map() };
  const density = densityOf(pieces, laneOf, window);
  const counted = density.reduce((sum, counts) => sum + counts.reduce((all, count) => all + count, 0), 0);
  if (counted > EVENTS_MAX) return { ...empty, events: counted, density };
  const read = readWindow(pieces, window);
  const arrows = arrowsIn(read, laneOf, window);
  const drawn = new Set(arrows.map((arrow) => arrow.number));
  const steps = read.events.map((event): Step => ({
    number: event[0], at_us: event[1], process: event[3], cause: event[4], lane: hides(event, read, window) ? -1 : (laneOf.get(event[3]) ?? -1), arrow: drawn.has(event[0]),
  }));
  const shown = read.events.filter((_, index) => steps[index]!.lane >= 0);
  const edges = window.hidden.size ? transitiveEdges(steps, lanes.length).map(({ from, to }): SpaceArrow => ({
    number: to.number, cause: from.number, from: from.lane, to: to.lane, depart_us: from.at_us, arrive_us: to.at_us, type: '', epoch: 0, lost: false, through: true,
  })) : [];
  return { ...empty, events: shown.length, arrows: [...arrows, ...edges], marks: marksOf(shown, laneOf, read, window.collapse_us), steps, kinds: kindsIn(read) };
}

function readWindow(pieces: readonly { piece: Piece; until_us: number }[], { from_us, to_us }: Window): Read {
  const read: Read = { events: [], sends: new Map(), drops: new Map() };
  for (const { piece, until_us } of pieces) {
    if (piece.light) continue;
    const { chunk } = piece;
    const end_us = Math.min(until_us, to_us);
    for (const send of chunk.keyframe.flight) if (send[3] >= from_us || send[3] <= 0) read.sends.set(send[0], send);
    const { sends, events } = chunk;
    for (let at = departed(sends, from_us - longestFlight(chunk)); at < sends.length && sends[at]![2] <= end_us; at++) read.sends.set(sends[at]![0], sends[at]!);
    for (let at = countAtOrBefore(events, from_us - 1); at < events.length && events[at]![1] <= end_us; at++) {
      const event = events[at]!;
      if (event[2] === KIND.drop) read.drops.set(event[0], event[1]);
      else if (event[3]) read.events.push(event);
    }
  }
  return read;
}

/** How many messages of a chunk departed before a time: they are in that order. */
function departed(sends: readonly Send[], before_us: number): number {
  let [low, high] = [0, sends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sends[middle]![2] < before_us) low = middle + 1;
    else high = middle;
  }
  return low;
}

const nameOf = (event: TraceEvent, read: Read): string => KIND_NAMES[event[2]] ?? (event[2] === KIND.deliver ? (read.sends.get(event[0])?.[7] ?? '') : '');
const hides = (event: TraceEvent, read: Read, { hidden }: Window): boolean => hidden.has(nameOf(event, read));

function kindsIn(read: Read): Map<string, number> {
  const found = new Map<string, number>();
  for (const event of read.events) {
    const name = nameOf(event, read);
    if (name) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

function arrowsIn(read: Read, laneOf: Map<string, number>, { from_us, to_us, hidden, epochOf }: Window): SpaceArrow[] {
  const found: SpaceArrow[] = [];
  for (const send of read.sends.values()) {
    const [from, to] = [laneOf.get(send[4]), laneOf.get(send[5])];
    if (from === undefined || to === undefined || from === to || hidden.has(send[7])) continue;
    const arrow = { ...arrowOf(send, from, to, read, to_us - from_us), epoch: epochOf?.(send[7], send[8]) ?? 0 };
    if (arrow.arrive_us >= from_us && arrow.depart_us <= to_us) found.push(arrow);
  }
  return found;
}

function arrowOf(send: Send, from: number, to: number, read: Read, span_us: number): Omit<SpaceArrow, 'epoch'> {
  const [number, cause, depart_us, arrives_us, , , fate, type] = send;
  const drop_us = read.drops.get(number);
  const lost = fate === FATE.lost || fate === FATE.cut || drop_us !== undefined;
  const stub_us = depart_us + span_us * STUB;
  const arrive_us = drop_us ?? (arrives_us > depart_us ? arrives_us : stub_us);
  return { number, cause, from, to, depart_us, arrive_us, type, lost, through: false };
}

/** Marks of a lane: an event that touched no message joins the local one before it when they are near. */
function marksOf(events: readonly TraceEvent[], laneOf: Map<string, number>, read: Read, collapse_us: number): Mark[] {
  const senders = new Set([...read.sends.values()].map((send) => send[1]));
  const last = new Map<number, Mark & { local: boolean }>();
  const found: Mark[] = [];
  for (const [number, at_us, kind, process, , , , notes] of events) {
    const lane = laneOf.get(process)!;
    const local = kind !== KIND.deliver && kind !== KIND.start && !senders.has(number);
    const before = last.get(lane);
    if (local && before?.local && at_us - before.until_us < collapse_us) {
      before.until_us = at_us;
      before.count++;
      before.noted ||= Boolean(notes?.length);
      continue;
    }
    const mark = { number, at_us, until_us: at_us, lane, kind, count: 1, noted: Boolean(notes?.length), local };
    last.set(lane, mark);
    found.push(mark);
  }
  return found;
}

/** Where lines are dead, from the summaries of the chunks. */
function downsIn(pieces: readonly { piece: Piece; until_us: number }[], laneOf: Map<string, number>, window: Window): Down[] {
  const found: Down[] = [];
  const since = new Map<string, number>();
  const close = (node: string, from_us: number, to_us: number) => {
    for (const [process, lane] of laneOf) {
      if (nodeOfProcess(process) === node && to_us >= window.from_us) found.push({ lane, from_us: Math.max(from_us, window.from_us), to_us });
    }
  };
  for (const { piece, until_us } of pieces) {
    for (const [at_us, node, down] of piece.summary.downs) {
      if (at_us > Math.min(until_us, window.to_us)) break;
      const from_us = since.get(node);
      if (down && from_us === undefined) since.set(node, at_us);
      if (down || from_us === undefined) continue;
      since.delete(node);
      close(node, from_us, at_us);
    }
  }
  for (const [node, from] of since) close(node, from, window.to_us);
  return found;
}

/** Events per lane and column, from what the summaries count: no event is touched. */
function densityOf(pieces: readonly { piece: Piece; until_us: number }[], laneOf: Map<string, number>, { from_us, to_us }: Window): number[][] {
  const counts = Array.from({ length: laneOf.size }, () => new Array<number>(COLUMNS).fill(0));
  const column = (us: number) => Math.floor(((us - from_us) / Math.max(1, to_us - from_us)) * COLUMNS);
  for (const { piece, until_us } of pieces) {
    const { t0_us, t1_us, counts: counted } = piece.summary;
    const bin_us = (t1_us - t0_us) / BINS;
    for (const [process, bins] of Object.entries(counted)) {
      const lane = counts[laneOf.get(process) ?? -1];
      if (!lane) continue;
      for (let bin = 0; bin < BINS; bin++) {
        const start_us = t0_us + bin * bin_us;
        if (bins[bin] && start_us <= Math.min(until_us, to_us) && start_us + bin_us >= from_us) spread(lane, bins[bin]!, column(start_us), column(start_us + bin_us));
      }
    }
  }
  return counts;
}

/** A count over the columns of its bin, in whole numbers; what lies outside the window is left out. */
function spread(lane: number[], count: number, first: number, last: number): void {
  const wide = Math.max(1, last - first);
  for (let step = 0; step < wide; step++) {
    const at = first + step;
    if (at >= 0 && at < COLUMNS) lane[at]! += Math.floor(((step + 1) * count) / wide) - Math.floor((step * count) / wide);
  }
}

const FOLLOWED_MAX = 400;

/** The events that led to one, and those that came of it: numbers, as far as the window reaches. */
export function consequences(picture: SpaceTime, number: number): { before: Set<number>; after: Set<number>; cone: Cone | null } {
  const causes = new Map(picture.steps.map((step) => [step.number, step.cause]));
  const before = new Set<number>();
  for (let at = causes.get(number); at && causes.has(at) && !before.has(at) && before.size < FOLLOWED_MAX; at = causes.get(at)) before.add(at);
  const after = new Set<number>();
  // Steps are in the order of time, and a cause comes before what it causes: one pass finds them all.
  for (const step of picture.steps) {
    if (after.size < FOLLOWED_MAX && (step.cause === number || after.has(step.cause)) && step.number !== number) after.add(step.number);
  }
  return { before, after, cone: coneOf(picture.steps, number) };
}

/** What lies under the pointer: the nearest mark within `slack_us` on that lane. */
export function markAt(picture: SpaceTime, lane: number, at_us: number, slack_us: number): Mark | null {
  let found: Mark | null = null;
  let nearest = slack_us;
  for (const mark of picture.marks) {
    if (mark.lane !== lane) continue;
    const gap = Math.max(mark.at_us - at_us, at_us - mark.until_us, 0);
    if (gap <= nearest) [found, nearest] = [mark, gap];
  }
  return found;
}
