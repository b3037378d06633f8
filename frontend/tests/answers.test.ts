/** What clients got, by node; how stale reads were; and what operating a system makes of clicks. */

import { describe, expect, it } from 'vitest';

import { answersByNode, stalenessOf } from '../src/core/answers';
import type { Operation } from '../src/core/chunk';
import type { Instruction } from '../src/core/descriptor';
import type { Experiment } from '../src/core/experiment';
import { answerTo, dialsAt, linesOf, settingsAt, turned, type Setting } from '../src/core/operate';
import { tides } from './helpers';

const op = (id: number, kind: string, value: unknown, began: number, ended: number | null, outcome: string, process: string | null): Operation => (
  [id, 'c', kind, 'x', (kind === 'put' ? value : null) as never, began, ended, outcome, (kind === 'get' ? value : null) as never, process]);

const history = [
  op(1, 'put', 'a', 0, 10, 'ok', 'n1'), op(2, 'put', 'b', 20, 30, 'ok', 'n1'),
  op(3, 'get', 'b', 40, 50, 'ok', 'n1'), op(4, 'get', 'a', 100, 110, 'ok', 'n2'), op(5, 'get', null, 130, 140, 'ok', 'n2'),
  op(6, 'put', 'c', 150, null, 'pending', null), op(7, 'get', 'b', 160, 170, 'ok', 'n1'), op(8, 'put', 'd', 200, 210, 'fail', 'n3'),
  op(9, 'get', 'd', 220, 230, 'ok', 'n3'),
];

describe('reads that are old', () => {
  it('are those after the acknowledgement of a newer value, by how long', () => {
    expect(Object.fromEntries(stalenessOf(history, 1000))).toEqual({ 3: 0, 4: 70, 5: 120, 7: 0 });
  });
  it('are not judged by what is acknowledged only later', () => {
    expect(stalenessOf([op(1, 'put', 'a', 0, 10, 'ok', 'n1'), op(2, 'put', 'b', 20, 90, 'ok', 'n1'), op(3, 'get', 'a', 40, 50, 'ok', 'n2')], 1000).get(3)).toBe(0);
  });
  it('are not judged where values are made otherwise', () => {
    expect(stalenessOf([...history, op(10, 'append', 'z', 300, 310, 'ok', 'n1')], 1000).size).toBe(0);
  });
});

describe('answers by node', () => {
  it('tell who answered, who refused, who kept silent and who was stale', () => {
    const rows = answersByNode(history, 0, 1_000_000, (one) => one[9] ?? 'n4');
    const of = (node: string) => rows.find((row) => row.node === node);
    expect(of('n1')).toMatchObject({ answered: 4, refused: 0, silent: 0, stale: 0, latency_us: 10 });
    expect(of('n2')).toMatchObject({ answered: 2, stale: 2, staleness_us: 120 });
    expect(of('n3')).toMatchObject({ answered: 1, refused: 1 });
    expect(of('n4')).toMatchObject({ answered: 0, silent: 1 });
  });
  it('count only what ended in the span', () => {
    expect(answersByNode(history, 105, 135, (one) => one[9]).map((row) => [row.node, row.answered])).toEqual([['n2', 1]]);
  });
});

const instruction = (more: Partial<Instruction>): Instruction => ({
  name: 'add', do: 'configure', title: { en: 'Add', zh: '加' }, help: { en: '', zh: '' }, asked: [], hears: 'all', starts: '', lane: '', ...more,
});
const nodes = [{ id: 'n1', state: 'up' }, { id: 'n2', state: 'up' }, { id: 'n9', state: 'down' }];

describe('operating', () => {
  it('starts a node that joins, and tells one of the others', () => {
    const join = instruction({ hears: 'one', starts: 'add' });
    expect(linesOf(join, { add: 'n9' }, nodes)).toEqual([{ do: 'restart', target: 'n9' }, { do: 'configure', target: 'n1', add: 'n9' }]);
    expect(linesOf(join, { add: 'n1' }, nodes)).toEqual([{ do: 'configure', target: 'n2', add: 'n1' }]);
  });
  it('puts what a command asks for under its arguments', () => {
    expect(linesOf(instruction({ name: 'restore', do: 'command' }), { function: 'pay' }, nodes)).toEqual([{ do: 'command', name: 'restore', arguments: { function: 'pay' } }]);
    expect(linesOf(instruction({ name: 'crash', do: 'command' }), { target: 'n2' }, nodes)).toEqual([{ do: 'command', target: 'n2', name: 'crash' }]);
  });
  it('knows what a setting is now: the default, the experiment, the script, then people', () => {
    const experiment = { parameters: { stones: 3 }, faults: [{ at_s: 2, do: 'set_parameter', name: 'stones', value: 5 }] } as unknown as Experiment;
    const descriptor = { ...tides, parameters: ['stones', 'spray'].map((name) => ({ name, type: 'int', default: 1, title: { en: '', zh: '' }, help: { en: '', zh: '' }, unit: '', minimum: 0, maximum: 9, choices: [] })) };
    const value = (at_us: number) => settingsAt(descriptor, experiment, [{ at_us: 3e6, do: { do: 'set_parameter', name: 'stones', value: 8 } }], at_us)
      .map((one) => [one.parameter.name, one.value, one.own]);
    expect([0, 2e6, 3e6].map(value)).toEqual([3, 5, 8].map((stones) => [['stones', stones, true], ['spray', 1, false]]));
  });
  it('turns knobs that move parameters only, and knows where they stand', () => {
    const experiment = {
      knobs: {
        way: { value: 'safe', title: { en: 'Way', zh: '路' }, choices: { safe: { w: 3, 'parameters.r': 1 }, fast: { w: 1, r: 1 } } },
        many: { value: 1, title: { en: 'Many', zh: '多' }, set: { 'parameters.w': '$', r: '$*2' }, minimum: 1, maximum: 40 },
        shape: { value: 1, title: { en: 'Shape', zh: '形' }, set: { 'topology.x': '$' } },
      },
    } as unknown as Experiment;
    const settings = ['w', 'r'].map((name) => ({ parameter: { name }, value: 1, own: true })) as unknown as Setting[];
    expect(dialsAt(experiment, settings).map((one) => [one.name, one.value, one.choices, one.maximum])).toEqual([['way', 'fast', ['safe', 'fast'], 100], ['many', 1, [], 40]]);
    expect(turned(experiment, 'way', 'safe')).toEqual([{ do: 'set_parameter', name: 'w', value: 3 }, { do: 'set_parameter', name: 'r', value: 1 }]);
    expect(turned(experiment, 'many', 4).map((line) => line.value)).toEqual([4, 8]);
  });
  it('reads what was typed', () => {
    const asked = (kind: string) => ({ name: 'x', kind, title: { en: '', zh: '' }, of: '', choices: [], default: null });
    expect(answerTo(asked('numbers'), '4, 5')).toEqual([4, 5]);
    expect(answerTo(asked('numbers'), '4 x')).toBeUndefined();
    expect(answerTo(asked('number'), '')).toBeUndefined();
    expect(answerTo(asked('text'), 'bad')).toBe('bad');
  });
});
