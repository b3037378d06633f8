import { describe, expect, it } from 'vitest';

import {
  added, barsOf, begunAt, duplicated, endedAt, firstChange, movable, moved, readScript, removed, repeated, repeatedUntil, scriptText, scriptWith, snapped, stepOf, stretchable, withScript, wordsPlace, type Bar,
} from '../src/core/composer';
import type { FaultLine } from '../src/core/experiment';

const WORDS = {
  kill: { undo: 'restart' }, restart: { undo: '' }, pause: { undo: 'resume' }, resume: { undo: '' }, cut: { undo: 'heal' }, partition: { undo: 'heal' },
  heal: { undo: '' }, loss: { undo: 'reset_links' }, reset_links: { undo: '' }, campaign: { undo: '' },
};
const STOP = 30;
const bars = (...lines: FaultLine[]) => barsOf(lines, WORDS, STOP);
const only = (...lines: FaultLine[]): [FaultLine[], Bar] => [lines, bars(...lines)[0]!];
const spans = (found: Bar[]) => found.map(({ index, from_s, to_s, end }) => [index, from_s, to_s, end]);

const kill: FaultLine = { at_s: 5, do: 'kill', target: 'n1' };
const restart: FaultLine = { at_s: 10, do: 'restart', target: 'n1' };

describe('the words of a bar', () => {
  const bar = (from_s: number, to_s: number, ...again: number[]) => ({ from_s, to_s, again: again.map((at) => ({ from_s: at, to_s: at + 1 })) });
  it('stand where they cover nothing, if there is such a place', () => {
    expect(wordsPlace(bar(10, 30), 15, 60)).toBe('in');
    expect(wordsPlace(bar(10, 12), 15, 60)).toBe('after');
    expect(wordsPlace(bar(50, 52), 15, 60)).toBe('before');
    expect(wordsPlace(bar(20, 22, 30), 15, 60)).toBe('before');
    expect(wordsPlace(bar(5, 7, 20), 15, 60)).toBe('over');
  });
});

describe('the bars of a script', () => {
  it('begin at their line and end with for_s, with the line that undoes them, or never', () => {
    expect(spans(bars({ ...kill, for_s: 2 }))).toEqual([[0, 5, 7, 'own']]);
    expect(spans(bars(kill, restart))).toEqual([[0, 5, 10, 'line']]);
    expect(spans(bars(kill))).toEqual([[0, 5, STOP, 'never']]);
    expect(spans(bars({ at_s: 3, do: 'campaign', target: 'n2' }))).toEqual([[0, 3, 3, 'moment']]);
  });
  it('keep an undoing line that ends nothing as a bar of its own', () => {
    expect(spans(bars({ ...kill, target: 'n2' }, restart))).toEqual([[0, 5, STOP, 'never'], [1, 10, 10, 'moment']]);
    expect(spans(bars({ ...kill, at_s: 12 }, restart))).toEqual([[0, 12, STOP, 'never'], [1, 10, 10, 'moment']]);
  });
  it('know whom a word means only where it is certain', () => {
    const leader = { ...kill, target: 'leader' };
    expect(bars(leader, { ...restart, target: 'leader' })[0]!.end).toBe('never');
    expect(bars(leader, { ...restart, target: 'previous' })[0]!.end).toBe('line');
    expect(bars(leader, { ...restart, target: 'down' })[0]!.end).toBe('line');
    expect(bars(leader, { at_s: 7, do: 'campaign', target: 'n2' }, { ...restart, target: 'previous' })[0]!.end).toBe('never');
    expect(bars(kill, { ...restart, target: ['n1', 'n2'] })[0]!.end).toBe('line');
  });
  it('let one heal end several cuts, and one that names a link only that', () => {
    const cut: FaultLine = { at_s: 1, do: 'cut', from: 'n1', to: 'n2' };
    expect(spans(bars(cut, { at_s: 2, do: 'partition', shape: 'halves' }, { at_s: 6, do: 'heal' }))).toEqual([[0, 1, 6, 'line'], [1, 2, 6, 'line']]);
    expect(bars(cut, { at_s: 6, do: 'heal', from: 'n2', to: 'n1' })[0]!.end).toBe('line');
    expect(bars({ ...cut, one_way: true }, { at_s: 6, do: 'heal', from: 'n2', to: 'n1' })[0]!.end).toBe('never');
    expect(bars({ at_s: 1, do: 'loss', chance: 0.3 }, { at_s: 6, do: 'heal', links_too: true })[0]!.end).toBe('line');
    expect(bars({ at_s: 1, do: 'loss', chance: 0.3 }, { at_s: 6, do: 'heal' })[0]!.end).toBe('never');
  });
  it('show every repetition until the end, and where a drawn time may lie', () => {
    const bar = bars({ every_s: 5, until_s: 18, do: 'pause', target: 'random', for_s: 1, probability: 0.5 })[0]!;
    expect(bar.from_s).toBe(5);
    expect(bar.again).toEqual([{ from_s: 10, to_s: 11 }, { from_s: 15, to_s: 16 }]);
    expect(bars({ at_s: { uniform: [2, 4] } as never, do: 'campaign', target: 'n1' })[0]).toMatchObject({ from_s: 3, drawn: { from_s: 2, to_s: 4 } });
  });
  it('know those that wait for an event', () => {
    const found = bars({ when: { event: 'deliver' }, do: 'kill', target: 'n1' }, { at_s: 9, do: 'heal' });
    expect(found.map((bar) => [bar.index, bar.byEvent, movable(bar)])).toEqual([[0, true, false], [1, false, true]]);
  });
});

describe('editing a bar edits the script', () => {
  it('moves a fault with the line that ends it, and nothing else', () => {
    const [lines, bar] = only(kill, restart, { at_s: 20, do: 'heal' });
    expect(moved(lines, WORDS, bar, 7.5, STOP)).toEqual([{ ...kill, at_s: 7.5 }, { ...restart, at_s: 12.5 }, lines[2]]);
    expect(moved(lines, WORDS, bar, 99, STOP)[0]!.at_s).toBe(25);
    expect(moved(lines, WORDS, bar, -3, STOP)[0]!.at_s).toBe(0);
  });
  it('leaves an end that others share where it is', () => {
    const [lines, bar] = only({ at_s: 1, do: 'cut', from: 'n1', to: 'n2' }, { at_s: 2, do: 'partition', shape: 'halves' }, { at_s: 6, do: 'heal' });
    expect(moved(lines, WORDS, bar, 4, STOP).map((line) => line.at_s)).toEqual([4, 2, 6]);
    expect(moved(lines, WORDS, bar, 9, STOP)[0]!.at_s).toBe(6);
    expect(removed(lines, WORDS, bar)).toEqual(lines.slice(1));
  });
  it('moves drawn times and the end of repetitions along', () => {
    const [drawn, chance] = only({ at_s: { normal: [4, 0.5] } as never, do: 'campaign', target: 'n1' });
    expect(moved(drawn, WORDS, chance, 6, STOP)[0]!.at_s).toEqual({ normal: [6, 0.5] });
    const [lines, bar] = only({ at_s: 2, every_s: 3, until_s: 11, do: 'kill', target: 'random', for_s: 1 });
    expect(moved(lines, WORDS, bar, 4, STOP)[0]).toMatchObject({ at_s: 4, until_s: 13 });
    expect(repeatedUntil(lines, bar, 8, STOP)[0]!.until_s).toBe(8);
  });
  it('stretches by for_s, or moves the line that ends it', () => {
    expect(endedAt(...only({ ...kill, for_s: 2 }), 9, STOP)).toEqual([{ ...kill, for_s: 4 }]);
    expect(endedAt(...only(kill, restart), 14, STOP)).toEqual([kill, { ...restart, at_s: 14 }]);
    expect(endedAt(...only(kill), 8, STOP)).toEqual([{ ...kill, for_s: 3 }]);
    expect(endedAt(...only(kill, restart), 2, STOP)[1]!.at_s).toBeCloseTo(5.001);
    expect(stretchable(bars({ at_s: 3, do: 'campaign', target: 'n2' })[0]!)).toBe(false);
  });
  it('begins elsewhere while the end stays', () => {
    expect(begunAt(...only({ ...kill, for_s: 4 }), 7)).toEqual([{ ...kill, at_s: 7, for_s: 2 }]);
    expect(begunAt(...only(kill, restart), 9)).toEqual([{ ...kill, at_s: 9 }, restart]);
  });
  it('repeats with an end of its own, and stops repeating', () => {
    const [lines, bar] = only(kill, restart);
    const again = repeated(lines, WORDS, bar, 6);
    expect(again).toEqual([{ ...kill, every_s: 6, for_s: 3 }]);
    expect(repeated(again, WORDS, barsOf(again, WORDS, STOP)[0]!, null)).toEqual([{ ...kill, for_s: 3 }]);
  });
  it('adds, duplicates and removes', () => {
    expect(added([kill], WORDS, { do: 'pause', target: 'leader' }, 3.2, STOP)).toEqual([kill, { do: 'pause', target: 'leader', at_s: 3.2, for_s: 5 }]);
    expect(added([], WORDS, { do: 'heal' }, 40, STOP)).toEqual([{ do: 'heal', at_s: STOP }]);
    const [lines, bar] = only(kill, restart);
    expect(duplicated(lines, bar, STOP)[2]).toEqual({ ...kill, at_s: 10, for_s: 5 });
    expect(removed(lines, WORDS, bar)).toEqual([]);
  });
  it('keeps what a line draws when one before it goes, and gives no new one the same', () => {
    const drawn: FaultLine = { every_s: 2, probability: 0.5, do: 'pause', target: 'n1' };
    const lines: FaultLine[] = [{ ...kill, for_s: 2 }, { ...restart, at_s: 9, target: 'n2' }, drawn];
    const left = removed(lines, WORDS, bars(...lines)[0]!);
    expect(left).toEqual([lines[1], { ...drawn, draws_as: 2 }]);
    expect(firstChange(lines, left)).toBe(5);
    expect(firstChange(lines, lines.slice(1))).toBe(2);
    const more = added(left, WORDS, { do: 'campaign', target: 'random' }, 4, STOP);
    expect(more[2]).toMatchObject({ draws_as: 3 });
    expect(duplicated(more, bars(...more).find((bar) => bar.line.do === 'pause')!, STOP)[3]).toMatchObject({ do: 'pause', draws_as: 4 });
    expect(removed(lines, WORDS, bars(...lines).find((bar) => bar.line.do === 'pause')!)).toEqual(lines.slice(0, 2));
  });
  it('never changes what it was given', () => {
    const [lines, bar] = only({ ...kill, for_s: 2 }, restart);
    const kept = structuredClone(lines);
    moved(lines, WORDS, bar, 1, STOP);
    endedAt(lines, bar, 9, STOP);
    repeated(lines, WORDS, bar, 4);
    expect(lines).toEqual(kept);
  });
});

describe('the script as text', () => {
  it('comes back as it was, whatever the order of fields', () => {
    const lines: FaultLine[] = [{ do: 'kill', target: 'leader', at_s: 5, for_s: 2 }, { when: { event: 'deliver', count: 3 }, do: 'heal' }];
    expect(scriptText(lines).split('\n')[1]).toBe('  {"at_s":5,"do":"kill","target":"leader","for_s":2},');
    expect(readScript(scriptText(lines))).toEqual({ lines });
    expect(readScript('')).toEqual({ lines: [] });
  });
  it.each(['{', '{"do": "kill"}', '[1]', '[{"at_s": 5}]'])('refuses %s', (text) => expect(readScript(text)).toHaveProperty('refused'));
  it('has what people did as lines, but for client operations', () => {
    const commands = [{ at_us: 1_500_000, do: { do: 'kill', target: 'n2' } }, { at_us: 2_000_000, do: { do: 'client', client: 'c1' } }];
    expect(scriptWith([kill], commands)).toEqual([kill, { at_s: 1.5, do: 'kill', target: 'n2' }]);
  });
  it('tells from when on two scripts differ', () => {
    expect(firstChange([kill, restart], [restart, { ...kill }])).toBe(Infinity);
    expect(firstChange([kill, restart], [kill, { ...restart, at_s: 8 }])).toBe(8);
    expect(firstChange([kill], [kill, { when: { event: 'deliver' }, do: 'heal' }])).toBe(0);
  });
});

it('judges an edited script without the variants of the old one', () => {
  const compared = { format: 1, id: 'RA-99', title: { en: '', zh: '' }, system: 'raft', seed: 1, topology: { nodes: [] }, stop_s: 1, variants: [{ id: 'nine' }], compare: [{ variant: 'nine' }] };
  expect(withScript(compared, [{ do: 'kill', at_s: 1 }])).toMatchObject({ id: 'RA-99', faults: [{ do: 'kill' }], variants: [], compare: [] });
});

describe('the axis', () => {
  it('has steps that people can read, and meets what is near', () => {
    expect([stepOf(20), stepOf(60), stepOf(3), stepOf(3600)]).toEqual([0.2, 0.5, 0.02, 50]);
    expect(snapped(4.93, 0.2, [5.01], 0.1)).toBe(5.01);
    expect(snapped(4.73, 0.2, [5.01], 0.1)).toBe(4.8);
  });
});
