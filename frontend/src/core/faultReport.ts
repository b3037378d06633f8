/**
 * What each fault cost the clients, as the server reports it (engine/checks/availability.py): before and since, the longest time
 * without an acknowledgement (RTO), and how much acknowledged work was lost (RPO). Pure.
 */

import { percentile } from './metrics';
import type { Ended } from './summary';
import type { FaultBar } from './timeline';

const WINDOW_US = 5_000_000;
const SECOND_US = 1_000_000;

export interface Phase {
  /** Acknowledged operations a second. */
  goodput: number;
  error_share: number | null;
  latency_p50_ms: number | null;
  latency_p99_ms: number | null;
}
export interface Lost {
  count: number;
  /** When the oldest of them was acknowledged. */
  first_us: number | null;
}
export interface FaultReport {
  bar: FaultBar;
  was: Phase;
  now: Phase;
  /** `now` is told of the time while the fault lasts, or of the time after it. */
  over: boolean;
  rto_us: number | null;
  recovered: boolean;
  /** Acknowledged and then lost because of it; null: nobody can tell. */
  lost: number | null;
  rpo_us: number | null;
}

/** `lost`: null when no check can tell. `ended`: in order of time, none after `now_us`. */
export function faultReports(faults: readonly FaultBar[], ended: readonly Ended[], lost: Lost | null, now_us: number): FaultReport[] {
  const begun = faults.filter((bar) => bar.from_us <= now_us).sort((a, b) => a.from_us - b.from_us);
  const writes = ended.filter((one) => one[3]);
  const counted = writes.length ? writes : ended;
  const cost = lost?.first_us == null ? null : begun.find((bar) => bar.to_us >= lost.first_us!) ?? begun.at(-1);
  return begun.map((bar, index) => {
    const over = bar.to_us < now_us;
    const until_us = over ? bar.to_us : now_us;
    const length_us = Math.min(WINDOW_US, Math.max(until_us - bar.from_us, SECOND_US));
    const next_us = begun[index + 1]?.from_us ?? now_us;
    const mine = lost && (bar === cost ? lost.count : 0);
    return {
      bar, over, ...longestGap(counted, bar.from_us, Math.max(next_us, bar.from_us), now_us),
      was: phase(counted, Math.max(0, bar.from_us - length_us), bar.from_us),
      now: over ? phase(counted, until_us, Math.min(now_us, until_us + length_us)) : phase(counted, bar.from_us, now_us),
      lost: mine, rpo_us: mine === null ? null : mine ? Math.max(0, bar.from_us - lost!.first_us!) : 0,
    };
  });
}

function longestGap(ended: readonly Ended[], since_us: number, until_us: number, now_us: number): { rto_us: number | null; recovered: boolean } {
  const times = ended.filter((one) => one[2]).map((one) => one[0]);
  const before = times.filter((at) => at <= since_us).at(-1);
  const later = times.filter((at) => at > since_us);
  if (before === undefined) return { rto_us: null, recovered: later.length > 0 };
  let [rto_us, recovered] = [-1, true];
  const edges = [before, ...later];
  for (const [index, at] of edges.entries()) {
    if (at > until_us) break;
    const next = edges[index + 1];
    const gap = (next ?? now_us) - at;
    if (gap > rto_us) [rto_us, recovered] = [gap, next !== undefined];
  }
  return { rto_us, recovered };
}

function phase(ended: readonly Ended[], from_us: number, to_us: number): Phase {
  const inside = ended.filter((one) => one[0] >= from_us && one[0] < to_us);
  const latencies = inside.filter((one) => one[2]).map((one) => one[1] / 1000).sort((a, b) => a - b);
  return {
    goodput: to_us > from_us ? (latencies.length * SECOND_US) / (to_us - from_us) : 0,
    error_share: inside.length ? 1 - latencies.length / inside.length : null,
    latency_p50_ms: percentile(latencies, 0.5), latency_p99_ms: percentile(latencies, 0.99),
  };
}
