/** Causes and consequences of a chosen event. */

import { describe, expect, it } from 'vitest';

import type { Send, TraceEvent } from '../src/core/chunk';
import { Trace } from '../src/core/trace';
import { belongingOf, chainOf, eventOfEntry, eventOfOperation } from '../src/core/why';
import { chunk, frame, keyframe } from './helpers';

const wave: Send = [7, 5, 100, 400, 'n1', 'n2', 0, 'tides.Wave', [3, 2]];
const foam: Send = [9, 7, 600, 900, 'n2', 'n1', 0, 'tides.Foam', [3, true]];
const dead: Send = [10, 7, 450, 0, 'n2', 'n3', 1, 'tides.Wave', [3, 2]];
const fired: TraceEvent = [5, 100, 1, 'n1', 0, 'pull', null, null];
const heard: TraceEvent = [7, 400, 0, 'n2', 5, 'n1', null, null];

function trace(): Trace {
  const made = new Trace();
  made.add(frame(chunk(0, 300, { keyframe: { ...keyframe(0), number: 2 }, sends: [wave], events: [fired] })));
  made.add(frame(chunk(300, 500, { keyframe: { ...keyframe(300), number: 8, flight: [wave] }, sends: [dead], events: [heard] })));
  made.add(frame(chunk(500, 1000, { keyframe: { ...keyframe(500), number: 8 }, sends: [foam] })));
  return made;
}

describe('the chain of an event', () => {
  it('is the message that brought it, the event behind that one, and what it sent, also in the next chunk', () => {
    const chain = chainOf(trace(), 0, 7, 700)!;
    expect(chain.process).toBe('n2');
    expect(chain.cause).toEqual({ number: 5, process: 'n1', at_us: 100, kind: 1 });
    expect(chain.arrived).toEqual({ number: 7, from: 'n1', to: 'n2', type: 'tides.Wave', depart_us: 100, lost: false });
    expect(chain.sent.map((one) => [one.to, one.lost])).toEqual([['n3', true], ['n1', false]]);
  });

  it('tells nothing that has not been shown', () => {
    expect(chainOf(trace(), 0, 7, 460)!.sent.map((one) => one.to)).toEqual(['n3']);
    expect(chainOf(trace(), 0, 7, 399)?.process ?? null).toBe(null);
  });

  it('begins with a timer that nothing caused, and knows where a lost message came from', () => {
    expect(chainOf(trace(), 0, 5, 350)).toMatchObject({ process: 'n1', cause: null, arrived: null, sent: [{ to: 'n2' }] });
    expect(chainOf(trace(), 0, 10, 460)).toMatchObject({ process: null, cause: { process: 'n2', at_us: 400 }, arrived: { from: 'n2', to: 'n3', lost: true } });
    expect(chainOf(trace(), 0, 99, 700)).toBe(null);
  });
});

describe('what an event belongs to', () => {
  const request: Send = [7, 0, 100, 200, 'c1', 'n1', 0, 'client.Request', [42, 1, 'c1']];
  const copy: Send = [8, 7, 200, 300, 'n1', 'n2', 0, 'tides.Wave', []];
  const stored: TraceEvent = [7, 200, 0, 'n1', 0, 'c1', { fields: { shore: { first: 1, last: 3, hash: 'a', keep: 1, add: [[1, 'b'], [1, 'c']] } } }, null];
  const copied: TraceEvent = [8, 300, 0, 'n2', 7, 'n1', { grown: { shore: [2, 'a', [[1, 'b']]] } }, null];
  const idle: TraceEvent = [9, 320, 1, 'n2', 8, 'pull', { fields: { moon: 4 } }, null];
  const made = new Trace();
  made.add(frame(chunk(0, 250, { keyframe: { ...keyframe(0), number: 5 }, sends: [request, copy], events: [stored] })));
  made.add(frame(chunk(250, 400, { keyframe: { ...keyframe(250), number: 7, flight: [copy] }, events: [copied, idle] })));

  it('is the operation that its causes began with, and the entries that it or the nearest of them appended', () => {
    expect(belongingOf(made, 0, 9, 320)).toEqual({ past: [8, 7], operation: 42, entries: { process: 'n2', from: 2, to: 2 } });
    expect(belongingOf(made, 0, 7, 200)).toEqual({ past: [], operation: 42, entries: { process: 'n1', from: 2, to: 3 } });
  });
  it('leads back from an entry and from an operation to their events', () => {
    expect(eventOfEntry(made, 0, 'n1', 3, 400)?.[0]).toBe(7);
    expect(eventOfEntry(made, 0, 'n2', 2, 400)?.[0]).toBe(8);
    expect(eventOfEntry(made, 0, 'n2', 2, 299)).toBe(null);
    expect(eventOfOperation(made, 0, 42, 90, 400)).toEqual({ number: 7, at_us: 200 });
    expect(eventOfOperation(made, 0, 43, 90, 400)).toBe(null);
  });
});
