/** Numbers over time for the plots, from the summaries of the trace: nothing is read event by event. Pure. */

import { fieldOfKind, type Descriptors } from './descriptor';
import type { Json } from './chunk';
import type { Ended } from './summary';
import type { Trace } from './trace';

export interface Series {
  /** The middle of each bin, seconds. */
  time_s: number[];
  /** Share of the operations that ended with an acknowledgement, 0 while none comes; null: before the first one ended. */
  available: (number | null)[];
  /** Acknowledged operations a second. */
  rate: number[];
  /** Messages between servers a second. */
  messages: number[];
  /** How many entries the slowest process is behind the furthest one; null: nothing has an index. */
  lag: (number | null)[];
  /** Different states among the processes: 1 when all are equal; null: nothing has a state to compare. */
  states: (number | null)[];
}
const BINS = 100;
/** A bin holds about so many operations at least, where that leaves ten bins. */
const FULL = 5;

export function endedIn(trace: Trace, branch: number, from_us: number, until_us: number): Ended[] {
  const found: Ended[] = [];
  for (const { piece, until_us: end_us } of trace.pieces(branch, until_us + 1, from_us)) {
    for (const one of piece.summary.ended) if (one[0] >= from_us && one[0] <= Math.min(until_us, end_us)) found.push(one);
  }
  return found;
}

/** `gaps`: the spans in which nothing was acknowledged for longer than usual. */
export function seriesOf(trace: Trace, branch: number, until_us: number, descriptors: Descriptors, gaps: readonly { from_us: number; to_us: number }[] = []): Series {
  const ended = endedIn(trace, branch, 0, until_us);
  const bins = Math.max(Math.min(10, BINS), Math.min(BINS, Math.floor(ended.length / FULL)));
  const bin_us = Math.max(1, until_us / bins);
  const zeros = () => new Array<number>(bins).fill(0);
  const [ok, all, messages] = [zeros(), zeros(), zeros()];
  for (const [returned_us, , acknowledged] of ended) {
    const bin = Math.min(bins - 1, Math.floor(returned_us / bin_us));
    all[bin]!++;
    if (acknowledged) ok[bin]!++;
  }
  for (const { piece, until_us: end_us } of trace.pieces(branch, until_us + 1)) {
    const { t0_us, t1_us, messages: sent } = piece.summary;
    spread(messages, sent / Math.max(1, t1_us - t0_us), t0_us, Math.min(end_us, until_us), bin_us);
  }
  const { lag, states } = spans(trace, branch, until_us, bin_us, bins, descriptors);
  const seconds = bin_us / 1e6;
  const idle = (bin: number) => gaps.some((gap) => gap.from_us <= bin * bin_us && gap.to_us >= (bin + 1) * bin_us);
  let before: number | null = null;
  const available = ok.map((count, bin) => (before = all[bin] ? count / all[bin]! : idle(bin) ? 0 : before));
  return {
    time_s: ok.map((_, bin) => ((bin + 0.5) * bin_us) / 1e6), available,
    rate: ok.map((count) => count / seconds), messages: messages.map((count) => count / seconds), lag, states,
  };
}

/** An even rate over a span, into the bins that it touches. */
function spread(bins: number[], rate: number, from_us: number, to_us: number, bin_us: number): void {
  for (let bin = Math.floor(from_us / bin_us); bin < bins.length && bin * bin_us < to_us; bin++) {
    bins[bin]! += rate * Math.max(0, Math.min(to_us, (bin + 1) * bin_us) - Math.max(from_us, bin * bin_us));
  }
}

/** How far processes were apart: the worst moment of each bin. What is down keeps what it last had. */
function spans(trace: Trace, branch: number, until_us: number, bin_us: number, bins: number, descriptors: Descriptors): Pick<Series, 'lag' | 'states'> {
  const { indexes, hashes } = comparable(descriptors);
  const [index, hash] = [new Map<string, number>(), new Map<string, Json>()];
  const lag: (number | null)[] = [];
  const states: (number | null)[] = [];
  let bin = 0;
  const look = () => {
    const reached = [...index.values()];
    if (reached.length > 1) lag[bin] = Math.max(lag[bin] ?? 0, Math.max(...reached) - Math.min(...reached));
    if (hash.size > 1) states[bin] = Math.max(states[bin] ?? 1, new Set(hash.values()).size);
  };
  const advance = (at_us: number) => {
    look();
    const next = Math.min(bins - 1, Math.floor(at_us / bin_us));
    while (bin < next) {
      bin++;
      look();
    }
  };
  const take = (process: string, name: string, value: Json) => {
    if (indexes.has(name) && typeof value === 'number') index.set(process, value);
    if (hashes.has(name)) hash.set(process, value);
  };
  for (const { piece, until_us: end_us } of trace.pieces(branch, until_us + 1)) {
    const { start, changes, t0_us } = piece.summary;
    if (t0_us === 0) for (const [process, fields] of Object.entries(start)) for (const [name, value] of Object.entries(fields)) take(process, name, value);
    for (const [at_us, process, name, value] of changes) {
      if (at_us > Math.min(until_us, end_us)) break;
      if (!indexes.has(name) && !hashes.has(name)) continue;
      if (at_us / bin_us >= bin + 1) advance(at_us);
      take(process, name, value);
      look();
    }
  }
  advance(until_us);
  const whole = (list: (number | null)[]) => Array.from({ length: bins }, (_, at) => list[at] ?? null);
  return { lag: whole(lag), states: whole(states) };
}

/** Fields that say how far a process is, and what state it holds: by kind, of every system. */
function comparable(descriptors: Descriptors): { indexes: Set<string>; hashes: Set<string> } {
  const [indexes, hashes] = [new Set<string>(), new Set<string>()];
  for (const descriptor of Object.values(descriptors)) {
    const index = descriptor.fields.find((field) => field.kind === 'index' && field.group !== 'leader');
    const hash = fieldOfKind(descriptor, 'hash');
    if (index) indexes.add(index.name);
    if (hash) hashes.add(hash.name);
  }
  return { indexes, hashes };
}

const POINTS_MAX = 4000;

/** Latency of operations at the time they ended: [seconds, acknowledged ms, failed ms]; of very many the slow and the failed ones stay. */
export function latencies(trace: Trace, branch: number, until_us: number): [number[], (number | null)[], (number | null)[]] {
  let shown = endedIn(trace, branch, 0, until_us);
  if (shown.length > POINTS_MAX) {
    const every = Math.ceil(shown.length / POINTS_MAX);
    const slow = percentile(shown.map((one) => one[1]).sort((a, b) => a - b), 0.99) ?? 0;
    shown = shown.filter((one, index) => index % every === 0 || !one[2] || one[1] > slow);
  }
  return [shown.map((one) => one[0] / 1e6), shown.map((one) => (one[2] ? one[1] / 1000 : null)), shown.map((one) => (one[2] ? null : one[1] / 1000))];
}

/** The smallest value that at least this share of the sorted ones does not exceed; null when there are none. */
export function percentile(sorted: readonly number[], share: number): number | null {
  // Shares are thousandths: exact in integers, as the server counts.
  const rank = Math.ceil((sorted.length * Math.round(share * 1000)) / 1000);
  return sorted.length ? sorted[Math.max(0, rank - 1)]! : null;
}
