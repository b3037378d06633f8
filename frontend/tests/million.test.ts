/** A million events: what the space-time diagram touches is bounded by its window, never by the run. */

import { describe, expect, it } from 'vitest';

import type { Chunk, Send, TraceEvent } from '../src/core/chunk';
import { EVENTS_MAX, spaceTime, type Window } from '../src/core/spacetime';
import { BINS } from '../src/core/summary';
import { Trace } from '../src/core/trace';
import { chunk, frame, keyframe } from './helpers';

const CHUNKS = 500;
const PER_CHUNK = 2000;
const CHUNK_US = 100_000;
const PROCESSES = ['n1', 'n2', 'n3', 'n4', 'n5'];

let touched = 0;
/** The same list, counting each entry that somebody reads. */
function counted<T extends object>(list: T[]): T[] {
  return new Proxy(list, {
    get(target, name, receiver) {
      if (typeof name === 'string' && name.charCodeAt(0) < 58) touched++;
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
}

/** Every second event sends a message to the next process, which arrives 1 ms later. */
function made(index: number): Chunk {
  const t0_us = index * CHUNK_US;
  const events: TraceEvent[] = [];
  const sends: Send[] = [];
  for (let at = 0; at < PER_CHUNK; at += 2) {
    const number = index * PER_CHUNK + at + 1;
    const at_us = t0_us + Math.floor((at / PER_CHUNK) * (CHUNK_US - 1100));
    const [from, to] = [PROCESSES[number % 5]!, PROCESSES[(number + 1) % 5]!];
    events.push([number, at_us, 1, from, 0, 'pull', null, null], [number + 1, at_us + 1000, 0, to, number, from, null, null]);
    sends.push([number + 1, number, at_us, at_us + 1000, from, to, 0, 'tides.Wave', [1, 2]]);
  }
  return chunk(t0_us, t0_us + CHUNK_US, { keyframe: { ...keyframe(t0_us), number: index * PER_CHUNK }, events: events.sort((a, b) => a[1] - b[1] || a[0] - b[0]), sends });
}

const trace = new Trace();
for (let index = 0; index < CHUNKS; index++) trace.add(frame(made(index)));
for (const { piece } of trace.pieces(0)) {
  piece.chunk.events = counted(piece.chunk.events);
  piece.chunk.sends = counted(piece.chunk.sends);
}
const draw = (from_us: number, span_us: number, changes: Partial<Window> = {}) => {
  touched = 0;
  const began = performance.now();
  const picture = spaceTime(trace, 0, { from_us, to_us: from_us + span_us, hidden: new Set(), collapse_us: span_us / 60, ...changes }, PROCESSES);
  return { picture, touched, ms: performance.now() - began };
};

describe('the space-time diagram of a million events', () => {
  it('has a million of them', () => expect(CHUNKS * PER_CHUNK).toBe(1_000_000));

  it('touches what its window holds, wherever it stands', () => {
    const span_us = 20_000;
    const places = Array.from({ length: 50 }, (_, at) => Math.round((at / 50) * (CHUNKS - 1) * CHUNK_US) + 40_000);
    for (const from_us of places) draw(from_us, span_us); // the first visit of a chunk looks at its messages once
    const found = places.map((from_us) => draw(from_us, span_us));
    for (const { picture, touched: read } of found) {
      expect(picture.events).toBeGreaterThan(300);
      expect(picture.events).toBeLessThan(EVENTS_MAX);
      // Events and messages of the window once each, messages under way at its edges, and the steps of halving.
      expect(read).toBeLessThan(4 * picture.events + 100);
    }
    const most = Math.max(...found.map((one) => one.touched));
    const slowest = found.map((one) => one.ms).sort((a, b) => a - b)[Math.floor(found.length / 2)]!;
    console.info(`window of 20 ms in 50 s: at most ${most} of 1,500,000 events and messages touched, median ${slowest.toFixed(1)} ms`);
  });

  it('touches no event at all when the window holds too many to draw', () => {
    const { picture, touched: read, ms } = draw(0, CHUNKS * CHUNK_US);
    expect(picture.density).not.toBe(null);
    expect(picture.events).toBe(1_000_000);
    expect(picture.density!.flat().reduce((sum, count) => sum + count, 0)).toBe(1_000_000);
    expect(read).toBe(0);
    console.info(`window of all 1,000,000 events: ${CHUNKS * PROCESSES.length * BINS} counts read, ${ms.toFixed(1)} ms`);
  });

  it('keeps to the window when lines and kinds are hidden', () => {
    const { picture, touched: read } = draw(30_040_000, 20_000, { hidden: new Set(['n2', 'timer']) });
    expect(picture.arrows.some((arrow) => arrow.through)).toBe(true);
    expect(read).toBeLessThan(4 * picture.steps.length + 100);
  });
});
