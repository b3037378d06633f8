import { describe, expect, it } from 'vitest';

import { barAt, between, drawnEnd, fitting, marks, neighbour, pictureOf, ranks, reasonOf, shownEnd, symbols, timesOf, value, zoomed, type Bar } from '../src/core/history';
import { EXAMPLES } from '../src/core/historyExamples';

let count = 0;
const bar = (row: number, start: number, end: number | null, more: Partial<Bar> = {}): Bar => ({
  id: count++, row, key: 'x', kind: 'put', argument: start, outcome: end === null ? 'unknown' : 'ok', result: null, start, end,
  invoked_us: start * 1000, returned_us: end === null ? null : end * 1000, point: null, impossible: false, line: null, ...more,
});
/** A fixed sequence of numbers below one: the same history at every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}
function randomBars(seed: number, clients: number, length: number): Bar[] {
  const next = numbers(seed + 1);
  const open = new Map<number, { row: number; start: number }>();
  const bars: Bar[] = [];
  for (let place = 0; place < length; place++) {
    const row = Math.floor(next() * clients);
    const began = open.get(row);
    if (began && next() < 0.8) {
      bars.push(bar(row, began.start, next() < 0.2 ? null : place));
      open.delete(row);
    } else if (!began || next() < 0.1) {
      if (began) bars.push(bar(row, began.start, null));
      open.set(row, { row, start: place });
    }
  }
  return bars.sort((a, b) => a.start - b.start);
}

describe('lanes', () => {
  it('keep what completed from lying on top of each other, and lose nothing', () => {
    for (let seed = 0; seed < 100; seed++) {
      const bars = randomBars(seed, 4, 120);
      const picture = pictureOf(['a', 'b', 'c', 'd'], bars, 120, null);
      expect(picture.lanes.flatMap((lane) => lane.bars).map((one) => one.id).sort((a, b) => a - b)).toEqual(bars.map((one) => one.id).sort((a, b) => a - b));
      for (const lane of picture.lanes) {
        expect(lane.bars.every((one) => one.row === lane.client)).toBe(true);
        lane.bars.forEach((one, index) => {
          const next = lane.bars[index + 1];
          if (next) expect(drawnEnd(lane, index)).toBeLessThan(next.start + 0.001);
          expect(drawnEnd(lane, index)).toBeGreaterThan(one.start);
        });
      }
    }
  });
  it('give a client that asks twice at once a second line', () => {
    const picture = pictureOf(['a'], [bar(0, 0, 5), bar(0, 2, 8), bar(0, 6, 9)], 10, null);
    expect(picture.lanes.map((lane) => lane.bars.map((one) => one.start))).toEqual([[0, 6], [2]]);
    expect(picture.lanes.map((lane) => lane.first)).toEqual([true, false]);
  });
  it('show one key alone', () => {
    const picture = pictureOf(['a', 'b'], [bar(0, 0, 1), bar(1, 2, 3, { key: 'y' })], 4, 'y');
    expect(picture.lanes.map((lane) => lane.label)).toEqual(['b']);
    expect(picture.keys).toEqual(['x', 'y']);
  });
});

describe('the window', () => {
  it('holds what a look at every bar finds', () => {
    for (let seed = 0; seed < 60; seed++) {
      const picture = pictureOf(['a', 'b'], randomBars(seed, 2, 200), 200, null);
      for (const lane of picture.lanes) {
        for (let from = -3; from < 200; from += 17) {
          const slow = lane.bars.filter((one) => one.start <= from + 20 && shownEnd(one) >= from).map((one) => one.id);
          expect(between(lane, from, from + 20).map((one) => one.id)).toEqual(expect.arrayContaining(slow));
        }
      }
    }
  });
  it('is quick with ten thousand operations', () => {
    const bars = Array.from({ length: 10_000 }, (_, n) => bar(n % 10, 2 * n, 2 * n + 1));
    const picture = pictureOf(Array.from({ length: 10 }, (_, n) => `c${n}`), bars, 20_000, null);
    expect(picture.lanes).toHaveLength(10);
    expect(picture.lanes.map((lane) => between(lane, 10_000, 10_040).length).reduce((a, b) => a + b)).toBeLessThan(40);
  });
  it('never zooms out further than everything, nor in without end', () => {
    expect(zoomed(20, 1e-9, 1000, 500)).toBe(fitting(1000, 500));
    expect(zoomed(20, 1e9, 1000, 500)).toBe(zoomed(1e9, 2, 1000, 500));
  });
  it('marks its axis at round places, far enough apart', () => {
    for (const scale of [0.02, 0.3, 1, 7, 90]) {
      const found = marks(-1, 1000 / scale, scale, 90);
      expect(found.length).toBeLessThanOrEqual(13);
      expect(found.every((place, index) => index === 0 || (place - found[index - 1]!) * scale >= 90)).toBe(true);
    }
  });
});

describe('going from operation to operation', () => {
  const bars = [bar(0, 0, 3), bar(1, 1, 4), bar(0, 5, 7), bar(1, 6, 8)];
  const [a, b, c, d] = bars.map((one) => one.id) as [number, number, number, number];
  const picture = pictureOf(['p', 'q'], bars, 9, null);
  it('stays in the lane, changes it, and stops at the edges', () => {
    expect(neighbour(picture, null, 'right')).toBe(a);
    expect(neighbour(picture, a, 'right')).toBe(c);
    expect(neighbour(picture, c, 'right')).toBe(c);
    expect(neighbour(picture, c, 'down')).toBe(d);
    expect(neighbour(picture, b, 'up')).toBe(a);
    expect(neighbour(picture, a, 'up')).toBe(a);
    expect(neighbour(picture, a, 'last')).toBe(d);
    expect(neighbour(picture, d, 'first')).toBe(a);
    expect(neighbour(pictureOf([], [], 0, null), null, 'right')).toBeNull();
  });
  it('reaches every operation of a lane', () => {
    const many = pictureOf(['a', 'b', 'c'], randomBars(7, 3, 150), 150, null);
    for (const lane of many.lanes) {
      let at: number | null = lane.bars[0]!.id;
      for (const one of lane.bars) {
        expect(at).toBe(one.id);
        at = neighbour(many, at, 'right');
      }
    }
  });
  it('finds the bar under a finger', () => {
    expect(barAt(picture.lanes[0], 2, 0.5)?.id).toBe(a);
    expect(barAt(picture.lanes[0], 4.8, 0.5)?.id).toBe(c);
    expect(barAt(picture.lanes[0], 4, 0.5)).toBeNull();
    expect(barAt(undefined, 4, 0.5)).toBeNull();
  });
});

describe('words', () => {
  it('write operations in symbols', () => {
    expect(symbols(bar(0, 0, 1, { kind: 'get', result: 5 }))).toBe('get → 5');
    expect(symbols(bar(0, 0, 1, { kind: 'get', result: null }))).toBe('get → nil');
    expect(symbols(bar(0, 0, null, { kind: 'get' }))).toBe('get → ?');
    expect(symbols(bar(0, 0, 1, { kind: 'cas', argument: [1, 2] }))).toBe('cas 1→2');
    expect(symbols(bar(0, 0, 1, { kind: 'cas', argument: [1, 2], result: false }))).toBe('cas 1→2 ✗');
    expect(symbols(bar(0, 0, null, { argument: 'v' }))).toBe('put v ?');
    expect(symbols(bar(0, 0, 1, { kind: 'lock', argument: null }))).toBe('lock');
    expect(value('x'.repeat(90))).toHaveLength(24);
  });
  it('number the order found', () => {
    const bars = [bar(0, 0, 4, { point: 2.5 }), bar(1, 1, 3, { point: 1.5 }), bar(0, 5, null)];
    expect([...ranks(bars)]).toEqual([[bars[1]!.id, 1], [bars[0]!.id, 2]]);
  });
  it('give every place a time', () => {
    expect(timesOf([bar(0, 0, 2), bar(1, 1, null)], 4)).toEqual([0, 1000, 2000, 2000]);
  });
});

describe('why nothing explains a read', () => {
  const read = (result: number, start = 8) => bar(1, start, start + 1, { kind: 'get', argument: null, result });
  it('nobody wrote it', () => {
    expect(reasonOf(read(9), [bar(0, 0, 1, { argument: 1 })], null)).toEqual({ fact: 'never_written' });
  });
  it('a newer write had been acknowledged', () => {
    const [old, newer, late] = [bar(0, 0, 1, { argument: 1 }), bar(0, 2, 3, { argument: 2 }), bar(0, 8, 9, { argument: 3 })];
    expect(reasonOf(read(1), [old, newer, late], null)).toEqual({ fact: 'overwritten', writer: old, newer });
    expect(reasonOf(read(0), [old, newer, late], 0)).toEqual({ fact: 'initial_overwritten', newer });
  });
  it('says nothing that need not be so', () => {
    const [slow, newer] = [bar(0, 0, 7, { argument: 1 }), bar(2, 2, 3, { argument: 2 })];
    expect(reasonOf(read(1), [slow, newer], null)).toEqual({ fact: 'none' });
    expect(reasonOf(read(1), [bar(0, 0, 1, { argument: 1 }), newer, bar(3, 4, null, { argument: 1 })], null)).toEqual({ fact: 'none' });
    expect(reasonOf(read(9), [bar(0, 0, 1, { kind: 'append', argument: 1 })], null)).toEqual({ fact: 'none' });
    expect(reasonOf(bar(0, 0, 1), [], null)).toEqual({ fact: 'none' });
  });
});

it('the examples are of three formats', () => {
  expect(JSON.parse(EXAMPLES.stale)).toMatchObject({ format: 1, model: 'cas-register' });
  expect(EXAMPLES.lost_answer).toContain('jepsen.util');
  expect(EXAMPLES.lock.startsWith('[{:process')).toBe(true);
});
