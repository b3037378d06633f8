/** Who answered, who refused, who kept silent and who told an old value - from the clients' own operations. Pure. */

import type { Json, Operation } from './chunk';
import type { Trace } from './trace';

export interface Answers {
  node: string;
  answered: number;
  refused: number;
  silent: number;
  /** Reads that were answered with a value older than one acknowledged before they began. */
  stale: number;
  staleness_us: number;
  latency_us: number | null;
}

const SILENT_US = 500_000;
const READ = 'get';
const WRITE = 'put';

/** The operations in hand up to a moment, each once and as it stood last, in the order in which they began. */
export function operationsUntil(trace: Trace, branch: number, until_us: number, from_us = 0): Operation[] {
  const found = new Map<number, Operation>();
  for (const { piece } of trace.pieces(branch, until_us + 1)) {
    if (piece.chunk.t1_us < from_us) continue;
    for (const one of piece.chunk.operations) if (one[5] <= until_us) found.set(one[0], one);
  }
  return [...found.values()].sort((a, b) => a[5] - b[5] || a[0] - b[0]);
}

interface Write { began: number; done: number; value: string }

/** Operation -> how long before it began a newer value than the one it read had been acknowledged. Fresh reads: 0. */
export function stalenessOf(operations: readonly Operation[], until_us: number): Map<number, number> {
  const found = new Map<number, number>();
  const keys = new Map<string, Operation[]>();
  for (const one of operations) {
    const ofKey = keys.get(one[3] ?? '');
    if (ofKey) ofKey.push(one);
    else keys.set(one[3] ?? '', [one]);
  }
  for (const ofKey of keys.values()) {
    // (Other kinds of writes make values that nothing here could order.)
    if (ofKey.some((one) => one[2] !== READ && one[2] !== WRITE)) continue;
    const writes = ofKey.filter((one) => one[2] === WRITE && one[7] !== 'fail').map((one): Write => (
      { began: one[5], done: one[7] === 'ok' && one[6] !== null && one[6] <= until_us ? one[6] : Infinity, value: JSON.stringify(one[4]) }));
    const byValue = new Map(writes.map((write) => [write.value, write]));
    const earliest = earliestFrom(writes);
    for (const one of ofKey) {
      if (one[2] !== READ || one[7] !== 'ok' || one[6] === null || one[6] > until_us) continue;
      const read = readFrom(one[8], byValue);
      if (read === null) continue;
      const newer = earliest(read);
      found.set(one[0], Math.max(0, one[5] - newer));
    }
  }
  return found;
}

/** When the write whose value was read was acknowledged; -1 for the initial value, null when nobody in hand wrote it. */
function readFrom(result: Json, byValue: Map<string, Write>): number | null {
  if (result === null) return -1;
  return byValue.get(JSON.stringify(result))?.done ?? null;
}

/** The earliest acknowledgement among the writes that began after a moment. (They are in the order of their begins.) */
function earliestFrom(writes: Write[]): (after_us: number) => number {
  const least = new Array<number>(writes.length + 1).fill(Infinity);
  for (let index = writes.length - 1; index >= 0; index--) least[index] = Math.min(least[index + 1]!, writes[index]!.done);
  return (after_us) => {
    let [low, high] = [0, writes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (writes[middle]!.began > after_us) high = middle;
      else low = middle + 1;
    }
    return least[low]!;
  };
}

/** What each node's clients got in a span. `placeOf`: the node that answered or was asked. */
export function answersByNode(
  operations: readonly Operation[], from_us: number, until_us: number, placeOf: (one: Operation) => string | null,
): Answers[] {
  const stale = stalenessOf(operations, until_us);
  const rows = new Map<string, { answers: Answers; latencies: number[] }>();
  for (const one of operations) {
    const ended = one[6] !== null && one[6] <= until_us ? one[6] : null;
    const node = placeOf(one);
    if (one[5] > until_us || (ended ?? until_us) <= from_us || node === null) continue;
    const row = rows.get(node) ?? { answers: { node, answered: 0, refused: 0, silent: 0, stale: 0, staleness_us: 0, latency_us: null }, latencies: [] };
    rows.set(node, row);
    count(row.answers, one, ended, until_us, stale.get(one[0]) ?? 0);
    if (ended !== null && one[7] === 'ok') row.latencies.push(ended - one[5]);
  }
  return [...rows.values()].map(({ answers, latencies }) => ({ ...answers, latency_us: median(latencies) }));
}

function count(row: Answers, one: Operation, ended: number | null, until_us: number, staleness_us: number): void {
  if (ended !== null && one[7] === 'ok') {
    row.answered++;
    if (staleness_us > 0) row.stale++;
    row.staleness_us = Math.max(row.staleness_us, staleness_us);
  } else if (ended !== null && one[7] === 'fail') row.refused++;
  else if (ended !== null || until_us - one[5] > SILENT_US) row.silent++;
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)]! : null;
}

/** How stale each read was: [end in s, ms], and on how many keys replicas differed at the begin of each chunk: [s, keys]. */
export function stalenessPoints(operations: readonly Operation[], until_us: number): [number[], number[]] {
  const stale = stalenessOf(operations, until_us);
  const points = operations.filter((one) => stale.has(one[0])).map((one) => [one[6]! / 1e6, stale.get(one[0])! / 1000] as const)
    .sort((a, b) => a[0] - b[0]);
  return [points.map(([time]) => time), points.map(([, value]) => value)];
}

export function divergence(trace: Trace, branch: number, until_us: number): [number[], number[]] {
  const points: [number, number][] = [];
  for (const { piece } of trace.pieces(branch, until_us + 1)) {
    const differing = piece.chunk.keyframe.metrics.keys_differing;
    if (typeof differing === 'number' && piece.chunk.t0_us <= until_us) points.push([piece.chunk.t0_us / 1e6, differing]);
  }
  return [points.map(([time]) => time), points.map(([, value]) => value)];
}
