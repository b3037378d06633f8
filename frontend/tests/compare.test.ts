/** Runs side by side in numbers: worked out from the traces and from nothing else. */

import { describe, expect, it } from 'vitest';

import type { Operation, Send, TraceEvent } from '../src/core/chunk';
import { firstDifference, otherwise, standing, tally } from '../src/core/compare';
import type { Descriptors } from '../src/core/descriptor';
import type { Experiment } from '../src/core/experiment';
import { Divergence, stateDifferences } from '../src/core/divergence';
import { Trace } from '../src/core/trace';
import type { World } from '../src/core/world';
import { chunk, frame, keyframe, process } from './helpers';

/** One operation: a request to n1, which asks n2 and n3, hears from both and answers. */
const sends: Send[] = [
  [1, 0, 100, 200, 'c1', 'n1', 0, 'client.Request', [7, 1, 'c1']],
  [2, 1, 200, 300, 'n1', 'n2', 0, 'tides.Wave', []],
  [3, 1, 200, 400, 'n1', 'n3', 0, 'tides.Wave', []],
  [4, 2, 300, 450, 'n2', 'n1', 0, 'tides.Foam', []],
  [5, 3, 400, 600, 'n3', 'n1', 0, 'tides.Foam', []],
  [6, 4, 450, 550, 'n1', 'c1', 0, 'client.Reply', [7, 1, 'ok', null]],
];
const events: TraceEvent[] = [
  [1, 200, 0, 'n1', 0, 'c1', null, null], [2, 300, 0, 'n2', 1, 'n1', null, null], [3, 400, 0, 'n3', 1, 'n1', null, null],
  [4, 450, 0, 'n1', 2, 'n2', null, null], [6, 550, 0, 'c1', 4, 'n1', null, null],
];
const done: Operation = [7, 'c1', 'put', 'x', 1, 100, 550, 'ok', null, 'n1'];
const late: Operation = [8, 'c1', 'put', 'x', 2, 600, 900, 'unknown', null, 'n1'];

function trace(changes: TraceEvent[] = events): Trace {
  const made = new Trace();
  const clients = { c1: { at: 'n1', waiting: 0, oldest_us: null } } as never;
  const first = { ...keyframe(0), clients, metrics: { lost_acknowledged: 0 } };
  made.add(frame(chunk(0, 500, { keyframe: first, sends, events: changes.filter((one) => one[1] <= 500) })));
  const second = { ...keyframe(500), clients, metrics: { lost_acknowledged: 2 } };
  made.add(frame(chunk(500, 1000, { keyframe: second, events: changes.filter((one) => one[1] > 500), operations: [done, late] })));
  return made;
}

describe('what a side is worth', () => {
  it('is the share answered, who was hit, and the price of its nodes', () => {
    const client = (ok: number, fail: number, unknown: number) => ({ at: 'n1', waiting: 0, oldest_us: null, ok, fail, unknown });
    expect(standing({ a: client(8, 0, 0), b: client(0, 1, 1) }, [{ price: 3 }, {}, { price: 0 }])).toEqual({ availability: 0.8, hit: 1, clients: 2, price: 4 });
    expect(standing({}, []).availability).toBeNull();
  });
});

describe('the numbers of a side', () => {
  it('count what was served, lost and spent up to the moment on show', () => {
    expect(tally(trace(), 0, 1000)).toEqual({
      acknowledged: 1, failed: 1, lost: 2, longest_gap_us: 550, messages: 4, messages_per_operation: 4, latency_us: 450, round_trips: 1,
    });
  });

  it('tell nothing of what comes later', () => {
    expect(tally(trace(), 0, 480)).toMatchObject({ acknowledged: 0, failed: 0, lost: 0, messages: 4, messages_per_operation: null, latency_us: null, round_trips: null });
    expect(tally(trace(), 0, 250)).toMatchObject({ messages: 2, longest_gap_us: 250 });
  });
});

describe('the first difference', () => {
  it('is the first event that is another one, or is missing', () => {
    const other = events.map((event): TraceEvent => (event[0] === 4 ? [4, 460, 0, 'n1', 2, 'n2', null, null] : event));
    expect(firstDifference(trace(), 0, trace(other), 0, 1000)).toEqual({ at_us: 450, first: events[3], second: other[3] });
    expect(firstDifference(trace(), 0, trace(events.slice(0, 4)), 0, 1000)).toMatchObject({ at_us: 550, second: null });
  });

  it('is none while both go the same way', () => {
    expect(firstDifference(trace(), 0, trace(), 0, 1000)).toBe(null);
    const other = events.map((event): TraceEvent => (event[0] === 4 ? [4, 460, 0, 'n1', 2, 'n2', null, null] : event));
    expect(firstDifference(trace(), 0, trace(other), 0, 440)).toBe(null);
  });
});

describe('where two traces part', () => {
  const other = events.map((event): TraceEvent => (event[0] === 6 ? [6, 560, 0, 'c1', 4, 'n1', null, null] : event));
  it('is found once it is on show, and stays', () => {
    const divergence = new Divergence();
    const [a, b] = [trace(), trace(other)];
    const look = (until_us: number) => divergence.look(a, 0, b, 0, until_us);
    expect([look(0), look(400), look(545)]).toEqual([null, null, null]);
    expect(look(700)).toMatchObject({ at_us: 550 });
    expect(look(500)).toBe(null); // gone back before it
    expect(look(900)).toMatchObject({ at_us: 550, first: events[4], second: other[4] });
  });
  it('is not known while a part is not in hand, and is no difference by itself', () => {
    const half = new Trace();
    half.add(frame(chunk(0, 500, { sends, events: events.filter((one) => one[1] <= 500) })));
    const divergence = new Divergence();
    expect(divergence.look(trace(), 0, half, 0, 900)).toBe(undefined);
    half.add(frame(chunk(500, 1000, { keyframe: keyframe(500), events: events.filter((one) => one[1] > 500) })));
    expect(divergence.look(trace(), 0, half, 0, 900)).toBe(null);
  });
  it('is found at the very border of two chunks', () => {
    const at = (time: number): TraceEvent[] => [[3, time, 1, 'n1', 0, 'pull', null, null]];
    const [a, b] = [trace(at(500)), trace(at(499))];
    expect(new Divergence().look(a, 0, b, 0, 900)).toMatchObject({ at_us: 499 });
  });
});

describe('states that differ', () => {
  const log = (last: number, hash: string) => ({ first: 1, last, hash, entries: [] });
  const world = (state: string, moon: number, hash: string): World => ({
    ...keyframe(0), nodes: { n1: { state, life: 1 }, n2: { state: 'up', life: 1 } },
    processes: { n1: process({ moon, shore: log(3, hash) }, 'n1'), n2: process({ moon: 1 }, 'n2') },
  });
  it('are told by node and field; logs by their end and hash', () => {
    const one = world('up', 2, 'a');
    const two = world('down', 3, 'b');
    delete two.processes.n2;
    expect(stateDifferences(one, two).map(({ node, field, first, second }) => [node, field, JSON.stringify(first), JSON.stringify(second)])).toEqual([
      ['n1', null, '"up"', '"down"'], ['n1', 'moon', '2', '3'], ['n1', 'shore', JSON.stringify(log(3, 'a')), JSON.stringify(log(3, 'b'))], ['n2', null, '"server"', undefined],
    ]);
    expect(stateDifferences(one, world('up', 2, 'a'))).toEqual([]);
  });
});

describe('what tells a side from the others', () => {
  const said = (en: string) => ({ en, zh: en });
  const base = { system: 'tides', title: said('Ebb'), parameters: { calm: true }, topology: { nodes: [] } } as unknown as Experiment;
  const tides = { tides: { parameters: [{ name: 'calm', default: false }, { name: 'depth', default: 3 }], twins: [] } } as unknown as Descriptors;

  it('is a setting in which they differ, a default counted as what it is', () => {
    const [first, second] = otherwise([base, { ...base, parameters: { depth: 3 } }], tides);
    expect(first).toEqual({ title: null, twin: null, settings: [{ name: 'calm', value: true }] });
    expect(second!.settings).toEqual([{ name: 'calm', value: false }]);
  });
  it('is the title of a variant, and a rule that is broken', () => {
    const [first, second] = otherwise([base, { ...base, title: said('Flood'), parameters: {}, twin: 'no_moon' }], tides);
    expect(first).toEqual({ title: base.title, twin: null, settings: [] });
    expect(second).toEqual({ title: said('Flood'), twin: 'no_moon', settings: [] });
  });
  it('is the system alone when those differ', () => {
    expect(otherwise([base, { ...base, system: 'winds' }], tides).map((one) => one.settings)).toEqual([[], []]);
  });
});
