/** Logs side by side: aligned by index, with what is committed, missing, compacted or in conflict. */

import { describe, expect, it } from 'vitest';

import { entryVariable, termVariable } from '../src/core/colour';
import { leaderMarks, logTable } from '../src/core/logs';
import { nodeScene } from '../src/core/scene';
import type { World } from '../src/core/world';
import { keyframe, process, tides } from './helpers';

const led = { ...tides, fields: [...tides.fields, { name: 'sent', kind: 'index', group: 'leader', title: { en: 'sent', zh: '已发' } }] };
const log = (first: number, last: number, entries: [number, string][]) => ({ first, last, hash: 'h', entries });
const world: World = {
  ...keyframe(0), nodes: { n1: { state: 'up', life: 1 }, n2: { state: 'up', life: 1 }, n3: { state: 'up', life: 1 } },
  processes: {
    n1: { ...process({ moon: 2, phase: 'flood', reached: 3, shore: log(1, 4, [[1, 'a'], [1, 'b'], [2, 'c'], [2, 'd']]), sent: { n2: 3, n3: 5 } }, 'n1'), system: 'tides' },
    n2: { ...process({ moon: 2, phase: 'ebb', reached: 2, shore: log(1, 3, [[1, 'a'], [1, 'b'], [1, 'x']]) }, 'n2'), system: 'tides' },
    n3: { ...process({ moon: 2, phase: 'ebb', reached: 3, shore: log(3, 4, [[2, 'c'], [2, 'd']]) }, 'n3'), system: 'tides' },
  },
};
const scenes = ['n1', 'n2', 'n3'].map((id) => nodeScene(id, world, { tides: led }));

describe('the table of logs', () => {
  it('has the hue of an epoch only where entries have one', () => {
    expect(entryVariable(2, led)).toBe(termVariable(2));
    const counting = { ...led, fields: led.fields.map((field) => (field.kind === 'log' ? { ...field, counted: true } : field)) };
    expect(new Set([1, 2, 3].map((number) => entryVariable(number, counting)))).toEqual(new Set(['var(--entry)']));
    const free = ['n1', 'n2', 'n3'].map((id) => nodeScene(id, world, { tides: counting }));
    expect([logTable(scenes, 5, 5).conflicts.size > 0, logTable(free, 5, 5).conflicts.size]).toEqual([true, 0]);
  });
  it('has a column an index, also where a log begins later or ends earlier', () => {
    const table = logTable(scenes, 5, 5);
    expect(table.indexes).toEqual([1, 2, 3, 4, 5]);
    expect(table.rows.map((row) => row.cells.map((cell) => cell.state[0]).join(''))).toEqual(['cccsm', 'ccsmm', 'cccsm']);
    expect(table.rows[2]!.cells.map((cell) => cell.state)).toEqual(['compacted', 'compacted', 'committed', 'stored', 'missing']);
  });
  it('knows where two logs hold different entries', () => {
    expect([...logTable(scenes, 5, 5).conflicts]).toEqual([3]);
  });
  it('shows what the leader knows of each node, by the kind of its fields', () => {
    expect(leaderMarks(scenes, world).map(({ by, at, title }) => [title.en, by, at])).toEqual([['sent', 'n1', { n2: 3, n3: 5 }]]);
    expect(leaderMarks(scenes.slice(1), world)).toEqual([]);
  });
  it('says what is older than a view carries', () => {
    const held = { ...scenes[0]!, log: log(1, 4, [[2, 'd']]) };
    expect(logTable([held], 4, 2).rows[0]!.cells.map((cell) => cell.state)).toEqual(['unseen', 'stored']);
  });
});
