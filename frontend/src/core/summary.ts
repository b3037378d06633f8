/** What the timeline paints of one chunk, worked out once when it arrives. */

import { KIND } from './chunk';
import type { Chunk, Fault, Json, Send, Verdict } from './chunk';

/** A numbered field or a role that changed: `[at_us, process, value]`; the painter picks by descriptor. */
export type Change = [at_us: number, process: string, field: string, value: Json];

export type Ended = [returned_us: number, latency_us: number, ok: boolean, writes: boolean];

export interface Summary {
  t0_us: number;
  t1_us: number;
  /** Scalars (text and numbers) at t0 by process, then their changes. */
  start: Record<string, Record<string, Json>>;
  changes: Change[];
  faults: [at_us: number, faults: Fault[]][];
  commands: [at_us: number, detail: Json, number: number][];
  acknowledged_us: number[];
  failed_us: number[];
  /** Operations that ended in the chunk, in that order. */
  ended: Ended[];
  verdicts: [at_us: number, check: string, verdict: Verdict][];
  /** Moments that only an observer could know of: notes of checks. */
  observed_us: number[];
  /** Messages sent between servers. */
  messages: number;
  /** Nodes that went down or came back; those that are down at t0 first. */
  downs: [at_us: number, node: string, down: boolean][];
  /** Executed events of each process in BINS equal parts of the chunk. */
  counts: Record<string, Uint16Array>;
}

export const BINS = 16;
const scalar = (value: Json): boolean => typeof value === 'string' || typeof value === 'number';

/** What departed in a chunk. What departed as the run began is under way in its first keyframe. */
export const departed = (chunk: Chunk): readonly Send[] => (chunk.t0_us === 0 ? [...chunk.keyframe.flight, ...chunk.sends] : chunk.sends);
export const clientsIn = (chunk: Chunk): ReadonlySet<string> => new Set(Object.keys(chunk.keyframe.clients));
/** Between servers: what clients send and get is not a system's own traffic. */
export const isProtocol = (send: Send, clients: ReadonlySet<string>): boolean => !clients.has(send[4]) && !clients.has(send[5]);

export function summarise(chunk: Chunk): Summary {
  const summary: Summary = {
    t0_us: chunk.t0_us, t1_us: chunk.t1_us, start: {}, changes: [], faults: [[chunk.t0_us, chunk.keyframe.faults]],
    commands: [], acknowledged_us: [], failed_us: [], ended: [], verdicts: [], observed_us: [], messages: 0,
    downs: [], counts: {},
  };
  for (const [id, process] of Object.entries(chunk.keyframe.processes)) {
    summary.start[id] = Object.fromEntries(Object.entries(process.fields).filter(([, value]) => scalar(value)));
  }
  for (const [node, { state }] of Object.entries(chunk.keyframe.nodes)) if (state === 'down') summary.downs.push([chunk.t0_us, node, true]);
  const bin_us = Math.max(1, (chunk.t1_us - chunk.t0_us) / BINS);
  for (const [number, at_us, kind, process, , detail, diff, notes] of chunk.events) {
    if (notes?.some(([, , observed]) => observed)) summary.observed_us.push(at_us);
    for (const [node, { state }] of Object.entries(diff?.node ?? {})) summary.downs.push([at_us, node, state === 'down']);
    if (process && kind !== KIND.drop) (summary.counts[process] ??= new Uint16Array(BINS))[Math.min(BINS - 1, Math.floor((at_us - chunk.t0_us) / bin_us))]!++;
    if (kind === KIND.command) summary.commands.push([at_us, detail, number]);
    if (diff?.faults) summary.faults.push([at_us, diff.faults]);
    const started = Object.entries(diff?.processes ?? {}).map(([id, state]) => [id, state.fields] as const);
    for (const [id, fields] of [...started, [process, diff?.fields ?? {}] as const]) {
      for (const [name, value] of Object.entries(fields)) {
        if (scalar(value)) summary.changes.push([at_us, id, name, value]);
      }
    }
  }
  for (const [, , kind, , , invoked_us, returned_us, outcome] of chunk.operations) {
    if (returned_us === null || returned_us <= chunk.t0_us || returned_us > chunk.t1_us) continue;
    (outcome === 'ok' ? summary.acknowledged_us : summary.failed_us).push(returned_us);
    summary.ended.push([returned_us, returned_us - invoked_us, outcome === 'ok', kind !== 'get']);
  }
  summary.ended.sort((a, b) => a[0] - b[0]);
  summary.acknowledged_us.sort((a, b) => a - b);
  summary.verdicts = chunk.checks.map(([at_us, name, state]) => [at_us, name, state.verdict]);
  const clients = clientsIn(chunk);
  summary.messages = departed(chunk).filter((send) => isProtocol(send, clients)).length
    + (chunk.rates ?? []).reduce((sum, [from, to, , count]) => sum + (clients.has(from) || clients.has(to) ? 0 : count), 0);
  return summary;
}
