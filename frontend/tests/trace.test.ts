import { describe, expect, it } from 'vitest';

import { Trace } from '../src/core/trace';
import { applyLogDiff, checksAt, clientsAt, Cursor } from '../src/core/world';
import { changed, chunk, frame, keyframe, process } from './helpers';

const any = () => true;

describe('Cursor', () => {
  const events = Array.from({ length: 200 }, (_, at) => changed(at + 1, 10 * (at + 1), { height: at, [`f${at % 7}`]: at }));
  const made = () => new Cursor(chunk(0, 2000, { keyframe: keyframe(0, { n1: process({ height: -1 }) }), events }));

  it('is the same state forwards, backwards and by fresh fold, at every time', () => {
    const walker = made();
    const order = Array.from({ length: 60 }, (_, at) => (at * 7919) % 2050);
    for (const at_us of order) {
      walker.seek(at_us);
      const fresh = made();
      fresh.seek(at_us);
      expect(walker.world).toEqual(fresh.world);
    }
  });

  it('leaves the keyframe alone and counts its changes', () => {
    const start = keyframe(0, { n1: process({ height: -1 }) });
    const cursor = new Cursor(chunk(0, 2000, { keyframe: start, events }));
    cursor.seek(1000);
    expect(start.processes.n1!.fields.height).toBe(-1);
    expect(cursor.version).toBe(100);
  });

  const deep = (): Cursor => new Cursor(chunk(0, 100, {
    keyframe: keyframe(0, { n1: process({ reached: { n2: 1, n3: 1 }, shore: { first: 1, last: 1, hash: 'a', entries: [[1, 'x']] } }) }),
    events: [
      [1, 10, 0, 'n1', 0, 'n2', { maps: { reached: { n2: 2, n4: 1 } }, timers: { pull: 90 } }, null],
      [2, 20, 0, 'n1', 0, 'n2', { gone: { reached: ['n3', 'n2'] }, maps: { reached: { n5: 1 } }, grown: { shore: [3, 'c', [[1, 'y'], [2, 'z']]] } }, null],
      [3, 30, 0, 'n1', 0, 'n2', { fields: { reached: {}, shore: { first: 1, last: 1, hash: 'a', keep: 1, add: [] } }, timers: { pull: [15, 80] } }, null],
      [4, 40, 0, 'n1', 0, 'n2', { maps: { other: { k: 1 } }, timers: { pull: null } }, null],
    ],
  }));

  it('folds what changed in maps, logs and timers', () => {
    const cursor = deep();
    cursor.seek(10);
    expect(cursor.world.processes.n1!.fields.reached).toEqual({ n2: 2, n3: 1, n4: 1 });
    expect(cursor.world.processes.n1!.timers).toEqual({ pull: [10, 90] });
    cursor.seek(20);
    expect(cursor.world.processes.n1!.fields).toEqual({ reached: { n4: 1, n5: 1 }, shore: { first: 1, last: 3, hash: 'c', entries: [[1, 'x'], [1, 'y'], [2, 'z']] } });
    cursor.seek(40);
    expect(cursor.world.processes.n1!.fields).toEqual({ reached: {}, other: { k: 1 }, shore: { first: 1, last: 1, hash: 'a', entries: [[1, 'x']] } });
    expect(cursor.world.processes.n1!.timers).toEqual({});
  });

  it('goes back over what changed in maps, logs and timers, and leaves what a reader saw as it was', () => {
    const start = deep();
    const seen = start.world.processes.n1!.fields.reached;
    const walker = deep();
    for (const at_us of [40, 30, 20, 10, 0, 40, 10, 30, 0]) {
      const fresh = deep();
      fresh.seek(at_us);
      walker.seek(at_us);
      expect(walker.world).toEqual(fresh.world);
    }
    start.seek(40);
    expect(seen).toEqual({ n2: 1, n3: 1 });
  });

  it('takes whole processes, timers that end, and node states', () => {
    const cursor = new Cursor(chunk(0, 100, {
      keyframe: keyframe(0, { n1: { ...process({}), timers: { pull: [0, 50] } } }),
      events: [
        [1, 10, 1, 'n1', 0, 'pull', { timers: { pull: null } }, null],
        [2, 20, 4, '', 0, { do: 'kill' }, { node: { n1: { state: 'down', life: 1 } } }, null],
        [3, 30, 5, 'n1', 2, 2, { processes: { n1: process({ moon: 9 }) }, node: { n1: { state: 'up', life: 2 } } }, null],
      ],
    }));
    cursor.seek(20);
    expect(cursor.world.processes.n1!.timers).toEqual({});
    expect(cursor.world.nodes.n1!.state).toBe('down');
    cursor.seek(30);
    expect(cursor.world.processes.n1!.fields).toEqual({ moon: 9 });
    cursor.seek(0);
    expect(cursor.world.processes.n1!.timers).toEqual({ pull: [0, 50] });
    expect(cursor.world.nodes.n1!.state).toBe('up');
  });
});

describe('applyLogDiff', () => {
  const log = { first: 1, last: 3, hash: 'a', entries: [[1, 'x'], [1, 'y'], [2, 'z']] as [number, string][] };
  it('keeps what is before, replaces what is after', () => {
    expect(applyLogDiff(log, { first: 1, last: 3, hash: 'b', keep: 2, add: [[3, 'w']] }).entries).toEqual([[1, 'x'], [1, 'y'], [3, 'w']]);
    expect(applyLogDiff(log, { first: 1, last: 4, hash: 'b', keep: 3, add: [[3, 'w']] }).entries).toHaveLength(4);
    expect(applyLogDiff(log, { first: 1, last: 0, hash: '', keep: 0, add: [] }).entries).toEqual([]);
  });
  it('keeps at most 64 entries, the last ones', () => {
    const add = Array.from({ length: 100 }, (_, at) => [1, `e${at}`] as [number, string]);
    const made = applyLogDiff(undefined, { first: 1, last: 100, hash: 'h', keep: 0, add });
    expect(made.entries).toHaveLength(64);
    expect(made.entries.at(-1)).toEqual([1, 'e99']);
    const grown = applyLogDiff(made, { first: 1, last: 101, hash: 'i', keep: 100, add: [[2, 'new']] });
    expect(grown.entries.slice(-2)).toEqual([[1, 'e99'], [2, 'new']]);
  });
});

describe('Trace', () => {
  it('finds the piece of a time and where the unbroken trace ends', () => {
    const trace = new Trace();
    for (const [a, b] of [[0, 10], [10, 20], [30, 40]] as const) trace.add(frame(chunk(a, b)));
    expect(trace.at(0, 10)?.chunk.t0_us).toBe(10);
    expect(trace.at(0, 20)?.chunk.t0_us).toBe(10);
    expect(trace.at(0, 25)).toBeUndefined();
    expect(trace.coveredUntil(0, 3)).toBe(20);
    expect(trace.coveredUntil(0, 25)).toBe(25);
  });

  it('drops frames of a lower revision and the future that a higher one replaces', () => {
    const trace = new Trace();
    for (const [a, b] of [[0, 10], [10, 20], [20, 30]] as const) trace.add(frame(chunk(a, b), { revision: 1 }));
    expect(trace.add(frame(chunk(30, 40), { revision: 0 }))).toBe(false);
    trace.add(frame(chunk(15, 18), { revision: 2, previous_hash: 'x', hash: 'y' }));
    expect(trace.coveredUntil(0, 0)).toBe(18);
    expect(trace.at(0, 12)?.until_us).toBe(15);
    expect(trace.at(0, 25)).toBeUndefined();
  });

  it('takes the past in between without losing what follows', () => {
    const trace = new Trace();
    trace.add(frame(chunk(20, 30)));
    trace.add(frame(chunk(0, 10)));
    trace.add(frame(chunk(10, 20)));
    expect(trace.coveredUntil(0, 0)).toBe(30);
    expect([...trace.pieces(0)].map(({ piece }) => piece.chunk.t0_us)).toEqual([0, 10, 20]);
  });

  it('keeps what followed a command where a chunk from before it reaches further', () => {
    const trace = new Trace();
    trace.add(frame(chunk(14, 20), { revision: 1, hash: 'killed' }));
    trace.add(frame(chunk(20, 30), { revision: 1, previous_hash: 'killed' }));
    trace.add(frame(chunk(10, 20), { revision: 1, hash: 'alive' }));
    expect([...trace.pieces(0)].map(({ piece, until_us }) => [piece.chunk.t0_us, until_us])).toEqual([[10, 14], [14, 20], [20, 30]]);
    expect(trace.at(0, 16)?.hash).toBe('killed');
  });

  it('does not want what it holds', () => {
    const trace = new Trace();
    const held = frame(chunk(0, 10), { revision: 3 });
    expect(trace.wants(held.header)).toBe(true);
    trace.add(held);
    expect(trace.wants(held.header)).toBe(false);
    expect(trace.wants({ ...held.header, revision: 2 })).toBe(false);
    expect(trace.wants({ ...held.header, revision: 4 })).toBe(true);
  });

  it('reads a parent before the fork and steps over the border both ways', () => {
    const trace = new Trace();
    trace.setLines([{ id: 0, parent: null, fork_us: 0 }, { id: 1, parent: 0, fork_us: 15 }]);
    trace.add(frame(chunk(0, 20, { events: [changed(1, 5, {}), changed(2, 12, {}), changed(3, 18, {})] })));
    trace.add(frame(chunk(15, 30, { events: [changed(4, 22, {})] }), { branch: 1 }));
    expect(trace.at(1, 7)?.chunk.t0_us).toBe(0);
    expect(trace.step(1, 12, 1, any)?.[0]).toBe(4);
    expect(trace.step(1, 22, -1, any)?.[0]).toBe(2);
    expect(trace.step(1, 22, 1, any)).toBeUndefined();
    expect(trace.step(0, 12, 1, any)?.[0]).toBe(3);
    expect(trace.coveredUntil(1, 0)).toBe(30);
    expect([...trace.pieces(1)].map(({ piece, until_us }) => [piece.chunk.t0_us, until_us])).toEqual([[0, 15], [15, 30]]);
  });

  it('tells the last acknowledgement across pieces', () => {
    const trace = new Trace();
    trace.add(frame(chunk(0, 10, { operations: [[1, 'c1', 'put', 'x', 1, 2, 7, 'ok', null, 'n1']] })));
    trace.add(frame(chunk(10, 20, { operations: [[2, 'c1', 'put', 'x', 1, 11, 19, 'fail', null, 'n1']] })));
    expect(trace.lastAcknowledged(0, 20)).toBe(7);
    expect(trace.lastAcknowledged(0, 6)).toBeNull();
  });
});

describe('letting go of what is far', () => {
  const sized = (t0_us: number, t1_us: number, branch = 0) => ({ ...frame(chunk(t0_us, t1_us, { events: [changed(t0_us + 1, t0_us + 1, { moon: t0_us })] }), { branch }), bytes: 100 });
  function filled(): Trace {
    const trace = new Trace();
    for (let at = 0; at < 1000; at += 100) trace.add(sized(at, at + 100));
    return trace;
  }

  it('goes from the farthest inwards until the rest fits, and keeps the summaries', () => {
    const trace = filled();
    expect(trace.bytes).toBe(4000);
    trace.evict(0, 650, 0, 2000);
    expect(trace.bytes).toBe(2000);
    expect([50, 350, 450, 650, 850, 950].map((at) => trace.at(0, at) !== undefined)).toEqual([false, false, true, true, true, false]);
    expect([...trace.pieces(0)].flatMap(({ piece }) => piece.summary.changes.map((change) => change[3]))).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  it('knows since when it has heard everything, also of what it has let go', () => {
    const trace = filled();
    trace.evict(0, 650, 0, 400);
    expect([trace.knownFrom(0, 650), trace.coveredFrom(0, 650)]).toEqual([0, 600]);
    const later = new Trace();
    for (const at of [0, 300, 400]) later.add(sized(at, at + 100));
    expect([50, 450, 250, 900].map((at) => later.knownFrom(0, at))).toEqual([0, 300, 250, 900]);
  });

  it('takes a piece back when it comes again', () => {
    const trace = filled();
    trace.evict(0, 950, 0, 400);
    expect(trace.wants(sized(0, 100).header)).toBe(true);
    expect(trace.wants(sized(900, 1000).header)).toBe(false);
    trace.add(sized(0, 100));
    expect(trace.at(0, 50)?.chunk.events).toHaveLength(1);
    expect(trace.coveredUntil(0, 50)).toBe(100);
  });

  it('keeps what is near whatever it takes, and lets other branches go first', () => {
    const trace = filled();
    trace.setLines([{ id: 0, parent: null, fork_us: 0 }, { id: 1, parent: 0, fork_us: 500 }, { id: 2, parent: 0, fork_us: 900 }]);
    trace.add(sized(500, 600, 1));
    trace.add(sized(900, 1000, 2));
    trace.evict(1, 550, 50, 4400);
    expect([trace.at(2, 950), trace.at(1, 550)].map((piece) => piece !== undefined)).toEqual([false, true]);
    trace.evict(1, 550, 50, 0);
    expect(trace.at(1, 550)).toBeDefined();
    expect(trace.at(0, 950)).toBeUndefined();
  });
});

describe('clients and checks at a time', () => {
  const made = chunk(100, 200, {
    keyframe: {
      ...keyframe(100), clients: { c1: { at: 'n1', waiting: 2, oldest_us: 40, ok: 5, fail: 0, unknown: 0 } },
      checks: { dry: { verdict: 'unknown', judged: 0, event: null, at_us: null, note: null } },
    },
    operations: [
      [7, 'c1', 'put', 'x', 1, 40, 150, 'ok', null, 'n1'], [8, 'c1', 'put', 'x', 1, 120, null, 'pending', null, null],
    ],
    checks: [[160, 'dry', { verdict: 'violated', judged: 3, event: 9, at_us: 160, note: null }]],
  });
  it('counts what waits and since when', () => {
    expect(clientsAt(made, 110).c1).toMatchObject({ waiting: 2, oldest_us: 40, ok: 5 });
    expect(clientsAt(made, 130).c1).toMatchObject({ waiting: 3, oldest_us: 40 });
    expect(clientsAt(made, 170).c1).toMatchObject({ waiting: 2, ok: 6 });
  });
  it('shows a verdict only from its moment on', () => {
    expect(checksAt(made, 159).dry!.verdict).toBe('unknown');
    expect(checksAt(made, 160).dry!.verdict).toBe('violated');
  });
});
