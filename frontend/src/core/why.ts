/** Why an event happened and what came of it: the event before it in the chain of causes, and the messages it sent. */

import { FATE, isLogDiff, KIND, type Chunk, type Send, type TraceEvent } from './chunk';
import type { Trace } from './trace';

export interface Arrow {
  number: number;
  from: string;
  to: string;
  type: string;
  depart_us: number;
  /** It never arrived. */
  lost: boolean;
}
export interface Chain {
  number: number;
  at_us: number;
  /** Where it happened; null for a command. */
  process: string | null;
  /** Null: a message that never got so far. */
  event: TraceEvent | null;
  /** The process whose event caused it, and when; null when nothing in hand did. */
  cause: { number: number; process: string; at_us: number; kind: number } | null;
  /** The message that arrived with the event. */
  arrived: Arrow | null;
  sent: Arrow[];
  /** When the last of what it sent is there. */
  until_us: number;
}

const FOUND_MAX = 24;
/** Causes are looked for in so many chunks at most. */
const PIECES_MAX = 20;

/**
 * The chain around an event, or around a message that died, by its number; null when it is not in hand. Nothing after
 * `shown_us` is told; `at_us`: where to begin to look back from, when it is known better.
 */
export function chainOf(trace: Trace, branch: number, number: number, shown_us: number, at_us = shown_us): Chain | null {
  const { event, own } = search(trace, branch, at_us, number);
  if (!event && !own) return null;
  const since_us = event ? event[1] : own![2];
  const cause = event ? event[4] : own![1];
  const before = cause ? search(trace, branch, since_us, cause).event : undefined;
  const sent = event ? sentBy(trace, branch, event, shown_us) : [];
  return {
    number, at_us: since_us, process: event ? event[3] || null : null, event: event ?? null,
    cause: before && before[3] ? { number: before[0], process: before[3], at_us: before[1], kind: before[2] }
      : own ? { number: cause, process: own[4], at_us: own[2], kind: -1 } : null,
    arrived: own ? arrowOf(own) : null,
    sent: sent.map(arrowOf),
    until_us: Math.max(since_us, ...sent.map((send) => Math.max(send[2], send[3])), own ? Math.max(own[2], own[3]) : 0),
  };
}

const arrowOf = (send: Send): Arrow =>
  ({ number: send[0], from: send[4], to: send[5], type: send[7], depart_us: send[2], lost: send[6] === FATE.lost || send[6] === FATE.cut });

interface Numbers {
  events: Map<number, TraceEvent>;
  sends: Map<number, Send>;
}
const numbered = new WeakMap<Chunk, Numbers>();

/** Events and messages of a chunk by their numbers, put in order when somebody asks for the first time. */
function numbersOf(chunk: Chunk): Numbers {
  let found = numbered.get(chunk);
  if (found) return found;
  found = { events: new Map(), sends: new Map() };
  for (const event of chunk.events) if (event[2] !== KIND.drop) found.events.set(event[0], event);
  for (const send of [...chunk.sends].reverse()) found.sends.set(send[0], send);
  for (const send of chunk.keyframe.flight) if (!found.sends.has(send[0])) found.sends.set(send[0], send);
  numbered.set(chunk, found);
  return found;
}

/** The event of a number and the message of that number, looking back from a time. */
function search(trace: Trace, branch: number, at_us: number, number: number): { event?: TraceEvent; own?: Send } {
  let event: TraceEvent | undefined;
  let own: Send | undefined;
  let piece = trace.at(branch, at_us);
  for (let left = PIECES_MAX; piece && left > 0; left--) {
    const { events, sends } = numbersOf(piece.chunk);
    const [here, sent] = [events.get(number), sends.get(number)];
    if (here && here[1] <= at_us) event ??= here;
    if (sent && sent[2] <= at_us) own ??= sent;
    // Numbers are given in order: what the keyframe had not counted yet began after it. Commands have their own.
    if ((event && (own || number < 0)) || (number >= 0 && piece.chunk.keyframe.number < number)) break;
    piece = trace.previous(branch, piece);
  }
  return { event, own };
}

function sentBy(trace: Trace, branch: number, event: TraceEvent, shown_us: number): Send[] {
  const found = new Map<number, Send>();
  const piece = trace.at(branch, event[1]);
  const pieces = piece ? [piece, trace.next(branch, piece)] : [];
  for (const one of pieces) {
    for (const send of one?.chunk.sends ?? []) {
      if (send[1] === event[0] && send[2] <= shown_us && found.size < FOUND_MAX && !found.has(send[0])) found.set(send[0], send);
    }
  }
  return [...found.values()];
}

/** What a chosen event belongs to in the other views. */
export interface Belonging {
  /** The numbers of the events before it in its chain of causes, nearest first. */
  past: number[];
  /** The client operation that the chain serves. */
  operation: number | null;
  /** The log entries that it, or the nearest event of its past that did, appended. */
  entries: { process: string; from: number; to: number } | null;
}

const STEPS_MAX = 60;

/** Follow the causes of an event back to the client operation that began them. */
export function belongingOf(trace: Trace, branch: number, number: number, at_us: number): Belonging {
  const found: Belonging = { past: [], operation: null, entries: null };
  for (let [next, from_us] = [number, at_us], steps = 0; next && steps < STEPS_MAX; steps++) {
    const { event, own } = search(trace, branch, from_us, next);
    if (!event && !own) break;
    if (next !== number) found.past.push(next);
    if (own && /^client\.Re(quest|ply)$/.test(own[7])) found.operation ??= Number(own[8][0]);
    if (event) found.entries ??= appendedBy(event);
    from_us = event ? event[1] : own![2];
    next = event ? event[4] : own![1];
  }
  return found;
}

/** The entries that an event put at the end of its process's log. */
export function appendedBy(event: TraceEvent): Belonging['entries'] {
  for (const [last, , added] of Object.values(event[6]?.grown ?? {})) return { process: event[3], from: last - added.length + 1, to: last };
  for (const value of Object.values(event[6]?.fields ?? {})) {
    if (isLogDiff(value) && value.add.length) return { process: event[3], from: value.last - value.add.length + 1, to: value.last };
  }
  return null;
}

/** Chunks that are looked through for the event that appended an entry, or for a request. */
const FAR_MAX = 400;

/** The latest event up to a time that appended an entry to a process's log. */
export function eventOfEntry(trace: Trace, branch: number, process: string, index: number, at_us: number): TraceEvent | null {
  return trace.last(branch, at_us, FAR_MAX, (event) => {
    const entries = event[3] === process ? appendedBy(event) : null;
    return entries !== null && entries.from <= index && index <= entries.to;
  }) ?? null;
}

/** The event with which an operation's request reached a server, or its answer the client: what is seen of it first, looking back. */
export function eventOfOperation(trace: Trace, branch: number, operation: number, invoked_us: number, shown_us: number): { number: number; at_us: number } | null {
  for (let piece = trace.at(branch, invoked_us), left = PIECES_MAX; piece && left > 0; piece = trace.next(branch, piece), left--) {
    for (const send of piece.chunk.sends) {
      if (send[2] > shown_us) return null;
      if (send[7] === 'client.Request' && send[8][0] === operation) return { number: send[0], at_us: Math.min(shown_us, Math.max(send[2], send[3])) };
    }
  }
  return null;
}
