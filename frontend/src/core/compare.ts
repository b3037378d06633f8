/** Two runs side by side in numbers, worked out from their traces: what each served, lost and spent, and where they part. Pure. */

import type { Chunk, ClientState, Json, Operation, Send, TraceEvent } from './chunk';
import { KIND } from './chunk';
import type { Descriptors, Text } from './descriptor';
import type { Experiment } from './experiment';
import { clientsIn, departed, isProtocol } from './summary';
import type { Trace } from './trace';
import { countAtOrBefore } from './world';

export interface Tally {
  acknowledged: number;
  /** Failed operations and those whose outcome nobody knows. */
  failed: number;
  /** Null: nothing counts it. */
  lost: number | null;
  longest_gap_us: number;
  messages: number;
  messages_per_operation: number | null;
  /** Medians over the last operations in hand. */
  latency_us: number | null;
  round_trips: number | null;
}

/** Latency and round trips are told of operations that ended within so long before the moment on show. */
const WINDOW_US = 10_000_000;
const LOSS_METRIC = 'lost_acknowledged';

export function tally(trace: Trace, branch: number, at_us: number): Tally {
  const acknowledged: number[] = [];
  let [failed, messages] = [0, 0];
  let lost: number | null = null;
  for (const { piece, until_us } of trace.pieces(branch, at_us + 1)) {
    const end_us = Math.min(until_us, at_us);
    acknowledged.push(...piece.summary.acknowledged_us.filter((time) => time <= end_us));
    failed += piece.summary.failed_us.filter((time) => time <= end_us).length;
    messages += piece.light || piece.until_us <= at_us && piece.until_us === piece.chunk.t1_us ? piece.summary.messages : sentBy(piece.chunk, end_us);
    const counted = piece.chunk.keyframe.metrics[LOSS_METRIC];
    if (typeof counted === 'number') lost = counted;
  }
  const recent = recentOf(trace, branch, at_us);
  return {
    acknowledged: acknowledged.length, failed, lost, longest_gap_us: longestGap(acknowledged, at_us), messages,
    messages_per_operation: acknowledged.length ? messages / acknowledged.length : null,
    latency_us: median(recent.operations.map((one) => one[6]! - one[5])), round_trips: median(roundTrips(recent)),
  };
}

/** What a side is worth and what it costs: the share of operations answered, clients that met a failure, price an hour. */
export interface Standing {
  availability: number | null;
  hit: number;
  clients: number;
  price: number;
}

/** A node without a price costs one unit an hour, as in the server's metric of cost. */
const PRICE = 1;

export function standing(clients: Readonly<Record<string, ClientState>>, nodes: readonly { price?: number | null }[]): Standing {
  const all = Object.values(clients);
  const [ok, bad] = [all.reduce((sum, one) => sum + one.ok, 0), all.reduce((sum, one) => sum + one.fail + one.unknown, 0)];
  return {
    availability: ok + bad ? ok / (ok + bad) : null, hit: all.filter((one) => one.fail + one.unknown > 0).length, clients: all.length,
    price: nodes.reduce((sum, node) => sum + (node.price ?? PRICE), 0),
  };
}

const sentBy = (chunk: Chunk, until_us: number): number => {
  const clients = clientsIn(chunk);
  return departed(chunk).filter((send) => send[2] <= until_us && isProtocol(send, clients)).length;
};

function longestGap(times: number[], at_us: number): number {
  let [longest, before] = [0, 0];
  for (const time of [...times.sort((a, b) => a - b), at_us]) {
    longest = Math.max(longest, time - before);
    before = time;
  }
  return longest;
}

function median(values: number[]): number | null {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

interface Recent {
  operations: Operation[];
  clients: ReadonlySet<string>;
  sends: Map<number, Send>;
  events: Map<number, TraceEvent>;
  replies: Map<number, Send>;
}

function recentOf(trace: Trace, branch: number, at_us: number): Recent {
  const recent: Recent = { operations: [], clients: new Set(), sends: new Map(), events: new Map(), replies: new Map() };
  for (const { piece, until_us } of trace.pieces(branch, at_us + 1)) {
    if (piece.light || until_us < at_us - WINDOW_US) continue;
    const { chunk } = piece;
    const clients = (recent.clients = clientsIn(chunk));
    for (const send of [...chunk.keyframe.flight, ...chunk.sends]) {
      recent.sends.set(send[0], send);
      if (clients.has(send[5]) && send[8][2] === 'ok') recent.replies.set(Number(send[8][0]), send);
    }
    for (const event of chunk.events) if (event[2] !== KIND.drop) recent.events.set(event[0], event);
    for (const one of chunk.operations) {
      if (one[7] === 'ok' && one[6] !== null && one[6] > chunk.t0_us && one[6] <= Math.min(until_us, at_us)) recent.operations.push(one);
    }
  }
  return recent;
}

const STEPS_MAX = 300;

/** Per operation, half the messages between servers on the chain of causes from its request to its answer. */
function roundTrips(recent: Recent): number[] {
  return recent.operations.flatMap((one) => {
    const hops = hopsOf(recent, one[0]);
    return hops === null ? [] : [hops / 2];
  });
}

function hopsOf({ sends, events, replies, clients }: Recent, operation: number): number | null {
  let number = replies.get(operation)?.[1];
  let hops = 0;
  for (let steps = 0; number && steps < STEPS_MAX; steps++) {
    const carried = sends.get(number);
    if (carried?.[7] === 'client.Request' && carried[8][0] === operation) return hops;
    if (carried && isProtocol(carried, clients)) hops++;
    number = events.get(number)?.[4] ?? carried?.[1];
  }
  return null;
}

export interface Difference {
  at_us: number;
  /** What each did there; null: nothing more in hand. */
  first: TraceEvent | null;
  second: TraceEvent | null;
}

/** The first event after `from_us` in which two traces differ up to a moment; null when they are equal there. */
export function firstDifference(a: Trace, branchA: number, b: Trace, branchB: number, until_us: number, from_us = -1): Difference | null {
  const [left, right] = [eventsOf(a, branchA, until_us, from_us), eventsOf(b, branchB, until_us, from_us)];
  for (;;) {
    const [one, other] = [left.next().value ?? null, right.next().value ?? null];
    if (!one && !other) return null;
    if (one && other && same(one, other)) continue;
    return { at_us: Math.min(one?.[1] ?? Infinity, other?.[1] ?? Infinity), first: one, second: other };
  }
}

const same = (a: TraceEvent, b: TraceEvent): boolean =>
  a[1] === b[1] && a[2] === b[2] && a[3] === b[3] && JSON.stringify(a[5]) === JSON.stringify(b[5]);

function* eventsOf(trace: Trace, branch: number, until_us: number, from_us: number): Generator<TraceEvent, undefined> {
  for (const { piece, until_us: end_us } of trace.pieces(branch, until_us + 1, from_us)) {
    if (piece.light) continue;
    const { events } = piece.chunk;
    const end = countAtOrBefore(events, Math.min(end_us, until_us));
    for (let at = countAtOrBefore(events, from_us); at < end; at++) yield events[at]!;
  }
}

/** What makes a side another one than those beside it. */
export interface Otherwise {
  /** A variant's own title. */
  title: Text | null;
  /** The rule that is broken in it. */
  twin: string | null;
  /** Settings in which sides differ, as this one has them. */
  settings: { name: string; value: Json }[];
}

/** For each side what tells it from the others: a title, a broken rule, else the settings in which they differ. */
export function otherwise(sides: readonly Experiment[], descriptors: Descriptors): Otherwise[] {
  const titled = new Set(sides.map((one) => one.title.en)).size > 1;
  const alike = new Set(sides.map((one) => one.system)).size === 1;
  const parameters = (alike && descriptors[sides[0]!.system]?.parameters) || [];
  const valueOf = (one: Experiment, name: string, standard: Json): Json => one.parameters?.[name] ?? standard;
  const varied = parameters.filter(({ name, default: standard }) =>
    new Set(sides.map((one) => JSON.stringify(valueOf(one, name, standard)))).size > 1);
  return sides.map((one) => ({
    title: titled ? one.title : null, twin: one.twin ?? null,
    settings: titled ? [] : varied.map(({ name, default: standard }) => ({ name, value: valueOf(one, name, standard) })),
  }));
}
