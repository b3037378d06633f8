/** What clients asked and were told, on the clock of the run: bars in lanes, and the history file from which a server judges it. Pure. */

import type { Json, Operation } from './chunk';
import { symbols, timesOf, type Bar, type HistoryAnswer, barOf } from './history';
import type { Trace } from './trace';

export interface TimeBar {
  id: number;
  client: string;
  key: string;
  text: string;
  outcome: 'ok' | 'fail' | 'unknown' | 'pending';
  from_us: number;
  /** Null: no completion up to the moment on show. */
  to_us: number | null;
}
export interface TimeLane {
  client: string;
  first: boolean;
  bars: TimeBar[];
}

/** The operations of a span, each as it was known at `shown_us`, in order of invocation. */
function operationsIn(trace: Trace, branch: number, from_us: number, shown_us: number): Operation[] {
  const found = new Map<number, Operation>();
  for (const { piece } of trace.pieces(branch, shown_us + 1, from_us)) {
    for (const one of piece.chunk.operations) if (one[5] <= shown_us) found.set(one[0], one);
  }
  return [...found.values()].sort((a, b) => a[5] - b[5] || a[0] - b[0]);
}

function barAt([id, client, kind, key, argument, invoked_us, returned_us, outcome, result]: Operation, shown_us: number): TimeBar {
  const ended = returned_us !== null && returned_us <= shown_us;
  const told = (ended ? outcome : 'pending') as TimeBar['outcome'];
  const symbol = symbols({ kind, argument, outcome: told, result: ended ? result : null } as Bar);
  return { id, client, key: key ?? '', text: key ? `${key}: ${symbol}` : symbol, outcome: told, from_us: invoked_us, to_us: ended ? returned_us : null };
}

const LANES_MAX = 10;

/** Lanes of each client: no two bars on top of each other. */
export function clientLanes(trace: Trace, branch: number, from_us: number, shown_us: number, clients: readonly string[]): TimeLane[] {
  const byClient = new Map<string, TimeLane[]>(clients.map((client) => [client, []]));
  for (const one of operationsIn(trace, branch, from_us, shown_us)) {
    const bar = barAt(one, shown_us);
    if ((bar.to_us ?? Infinity) < from_us) continue;
    const lanes = byClient.get(bar.client) ?? [];
    byClient.set(bar.client, lanes);
    const lane = lanes.find((each) => (each.bars.at(-1)!.to_us ?? Infinity) <= bar.from_us);
    if (lane) lane.bars.push(bar);
    else if (lanes.length < LANES_MAX) lanes.push({ client: bar.client, first: lanes.length === 0, bars: [bar] });
  }
  return [...byClient.values()].flat();
}

/** Kinds that a history has; a trace shortens long values, and a read that was told one proves nothing. */
const KINDS = new Set(['get', 'put', 'append', 'cas', 'delete', 'lock', 'unlock']);
const TEXT_SHOWN_MAX = 200;
const LIST_SHOWN_MAX = 64;
export const OPERATIONS_MAX = 20_000;

function shortened(value: Json): boolean {
  if (typeof value === 'string') return value.length >= TEXT_SHOWN_MAX;
  if (!value || typeof value !== 'object') return false;
  const list = Object.values(value) as Json[];
  return list.length >= LIST_SHOWN_MAX || list.some(shortened);
}

export interface Written {
  text: string;
  operations: number;
  /** How many had completed: an answer about as many is about the same. */
  completed: number;
}

/** The history up to a moment (docs/history-format.md); null when part of it is not in hand, or it is too long. */
export function historyText(trace: Trace, branch: number, shown_us: number): Written | null {
  let reached = 0;
  for (const { piece, until_us } of trace.pieces(branch, shown_us + 1)) {
    if (piece.light || piece.chunk.t0_us > reached) return null;
    reached = until_us;
  }
  if (reached < shown_us) return null;
  const listed = operationsIn(trace, branch, 0, shown_us).filter((one) => KINDS.has(one[2]));
  if (listed.length > OPERATIONS_MAX) return null;
  const operations = listed.flatMap(([id, client, kind, key, argument, invoked_us, returned_us, outcome, result, process]) => {
    const ended = returned_us !== null && returned_us <= shown_us;
    if (ended && kind === 'get' && shortened(result)) return [];
    const begun = { id, client, key: key ?? '', kind, argument, invoked_us };
    return [ended ? { ...begun, returned_us, outcome, result, process } : begun];
  });
  return { text: JSON.stringify({ format: 1, operations }), operations: operations.length, completed: operations.filter((one) => 'returned_us' in one).length };
}

export interface Judgement {
  verdict: HistoryAnswer['result']['verdict'];
  /** Operation -> when it takes effect in the order found. */
  points: Map<number, number>;
  impossible: number | null;
  until_us: number;
}

/** The server's answer on the clock of the run. */
export function judgementOf(answer: HistoryAnswer, until_us: number): Judgement {
  const bars = answer.drawing.bars.map(barOf);
  const times = timesOf(bars, answer.drawing.events);
  const between = (place: number) => {
    const [low, high] = [times[Math.max(0, Math.floor(place))] ?? 0, times[Math.min(times.length - 1, Math.ceil(place))] ?? until_us];
    return low + (high - low) * (place - Math.floor(place));
  };
  const points = new Map(bars.flatMap((bar) => (bar.point === null ? [] : [[bar.id, Math.min(between(bar.point), until_us)] as const])));
  return { verdict: answer.result.verdict, points, impossible: bars.find((bar) => bar.impossible)?.id ?? null, until_us };
}
