/** The space-time diagram as data: what a window holds, what is joined, hidden, counted and followed. */

import { describe, expect, it } from 'vitest';

import type { Send, TraceEvent } from '../src/core/chunk';
import { COLUMNS, consequences, EVENTS_MAX, markAt, spaceTime, type Window } from '../src/core/spacetime';
import { Trace } from '../src/core/trace';
import { within } from '../src/views/canvas';
import { chunk, frame, keyframe } from './helpers';

const window = (changes: Partial<Window> = {}): Window => ({ from_us: 0, to_us: 1000, hidden: new Set(), collapse_us: 0, ...changes });
const PROCESSES = ['n1', 'n2', 'n3'];
const fired: TraceEvent = [5, 100, 1, 'n1', 0, 'pull', null, null];
const wave: Send = [7, 5, 100, 400, 'n1', 'n2', 0, 'tides.Wave', [3, 2]];
const heard: TraceEvent = [7, 400, 0, 'n2', 5, 'n1', null, [['tides.rises', {}]]];
const foam: Send = [9, 7, 400, 700, 'n2', 'n3', 0, 'tides.Foam', [3, true]];
const reached: TraceEvent = [9, 700, 0, 'n3', 7, 'n2', null, null];
const dead: Send = [11, 9, 700, 0, 'n3', 'n1', 1, 'tides.Foam', [3, true]];
const ticks: TraceEvent[] = [20, 21, 22].map((number, at) => [number, 800 + at * 10, 1, 'n1', 0, 'tick', null, null]);

function trace(events: TraceEvent[] = [fired, heard, reached, ...ticks], sends: Send[] = [wave, foam, dead]): Trace {
  const made = new Trace();
  made.add(frame(chunk(0, 500, { keyframe: { ...keyframe(0), number: 2 }, sends: sends.filter((one) => one[2] < 500), events: events.filter((one) => one[1] < 500) })));
  made.add(frame(chunk(500, 1000, { keyframe: { ...keyframe(500), number: 8, flight: [foam] }, sends: sends.filter((one) => one[2] >= 500), events: events.filter((one) => one[1] >= 500) })));
  return made;
}

describe('a view that is shown larger than it is laid out', () => {
  it('tells where the pointer is in its own pixels', () => {
    const element = { offsetWidth: 100, getBoundingClientRect: () => ({ left: 20, top: 10, width: 200 }) } as unknown as HTMLElement;
    expect(within(element, { clientX: 120, clientY: 30 } as MouseEvent)).toEqual({ x: 50, y: 10 });
  });
});

describe('the space-time diagram', () => {
  it('has a line a process, a mark an event and an arrow a message, across chunks', () => {
    const found = spaceTime(trace(), 0, window(), PROCESSES);
    expect(found.lanes).toEqual(PROCESSES);
    expect(found.marks.map((mark) => [mark.lane, mark.at_us, mark.noted])).toEqual(
      [[0, 100, false], [1, 400, true], [2, 700, false], [0, 800, false], [0, 810, false], [0, 820, false]]);
    expect(found.arrows.map((one) => [one.from, one.to, one.depart_us, one.arrive_us, one.lost])).toEqual(
      [[0, 1, 100, 400, false], [1, 2, 400, 700, false], [2, 0, 700, 740, true]]);
  });

  it('knows of each message which epoch it speaks for', () => {
    const found = spaceTime(trace(), 0, { ...window(), epochOf: (type) => type.length }, PROCESSES);
    expect(found.arrows.map((one) => one.epoch)).toEqual(found.arrows.map((one) => one.type.length));
  });

  it('reads nothing outside its window, but keeps what crosses its edge', () => {
    const found = spaceTime(trace(), 0, window({ from_us: 500, to_us: 750 }), PROCESSES);
    expect(found.marks.map((mark) => mark.number)).toEqual([9]);
    expect(found.arrows.map((one) => one.number)).toEqual([9, 11]);
  });

  it('joins local events that are near, never those that sent or received', () => {
    const found = spaceTime(trace(), 0, window({ collapse_us: 200 }), PROCESSES);
    expect(found.marks.map((mark) => [mark.number, mark.count, mark.until_us])).toEqual([[5, 1, 100], [7, 1, 400], [9, 1, 700], [20, 3, 820]]);
    expect(found.events).toBe(6);
  });

  it('keeps the order that a hidden line carried', () => {
    const found = spaceTime(trace(), 0, window({ hidden: new Set(['n2']) }), PROCESSES);
    expect(found.lanes).toEqual(['n1', 'n3']);
    expect(found.arrows.filter((one) => one.through).map((one) => [one.from, one.to, one.depart_us, one.arrive_us])).toEqual([[0, 1, 100, 700]]);
  });

  it('shows where a process was down', () => {
    const kill: TraceEvent = [12, 550, 4, 'n2', 0, 'kill', { node: { n2: { state: 'down', life: 1 } } }, null];
    const back: TraceEvent = [13, 900, 5, 'n2', 0, null, { node: { n2: { state: 'up', life: 2 } } }, null];
    const process = { node: 'n2', kind: '', fields: {}, timers: {} };
    const made = new Trace();
    made.add(frame(chunk(0, 1000, { keyframe: { ...keyframe(0), number: 2, processes: { n2: process } }, events: [kill, back] })));
    expect(spaceTime(made, 0, window(), PROCESSES).downs).toEqual([{ lane: 1, from_us: 550, to_us: 900 }]);
    expect(spaceTime(made, 0, window({ to_us: 800 }), PROCESSES).downs).toEqual([{ lane: 1, from_us: 550, to_us: 800 }]);
  });

  it('follows causes back and consequences on', () => {
    const found = spaceTime(trace(), 0, window(), PROCESSES);
    const { before, after } = consequences(found, 7);
    expect([...before]).toEqual([5]);
    expect([...after]).toEqual([9]);
    expect([...consequences(found, 9).before].sort()).toEqual([5, 7]);
  });

  it('counts instead of drawing when there is too much', () => {
    const many: TraceEvent[] = Array.from({ length: EVENTS_MAX + 1 }, (_, at) => [at + 1, Math.floor((at / (EVENTS_MAX + 1)) * 1000), 1, 'n1', 0, 'tick', null, null]);
    const found = spaceTime(trace(many, []), 0, window(), PROCESSES);
    expect(found.marks).toEqual([]);
    expect(found.density!.map((counts) => counts.length)).toEqual([COLUMNS, COLUMNS, COLUMNS]);
    expect(found.density![0]!.reduce((sum, count) => sum + count, 0)).toBe(EVENTS_MAX + 1);
  });

  it('finds the mark under the pointer', () => {
    const found = spaceTime(trace(), 0, window({ collapse_us: 200 }), PROCESSES);
    expect(markAt(found, 0, 810, 5)?.number).toBe(20);
    expect(markAt(found, 0, 500, 50)).toBe(null);
    expect(markAt(found, 2, 710, 20)?.number).toBe(9);
  });
});
