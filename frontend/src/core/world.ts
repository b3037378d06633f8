/** The state of everything at one virtual time: a keyframe folded with diffs, one event forward or back at a time. */

import { KIND, isLog, isLogDiff } from './chunk';
import type {
  CheckState, Chunk, ClientState, Diff, Fault, Growth, Json, Keyframe, LogDiff, LogView, Network, NodeState, Operation,
  ProcessState, TraceEvent, Values,
} from './chunk';

export interface World {
  nodes: Record<string, NodeState>;
  processes: Record<string, ProcessState>;
  network: Network;
  faults: Fault[];
}

/** Entries of a log that the server keeps in a view. */
export const LOG_ENTRIES_MAX = 64;

export function applyLogDiff(before: LogView | undefined, diff: LogDiff): LogView {
  const old = before ?? { first: 1, last: 0, hash: '', entries: [] };
  const oldStart = old.last - old.entries.length + 1;
  const kept = old.entries.slice(0, Math.max(0, diff.keep - oldStart + 1));
  const entries = [...kept, ...diff.add].slice(-LOG_ENTRIES_MAX);
  return { first: diff.first, last: diff.last, hash: diff.hash, entries };
}

export function grownLog(before: LogView | undefined, [last, hash, add]: Growth): LogView {
  return applyLogDiff(before, { first: before?.first ?? 1, last, hash, keep: last - add.length, add });
}

function copyOf(keyframe: Keyframe): World {
  const processes: Record<string, ProcessState> = {};
  for (const [id, process] of Object.entries(keyframe.processes)) {
    processes[id] = { ...process, fields: { ...process.fields }, timers: { ...process.timers } };
  }
  return { nodes: { ...keyframe.nodes }, processes, network: keyframe.network, faults: keyframe.faults };
}

type Change = [target: Record<string, unknown>, key: string, before: unknown];

/**
 * A world that moves inside one chunk. Forward applies diffs and remembers what they replaced; back puts that back.
 * Logs and nested values are replaced and never changed in place, so a reader may keep what it saw.
 */
export class Cursor {
  world: World;
  /** How many of the chunk's events are applied. */
  position = 0;
  /** Rises with every change, so that a view knows when to look again. */
  version = 0;
  private changes: Change[][] = [];

  constructor(readonly chunk: Chunk) {
    this.world = copyOf(chunk.keyframe);
  }

  /** Move to the state after every event at or before `at_us`. */
  seek(at_us: number): void {
    const target = countAtOrBefore(this.chunk.events, at_us);
    while (this.position < target) this.forward();
    while (this.position > target) this.back();
  }

  lastEvent(): TraceEvent | undefined {
    return this.chunk.events[this.position - 1];
  }

  private forward(): void {
    const event = this.chunk.events[this.position++]!;
    const changes: Change[] = [];
    if (event[6]) this.apply(event[3], event[1], event[6], changes);
    this.changes.push(changes);
    if (changes.length) this.version++;
  }

  private back(): void {
    const changes = this.changes.pop()!;
    this.position--;
    for (let at = changes.length - 1; at >= 0; at--) {
      const [target, key, before] = changes[at]!;
      if (before === undefined) delete target[key];
      else target[key] = before;
    }
    if (changes.length) this.version++;
  }

  private apply(id: string, at_us: number, diff: Diff, changes: Change[]): void {
    const set = (target: object, key: string, value: unknown) => {
      const fields = target as Record<string, unknown>;
      changes.push([fields, key, fields[key]]);
      if (value === undefined) delete fields[key];
      else fields[key] = value;
    };
    for (const [name, state] of Object.entries(diff.processes ?? {})) {
      set(this.world.processes, name, { ...state, fields: { ...state.fields }, timers: { ...state.timers } });
    }
    for (const [name, state] of Object.entries(diff.node ?? {})) set(this.world.nodes, name, state);
    if (diff.network) set(this.world, 'network', diff.network);
    if (diff.faults) set(this.world, 'faults', diff.faults);
    const process = this.world.processes[id];
    if (!process) return;
    for (const [name, value] of Object.entries(diff.fields ?? {})) {
      set(process.fields, name, merged(process.fields[name], value));
    }
    for (const [name, keys] of Object.entries(diff.gone ?? {})) set(process.fields, name, without(mapOf(process.fields[name]), keys));
    for (const [name, values] of Object.entries(diff.maps ?? {})) set(process.fields, name, { ...mapOf(process.fields[name]), ...values });
    for (const [name, growth] of Object.entries(diff.grown ?? {})) set(process.fields, name, grownLog(logOf(process.fields[name]), growth));
    for (const [name, timer] of Object.entries(diff.timers ?? {})) {
      set(process.timers, name, typeof timer === 'number' ? [at_us, timer] : timer ?? undefined);
    }
  }
}

function merged(before: Json | undefined, value: Json): Json {
  if (!isLogDiff(value)) return value;
  return applyLogDiff(logOf(before), value) as unknown as Json;
}

const logOf = (value: Json | undefined): LogView | undefined => (isLog(value) ? value : undefined);
const mapOf = (value: Json | undefined): Values => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});

function without(map: Values, keys: readonly string[]): Values {
  const rest = { ...map };
  for (const key of keys) delete rest[key];
  return rest;
}

/** Number of events at or before a time: the events are ordered by time. */
export function countAtOrBefore(events: readonly TraceEvent[], at_us: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]![1] <= at_us) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Verdicts at a time inside the chunk. */
export function checksAt(chunk: Chunk, at_us: number): Record<string, CheckState> {
  const checks = { ...chunk.keyframe.checks };
  for (const [changed_us, name, state] of chunk.checks) {
    if (changed_us <= at_us) checks[name] = state;
  }
  return checks;
}

/** Clients at a time inside the chunk: the keyframe's counts plus the operations since. */
export function clientsAt(chunk: Chunk, at_us: number): Record<string, ClientState> {
  const clients: Record<string, ClientState> = {};
  for (const [id, client] of Object.entries(chunk.keyframe.clients)) clients[id] = { ...client };
  const earlier: Record<string, number> = {};
  const oldest: Record<string, number> = {};
  for (const operation of chunk.operations) {
    const client = clients[operation[1]] ?? (clients[operation[1]] = blankClient());
    countOperation(client, operation, chunk.t0_us, at_us);
    const [, id, , , , invoked_us, returned_us] = operation;
    const pending = invoked_us <= at_us && (returned_us === null || returned_us > at_us);
    if (pending) oldest[id] = Math.min(oldest[id] ?? Infinity, invoked_us);
    if (invoked_us <= chunk.t0_us) earlier[id] = (earlier[id] ?? 0) + 1;
  }
  for (const [id, client] of Object.entries(clients)) {
    const before = chunk.keyframe.clients[id];
    // Operations that wait since before the chunk and do not end in it are not listed: the keyframe knows the oldest.
    const unlisted = (before?.waiting ?? 0) - (earlier[id] ?? 0);
    const since = [oldest[id], unlisted > 0 ? before?.oldest_us : null].filter((value) => typeof value === 'number');
    client.oldest_us = client.waiting > 0 && since.length ? Math.min(...(since as number[])) : null;
  }
  return clients;
}

function countOperation(client: ClientState, operation: Operation, t0_us: number, at_us: number): void {
  const [, , , , , invoked_us, returned_us, outcome] = operation;
  if (invoked_us > t0_us && invoked_us <= at_us) client.waiting++;
  if (returned_us === null || returned_us <= t0_us || returned_us > at_us) return;
  client.waiting--;
  if (outcome === 'ok') client.ok++;
  else if (outcome === 'fail') client.fail++;
  else if (outcome === 'unknown') client.unknown++;
}

const blankClient = (): ClientState => ({ at: '', waiting: 0, oldest_us: null, ok: 0, fail: 0, unknown: 0 });

export const isStep = (event: TraceEvent): boolean => event[2] !== KIND.drop;
