/** Client history on the clock of the run: lanes, what is sent to be judged, and the answer put back on the clock. */

import { describe, expect, it } from 'vitest';

import type { Operation } from '../src/core/chunk';
import { clientLanes, historyText, judgementOf } from '../src/core/clientHistory';
import type { HistoryAnswer } from '../src/core/history';
import { Trace } from '../src/core/trace';
import { Judge } from '../src/state/judge.svelte';
import type { Session } from '../src/state/session.svelte';
import { chunk, frame } from './helpers';

const put: Operation = [1, 'c1', 'put', 'x', 'a', 100, 300, 'ok', null, 'n1'];
const second: Operation = [2, 'c1', 'put', 'x', 'b', 200, 900, 'unknown', null, null];
const get: Operation = [3, 'c2', 'get', 'x', null, 400, 600, 'ok', 'a', 'n2'];
const strange: Operation = [4, 'c2', 'transfer', 'x', null, 700, 800, 'ok', null, 'n2'];

function trace(gap = false): Trace {
  const made = new Trace();
  made.add(frame(chunk(0, 500, { operations: [[1, 'c1', 'put', 'x', 'a', 100, 300, 'ok', null, 'n1'], [2, 'c1', 'put', 'x', 'b', 200, null, 'pending', null, null], [3, 'c2', 'get', 'x', null, 400, null, 'pending', null, null]] })));
  if (!gap) made.add(frame(chunk(500, 1000, { operations: [second, get, strange] })));
  return made;
}

describe('bars on the clock', () => {
  it('lie in lanes of their client, each as it was known at the moment on show', () => {
    const lanes = clientLanes(trace(), 0, 0, 550, ['c1', 'c2']);
    expect(lanes.map((lane) => [lane.client, lane.first, lane.bars.map((bar) => [bar.id, bar.outcome, bar.to_us])])).toEqual([
      ['c1', true, [[1, 'ok', 300]]], ['c1', false, [[2, 'pending', null]]], ['c2', true, [[3, 'pending', null]]],
    ]);
    expect(clientLanes(trace(), 0, 0, 700, ['c1', 'c2']).at(-1)!.bars.map((bar) => bar.text)).toEqual(['x: get → a', 'x: transfer ?']);
  });
  it('leave out what ended before the window', () => {
    expect(clientLanes(trace(), 0, 500, 1000, []).flatMap((lane) => lane.bars.map((bar) => bar.id)).sort()).toEqual([2, 3, 4]);
  });
});

describe('the history that is judged', () => {
  it('ends at the moment on show and holds the kinds that histories have', () => {
    const written = historyText(trace(), 0, 700)!;
    const { format, operations } = JSON.parse(written.text) as { format: number; operations: Record<string, unknown>[] };
    expect([format, operations.length, written.completed]).toEqual([1, 3, 2]);
    expect(operations.find((one) => one.id === 2)).toEqual({ id: 2, client: 'c1', key: 'x', kind: 'put', argument: 'b', invoked_us: 200 });
    expect(operations.find((one) => one.id === 3)).toMatchObject({ returned_us: 600, result: 'a' });
    expect(written.text).not.toContain('transfer');
  });
  it('is none while part of it is not in hand', () => {
    expect(historyText(trace(true), 0, 700)).toBe(null);
    expect(historyText(trace(true), 0, 400)).not.toBe(null);
  });
  it('leaves out a read that was told a shortened value', () => {
    const made = new Trace();
    made.add(frame(chunk(0, 500, { operations: [[1, 'c1', 'get', 'x', null, 100, 300, 'ok', 'y'.repeat(200), 'n1'], put] })));
    expect((JSON.parse(historyText(made, 0, 500)!.text) as { operations: unknown[] }).operations).toHaveLength(1);
  });
});

/** Two bars: put at places 0..2, get at 1..3; the put takes effect between places 1 and 2. */
const answer: HistoryAnswer = {
  format: 'json', result: { verdict: 'violated', operations: 2, judged: 2, reason: null, model: 'kv', seconds: 0, first_violation: null },
  drawing: {
    clients: ['c1', 'c2'], events: 4, prefix: 3, initial: null, timed: true, faults: [],
    bars: [[1, 0, 'x', 'put', 'a', 'ok', null, 0, 2, 100, 300, 1.5, false, null], [3, 1, 'x', 'get', null, 'ok', 'z', 1, 3, 200, 600, null, true, null]],
  },
};

describe('the judgement', () => {
  it('stands on the clock: points between the events they fell between', () => {
    const found = judgementOf(answer, 650);
    expect([found.verdict, found.impossible, [...found.points]]).toEqual(['violated', 3, [[1, 250]]]);
  });
  it('is asked for once about the same, and dropped when the branch changed', async () => {
    const session = { playing: false, loaded: true, at_us: 700, branch: 0, trace: trace() };
    const asked: string[] = [];
    let clock = 0;
    const net = { send: (text: string | Blob) => (asked.push(String(text)), Promise.resolve('id')), ask: () => Promise.resolve(answer) };
    const judge = new Judge(session as unknown as Session, net, () => clock);
    judge.look();
    await new Promise((done) => setTimeout(done));
    expect([judge.state, judge.found?.impossible]).toEqual(['idle', 3]);
    clock = 5000;
    judge.look();
    expect(asked).toHaveLength(1);
    session.at_us = 950;
    clock = 10_000;
    judge.look(); // time passes
    expect(asked).toHaveLength(1);
    judge.look(); // time rests
    expect(asked).toHaveLength(2);
  });
});
