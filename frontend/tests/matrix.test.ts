import { describe, expect, it } from 'vitest';

import type { Network } from '../src/core/chunk';
import { budgetOf, enclosed } from '../src/core/lasso';
import { cellsOf, commandsFor, scrolledTo, stepped, stretchOf, toolFor } from '../src/core/matrix';
import { sidesOf } from '../src/core/reach';

const ids = ['n1', 'n2', 'n3'];
const calm: Network = { cuts: [], holds: [], links: [], groups: [], walls: [] };
const topology = { nodes: ids.map((id) => ({ id })), links: { default: { latency_ms: 5, loss: 0.01 }, between: [{ from: 'n1', to: 'n3', latency_ms: 40, one_way: true }] } };

describe('the matrix of links', () => {
  it('tells each direction apart, with what a message meets', () => {
    const network: Network = { ...calm, cuts: [['n1', 'n2']], holds: [['n2', 'n3']], links: [
      { fault: 1, from_: ['n3'], to: ['n1'], one_way: true, latency: { kind: 'normal', values: [150, 5] }, loss: null },
      { fault: 2, from_: [], to: ['n1'], one_way: true, extra: { kind: 'constant', values: [50] }, loss: 0.3 },
    ] };
    const cells = cellsOf(ids, network, topology);
    expect(cells[0]![0]).toBeNull();
    expect(cells[0]![1]).toMatchObject({ cut: true, ms: 5, loss: 0.01, changed: false });
    expect(cells[1]![0]).toMatchObject({ cut: false, ms: 55, loss: 0.3 });
    expect(cells[1]![2]).toMatchObject({ held: true });
    expect(cells[0]![2]).toMatchObject({ ms: 40 });
    expect(cells[2]![0]).toMatchObject({ ms: 200, loss: 0.3, changed: true });
  });
  it('shows a link that was mended as it is stated, whatever a wider fault does', () => {
    const spared = [{ from_: ['n1'], to: ['n2'], one_way: true }];
    const cells = cellsOf(ids, { ...calm, links: [{ fault: 1, from_: [], to: [], one_way: false, loss: 0.3, spared }] }, topology);
    expect(cells[0]![1]).toMatchObject({ loss: 0.01, changed: false });
    expect(cells[1]![0]).toMatchObject({ loss: 0.3, changed: true });
  });
  it('heals what is cut and releases what is held', () => {
    const [cut, open] = [cellsOf(ids, { ...calm, cuts: [['n1', 'n2']] }, topology)[0]![1]!, cellsOf(ids, calm, topology)[0]![1]!];
    expect([toolFor('cut', cut), toolFor('cut', open), toolFor('delay', cut)]).toEqual(['heal', 'cut', 'delay']);
  });
  it('makes the cells of a window as it makes them all', () => {
    const network: Network = { ...calm, cuts: [['n1', 'n2']], holds: [['n2', 'n3']] };
    const all = cellsOf(ids, network, topology);
    expect(cellsOf(ids.slice(1), network, topology, ids.slice(0, 2))).toEqual(all.slice(1).map((row) => row.slice(0, 2)));
  });
  it('draws of a hundred and one rows those in the window and few beside them', () => {
    expect(stretchOf(101, 29, 0, 290)).toEqual({ from: 0, to: 12 });
    expect(stretchOf(101, 29, 50 * 29 + 3, 290)).toEqual({ from: 48, to: 63 });
    expect(stretchOf(101, 29, 101 * 29 - 290, 290)).toEqual({ from: 89, to: 101 });
    expect(stretchOf(101, 29, 9_999, 290).to).toBe(101);
  });
  it('steps to every cell, over the diagonal, with the window behind', () => {
    const reached = new Set<string>();
    let scrolled = 0;
    for (let row = 0; row < 101; row++) {
      for (let at: [number, number] | null = row ? [row, 0] : [0, 1]; at; at = stepped(101, at, 0, 1)) {
        reached.add(String(at));
        scrolled = scrolledTo(at[1], 43, scrolled, 400);
        const { from, to } = stretchOf(101, 43, scrolled, 400);
        expect(at[1] >= from && at[1] < to && at[1] * 43 >= scrolled && (at[1] + 1) * 43 <= scrolled + 400).toBe(true);
      }
    }
    expect(reached.size).toBe(101 * 100);
    expect([stepped(101, [0, 1], -1, 0), stepped(101, [99, 100], 1, 0), stepped(101, [1, 0], -1, 0)]).toEqual([null, null, null]);
  });
  it('says a block of cells as one line of the script', () => {
    expect(commandsFor('cut', [['n1', 'n3'], ['n2', 'n3']], 0)).toEqual([{ do: 'cut', from: ['n1', 'n2'], to: ['n3'], one_way: true }]);
    expect(commandsFor('loss', [['n1', 'n2'], ['n1', 'n3'], ['n2', 'n3']], 30)).toEqual([
      { do: 'loss', chance: 0.3, from: ['n1'], to: ['n2', 'n3'], one_way: true }, { do: 'loss', chance: 0.3, from: ['n2'], to: ['n3'], one_way: true },
    ]);
    expect(commandsFor('reset', [['n1', 'n2']], 0).map((line) => line.do)).toEqual(['release', 'reset_links']);
  });
});

describe('a lasso', () => {
  const nodes = new Map([['n1', { x: 10, y: 10 }], ['n2', { x: 50, y: 10 }], ['n3', { x: 30, y: 60 }]]);
  it('takes what it encloses, whichever way and however crooked it is drawn', () => {
    const line = [{ x: 0, y: 0 }, { x: 60, y: 0 }, { x: 60, y: 20 }, { x: 0, y: 20 }];
    expect(enclosed(nodes, line)).toEqual(['n1', 'n2']);
    expect(enclosed(nodes, [...line].reverse())).toEqual(['n1', 'n2']);
    expect(enclosed(nodes, [{ x: 0, y: 0 }, { x: 60, y: 0 }, { x: 30, y: 5 }, { x: 60, y: 80 }, { x: 0, y: 80 }])).toEqual(['n1', 'n3']);
    expect(enclosed(nodes, line.slice(0, 2))).toEqual([]);
  });
});

describe('the fault budget', () => {
  const five = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const budget = (running: string[], cuts: Network['cuts'] = []) => budgetOf(5, sidesOf(five, new Set(running), { ...calm, cuts }));
  it('counts who cannot take part in the largest side', () => {
    expect(budget(five)).toEqual({ tolerates: 2, used: 0 });
    expect(budget(['n1', 'n2', 'n3', 'n4'])).toEqual({ tolerates: 2, used: 1 });
    const cuts = ['n4', 'n5'].flatMap((one) => ['n1', 'n2', 'n3'].flatMap((other): [string, string][] => [[one, other], [other, one]]));
    expect(budget(five, cuts)).toEqual({ tolerates: 2, used: 2 });
    expect(budget(['n1', 'n2', 'n4', 'n5'], cuts)).toEqual({ tolerates: 2, used: 3 });
  });
  it('knows that an even number bears no more than the odd one below it', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((voters) => budgetOf(voters, []).tolerates)).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });
});
