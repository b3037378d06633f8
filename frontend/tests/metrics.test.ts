/** Numbers over time, and what each fault cost, from the summaries of chunks. */

import { describe, expect, it } from 'vitest';

import type { Operation, Send, TraceEvent } from '../src/core/chunk';
import { faultReports } from '../src/core/faultReport';
import { endedIn, latencies, percentile, seriesOf } from '../src/core/metrics';
import type { Ended } from '../src/core/summary';
import type { FaultBar } from '../src/core/timeline';
import { Trace } from '../src/core/trace';
import { chunk, frame, keyframe, process, tides } from './helpers';

const operation = (id: number, from: number, to: number, outcome: string, kind = 'put'): Operation => [id, 'c1', kind, 'x', id, from, to, outcome, null, 'n1'];
const wave = (number: number, at: number): Send => [number, 0, at, at + 1000, 'n1', 'n2', 0, 'tides.Wave', []];
const rises = (number: number, at: number, id: string, reached: number): TraceEvent => [number, at, 1, id, 0, 'pull', { fields: { reached } }, null];

function trace(): Trace {
  const made = new Trace();
  const both = { n1: process({ reached: 1 }, 'n1'), n2: process({ reached: 1 }, 'n2') };
  const operations = [operation(1, 100_000, 200_000, 'ok'), operation(2, 150_000, 450_000, 'fail'), operation(3, 300_000, 600_000, 'ok', 'get')];
  made.add(frame(chunk(0, 500_000, { keyframe: { ...keyframe(0), processes: both }, sends: [wave(1, 10), wave(2, 20)], events: [rises(5, 100_000, 'n1', 4)], operations })));
  made.add(frame(chunk(500_000, 1_000_000, { keyframe: { ...keyframe(500_000), processes: both }, sends: [wave(3, 600_000)], events: [rises(6, 700_000, 'n2', 4)], operations })));
  return made;
}

describe('numbers over time', () => {
  it('count an operation once, where it ended, and nothing after the moment on show', () => {
    expect(endedIn(trace(), 0, 0, 1_000_000)).toEqual([[200_000, 100_000, true, true], [450_000, 300_000, false, true], [600_000, 300_000, true, false]]);
    expect(endedIn(trace(), 0, 300_000, 500_000)).toHaveLength(1);
    expect(latencies(trace(), 0, 599_999)).toEqual([[0.2, 0.45], [100, null], [null, 300]]);
  });
  it('tell availability, rates, messages and lag in bins', () => {
    const found = seriesOf(trace(), 0, 1_000_000, { tides }, [{ from_us: 600_000, to_us: 1_000_000 }]);
    expect(found.time_s).toHaveLength(10); // bins of 100 ms
    expect(found.available).toEqual([null, null, 1, 1, 0, 0, 1, 0, 0, 0]); // kept where nothing ended, 0 in a pause
    expect(found.rate[2]).toBeCloseTo(10);
    expect(found.messages[0]).toBeCloseTo(4);
    expect(found.messages[7]).toBeCloseTo(2);
    expect(found.lag).toEqual([0, 3, 3, 3, 3, 3, 3, 3, 0, 0]);
    expect(found.states.every((one) => one === null)).toBe(true); // these tides have no state to compare
  });
  it('rank as the server does', () => {
    expect([percentile([], 0.5), percentile([7], 0.99), percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.99)]).toEqual([null, 7, 2, 4]);
  });
});

const bar = (id: string, from_us: number, to_us: number): FaultBar => ({ id, from_us, to_us, row: 0, fault: { id, do: 'kill', target: ['n1'], since_us: from_us } });
const done = (at_us: number, ok = true, writes = true, latency_us = 10_000): Ended => [at_us, latency_us, ok, writes];
/** A write each 100 ms, none acknowledged from 2 s to 3.5 s. */
const ended: Ended[] = Array.from({ length: 60 }, (_, index) => (index + 1) * 100_000).map((at) => done(at, at <= 2_000_000 || at > 3_500_000));

describe('what a fault cost', () => {
  it('is told before, while and after, with the longest time without an acknowledgement', () => {
    const [one] = faultReports([bar('a', 2_050_000, 4_000_000)], ended, { count: 0, first_us: null }, 6_000_000);
    expect(one!.was.goodput).toBeCloseTo(10, 0);
    expect(one!.was.error_share).toBe(0);
    expect(one!.over).toBe(true);
    expect([one!.rto_us, one!.recovered, one!.lost, one!.rpo_us]).toEqual([1_600_000, true, 0, 0]);
    const [now] = faultReports([bar('a', 2_050_000, Infinity)], ended.filter((at) => at[0] <= 3_000_000), null, 3_000_000);
    expect([now!.over, now!.now.goodput, now!.rto_us, now!.recovered, now!.lost]).toEqual([false, 0, 1_000_000, false, null]);
  });
  it('is what was acknowledged and lost, at the fault that cost it', () => {
    const [first, second] = faultReports([bar('a', 1_000_000, 1_200_000), bar('b', 2_050_000, 4_000_000)], ended, { count: 3, first_us: 1_800_000 }, 6_000_000);
    expect([first!.lost, first!.rpo_us]).toEqual([0, 0]);
    expect([second!.lost, second!.rpo_us]).toEqual([3, 250_000]);
  });
  it('counts writes where clients write: reads that go on hide nothing', () => {
    const reads = Array.from({ length: 60 }, (_, index) => done(index * 100_000 + 50_000, true, false));
    const both = [...ended, ...reads].sort((a, b) => a[0] - b[0]);
    expect(faultReports([bar('a', 2_050_000, 4_000_000)], both, null, 6_000_000)[0]!.rto_us).toBe(1_600_000);
  });
});
