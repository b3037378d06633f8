/** Lines typed at a cluster, read by its descriptor alone; trees of paths in reading order. */

import { describe, expect, it } from 'vitest';

import { flagsOf, newsFor, optionsGiven, optionsKey, readLine, recordText, treeRows, usage } from '../src/core/console';
import type { ConsoleCommand, Descriptor } from '../src/core/descriptor';
import { Trace } from '../src/core/trace';
import { chunk, frame, tides } from './helpers';

const title = { en: 'dig', zh: '挖' };
const dig: ConsoleCommand = { name: 'dig', title, operation: 'shovel', value: 'optional', flags: { '-d': 'deep', '-w=': 'width' }, options: { slow: true } };
const look: ConsoleCommand = { name: 'look', title, operation: '', value: 'none', flags: {}, options: {} };
const fill: ConsoleCommand = { name: 'fill', title, operation: '', value: 'needed', flags: {}, options: {} };
const words = [dig, look, fill];

describe('a line', () => {
  it('becomes the operation that its command stands for', () => {
    expect(readLine('dig /hole sand -d -w 3', words)).toEqual({ operation: 'shovel', key: '/hole', value: 'sand', options: { slow: true, deep: true, width: 3 } });
    expect(readLine('  look   /hole ', words)).toEqual({ operation: 'look', key: '/hole' });
    expect(readLine('fill "/a hole" wet sand', words)).toEqual({ operation: 'fill', key: '/a hole', value: 'wet sand' });
  });

  it('that cannot be read says which word is wrong', () => {
    expect(readLine('swim /sea', words)).toEqual({ problem: 'unknown', word: 'swim' });
    expect(readLine('look', words)).toEqual({ problem: 'key', word: 'look' });
    expect(readLine('look /a b', words)).toEqual({ problem: 'value', word: 'look' });
    expect(readLine('fill /a', words)).toEqual({ problem: 'value', word: 'fill' });
    expect(readLine('dig /a -x', words)).toEqual({ problem: 'flag', word: '-x' });
    expect(readLine('dig /a -w', words)).toEqual({ problem: 'flag_value', word: '-w' });
  });

  it('is explained', () => {
    expect(usage(dig)).toBe('dig KEY [VALUE] [-d] [-w …]');
    expect(usage(fill)).toBe('fill KEY VALUE');
  });
});

describe('what is said', () => {
  const shouts: Descriptor = { ...tides, name: 'shouts', messages: [{ name: 'Shout', kind: 'oneway', title: { en: 'shout', zh: '喊' }, fields: ['loud', 'word'], good: '', news: ['word'] }] };
  const trace = new Trace();
  trace.add(frame(chunk(0, 1000, {
    sends: [[1, 0, 10, 60, 'n1', 'c', 0, 'common.Shout', [9, 'rain']], [2, 0, 20, 70, 'n1', 'd', 0, 'common.Shout', [9, 'sun']],
      [3, 0, 30, 80, 'n1', 'c', 1, 'common.Shout', [9, 'lost']], [4, 0, 40, 900, 'n1', 'c', 0, 'common.Shout', [9, 'late']], [5, 0, 41, 50, 'n1', 'c', 0, 'common.Foam', [1, 2]]],
    events: [[-1, 15, 4, '', 0, { do: 'client', client: 'c', operation: 'shovel', key: '/a', options: { deep: true, width: 3 } }, null, null]],
  })));
  it('shows news that arrived at the client, of messages that several systems share', () => {
    expect(newsFor(trace, 0, 500, 'c', { shouts }, 9).map((one) => [one.at_us, one.told])).toEqual([[60, ['rain']]]);
    expect(newsFor(trace, 0, 1000, 'c', { shouts }, 9).map((one) => one.told)).toEqual([['late'], ['rain']]);
  });
  it('repeats the flags that were typed', () => {
    const options = optionsGiven(trace, 0, 1000).get(optionsKey('c', 'shovel', '/a', 15))!;
    expect(flagsOf(options, 'shovel', words)).toBe('-d -w 3');
    expect(flagsOf({}, 'look', words)).toBe('');
  });
  it('reads records aloud', () => {
    const known: Record<string, string> = { soft: 'weich', age: 'Alter', wet: 'nass' };
    expect(recordText([['kind', 'soft'], ['age', 3], ['wet', true], ['odd', 'x']], (value) => known[value])).toBe('weich · Alter 3 · nass · odd x');
  });
});

describe('a tree', () => {
  it('is read parents first, whatever the order of its paths', () => {
    const rows = treeRows({ '/b': { data: 1, mark: 'x', none: 0 }, '/': {}, '/a/c': { data: 'deep' }, '/a': {}, '/a-b': {} });
    expect(rows.map((row) => [row.path, row.depth])).toEqual([['/', 0], ['/a', 1], ['/a/c', 2], ['/a-b', 1], ['/b', 1]]);
    expect(rows.at(-1)).toMatchObject({ name: 'b', data: 1, facts: [['mark', 'x']] });
    expect(treeRows(null)).toEqual([]);
  });
});
