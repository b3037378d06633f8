import { describe, expect, it } from 'vitest';

import type { Json } from '../src/core/chunk';
import type { Experiment } from '../src/core/experiment';
import { language } from '../src/i18n/index.svelte';
import { checkText } from '../src/editor/checks';
import { border, place, under } from '../src/editor/canvas';
import { converted, kindOf as spreadOf, readDistribution, textsOf } from '../src/editor/distribution';
import { spreadText } from '../src/core/spread';
import { addAt, dropAt, joined, moved } from '../src/editor/drawing';
import { changedAction, changedTrigger, triggerOf } from '../src/editor/faults';
import { readExperiment, withCommands } from '../src/editor/files';
import { linksOf, marksOf } from '../src/editor/flow';
import { begin, record, redo, undo } from '../src/editor/history';
import {
  addClient, addNode, addRegion, addZone, connect, disconnect, effective, emptyExperiment, idProblem, moveNode, moveZone, nodesIn,
  remove, ruleBetween, rulesOf, setOnlyDrawn, setRule, zonesOf,
} from '../src/editor/model';
import { PRESETS, topologyOf, withPreset } from '../src/editor/presets';
import { rename } from '../src/editor/rename';
import { formOf } from '../src/editor/schema';
import { limitsText, readGroups, readIds, readNumber, readRange } from '../src/editor/values';
import { matches, PARTS, rowsOf, type Card } from '../src/pages/gallery';

const empty = () => emptyExperiment('tides', []);
const three = () => withPreset(empty(), 'three_regions_5');

describe('the model', () => {
  it('draws seven nodes in three regions from nothing', () => {
    let experiment = empty();
    for (let region = 0; region < 3; region++) experiment = addRegion(experiment).experiment;
    for (let node = 0; node < 7; node++) experiment = addNode(experiment, zonesOf(experiment)[node % 3]!.id).experiment;
    expect(zonesOf(experiment).map((zone) => zone.id)).toEqual(['east-a', 'west-a', 'south-a']);
    expect(nodesIn(experiment, 'east-a').map((node) => node.id)).toEqual(['n1', 'n4', 'n7']);
  });
  it('never changes what it was given', () => {
    const before = three();
    const kept = structuredClone(before);
    remove(setRule(moveNode(addZone(before, 'east').experiment, 'n1', ''), 'n1', 'n2', { loss: 0.1 }), 'west');
    expect(before).toEqual(kept);
  });
  it('lets a narrow rule win over a broad one, whichever was drawn first', () => {
    let experiment = setRule(empty(), 'n1', 'n2', {});
    experiment = setRule(three(), 'n1', 'n2', { latency_ms: 80 });
    experiment = setRule(experiment, 'east', 'west', { latency_ms: 40, loss: 0.2 });
    experiment = setRule(experiment, 'north', 'north', { latency_ms: 1 });
    expect(effective(experiment, 'n1', 'n2')).toMatchObject({ latency_ms: 80, loss: 0.2 });
    expect(effective(experiment, 'n4', 'n5').latency_ms).toBe(40);
    expect(rulesOf(experiment).at(-1)).toMatchObject({ from: 'n1', to: 'n2' });
  });
  it('follows one-way rules and the defaults', () => {
    const experiment = setRule(withPreset(empty(), 'one_zone_3'), 'n1', 'n2', { latency_ms: 5, one_way: true });
    expect(effective(experiment, 'n1', 'n2').latency_ms).toBe(5);
    expect(effective(experiment, 'n2', 'n1').latency_ms).toEqual({ normal: [10, 2] });
  });
  it('takes a setting back', () => {
    const experiment = setRule(setRule(three(), 'n1', 'n2', { latency_ms: 80, loss: 0.5 }), 'n2', 'n1', { loss: undefined });
    expect(ruleBetween(experiment, 'n1', 'n2')).toEqual({ from: 'n1', to: 'n2', latency_ms: 80 });
  });
  it('removes a region with all that stands in it and all that names it', () => {
    const experiment = remove(addClient(setRule(three(), 'n2', 'n3', { loss: 0.1 }), 'n2').experiment, 'west');
    expect(experiment.topology.nodes.map((node) => node.id)).toEqual(['n1', 'n3', 'n4']);
    expect(rulesOf(experiment).map((rule) => `${rule.from} ${rule.to}`)).toEqual(['east north']);
    expect(experiment.workload?.map((line) => line.client)).toEqual(['c1']);
  });
  it('keeps only drawn links when asked to', () => {
    const experiment = connect(setOnlyDrawn(connect(withPreset(empty(), 'one_zone_3'), 'n1', 'n2'), true), 'n2', 'n3');
    expect(experiment.topology.only_links).toEqual([['n1', 'n2'], ['n2', 'n3']]);
    expect(disconnect(experiment, 'n2', 'n1').topology.only_links).toEqual([['n2', 'n3']]);
    expect('only_links' in setOnlyDrawn(experiment, false).topology).toBe(false);
  });
  it('moves nodes and zones', () => {
    const experiment = moveZone(moveNode(three(), 'n1', 'west-a'), 'west-a', 'east');
    expect(nodesIn(experiment, 'west-a').map((node) => node.id)).toEqual(['n1', 'n2', 'n5']);
    expect(zonesOf(experiment).find((zone) => zone.id === 'west-a')?.region).toBe('east');
  });
  it('refuses ids that cannot be used', () => {
    expect([idProblem(three(), 'n1'), idProblem(three(), 'n1', 'n1'), idProblem(three(), 'a b'), idProblem(three(), 'leader'), idProblem(three(), '')])
      .toEqual(['id_taken', null, 'id_form', 'id_reserved', 'id_form']);
  });
});

describe('renaming', () => {
  it('reaches every place that names a node, and no word of the format', () => {
    const experiment = {
      ...three(), initial: { leader: 'n1', nodes: { 'n1/sentinel': {}, n2: {} } }, clocks: { n1: { rate: 2 } },
      faults: [{ at_s: 1, do: 'partition', groups: [['n1', 'n2'], ['n3']] }, { at_s: 2, do: 'kill', target: 'n1' }],
      operations: [{ client: 'c9', at: 'n1', operation: 'put', key: 'n1', value: 'n1', at_s: 1 }],
    } as unknown as Experiment;
    const named = rename(setRule(experiment, 'n1', 'n2', { loss: 0.1 }), 'n1', 'boss') as unknown as Record<string, never> & Experiment;
    expect(JSON.stringify(named.initial)).toBe('{"leader":"boss","nodes":{"boss/sentinel":{},"n2":{}}}');
    expect(named.clocks).toEqual({ boss: { rate: 2 } });
    expect(named.faults).toEqual([{ at_s: 1, do: 'partition', groups: [['boss', 'n2'], ['n3']] }, { at_s: 2, do: 'kill', target: 'boss' }]);
    expect(named.operations![0]).toMatchObject({ at: 'boss', key: 'n1', value: 'n1' });
    expect(named.workload![0]!.at).toBe('boss');
    expect(ruleBetween(named, 'boss', 'n2')?.loss).toBe(0.1);
  });
});

describe('presets', () => {
  it.each(PRESETS)('%s has as many nodes as it says, each in a zone that exists', (preset) => {
    const topology = topologyOf(preset);
    const zones = new Set(topology.regions!.flatMap((region) => region.zones!.map((zone) => zone.id)));
    expect(topology.nodes).toHaveLength(Number(/\d+/.exec(preset)![0]));
    expect(topology.nodes.every((node) => zones.has(node.zone!))).toBe(true);
  });
});

describe('the canvas', () => {
  it('lays everything out inside its place, nothing on top of another', () => {
    for (const preset of PRESETS) {
      const placed = place(withPreset(empty(), preset), {});
      const of = (kind: string) => placed.filter((one) => one.kind === kind);
      const apart = (a: { box: { x: number; y: number; w: number; h: number } }, b: typeof a) =>
        a.box.x + a.box.w <= b.box.x || b.box.x + b.box.w <= a.box.x || a.box.y + a.box.h <= b.box.y || b.box.y + b.box.h <= a.box.y;
      for (const kind of ['region', 'zone', 'node']) {
        of(kind).forEach((a, at) => of(kind).slice(at + 1).forEach((b) => expect(apart(a, b), `${preset}: ${a.id} and ${b.id}`).toBe(true)));
      }
      for (const node of of('node')) {
        const zone = under(placed, { x: node.box.x, y: node.box.y }, ['zone'])!;
        expect(node.box.x + node.box.w).toBeLessThanOrEqual(zone.box.x + zone.box.w);
        expect(node.box.y + node.box.h).toBeLessThanOrEqual(zone.box.y + zone.box.h);
      }
    }
  });
  it('drops a node into the zone below the mouse, else nowhere in particular', () => {
    const experiment = three();
    const placed = place(experiment, {});
    const west = placed.find((one) => one.id === 'west-a')!.box;
    const inside = dropAt(experiment, {}, placed, 'node', { x: west.x + 5, y: west.y + 5 });
    expect(nodesIn(inside.experiment, 'west-a').at(-1)?.id).toBe('n6');
    const outside = dropAt(experiment, {}, placed, 'node', { x: -500, y: -500 });
    expect(nodesIn(outside.experiment, '').map((node) => node.id)).toEqual(['n6']);
    expect(outside.spots.n6).toEqual({ x: -544, y: -532 });
  });
  it('stands a dropped client where it was let go, attached to the place below the mouse', () => {
    const experiment = three();
    const placed = place(experiment, {});
    const made = dropAt(experiment, {}, placed, 'client', { x: 2000, y: 900 });
    const box = place(made.experiment, made.spots).find((one) => one.id === made.id)!.box;
    expect([box.x + box.w / 2, box.y + box.h / 2]).toEqual([2000, 900]);
    const west = placed.find((one) => one.id === 'west-a')!.box;
    expect(dropAt(experiment, {}, placed, 'client', { x: west.x + 3, y: west.y + 3 }).spots).toEqual({});
  });
  it('adds beside what is selected', () => {
    expect(nodesIn(addAt(three(), 'node', 'n2').experiment, 'west-a')).toHaveLength(3);
    expect(zonesOf(addAt(three(), 'zone', 'n2').experiment).filter((zone) => zone.region === 'west')).toHaveLength(2);
    expect(addAt(empty(), 'zone', '').id).toBe('east-a');
    expect(addAt(three(), 'client', 'west').experiment.workload?.at(-1)?.at).toBe('west');
    expect(addAt(empty(), 'client', '').experiment.topology.nodes).toHaveLength(1);
  });
  it('moves a dragged node into the zone it was let go over', () => {
    const experiment = three();
    const placed = place(experiment, {});
    const east = placed.find((one) => one.id === 'east-a')!.box;
    const next = moved(experiment, {}, placed, 'node', 'n2', { x: 0, y: 0 }, { x: east.x + 9, y: east.y + 9 });
    expect(nodesIn(next.experiment, 'east-a').map((node) => node.id)).toContain('n2');
    expect(moved(experiment, {}, placed, 'node', 'n1', { x: 0, y: 0 }, { x: east.x + 9, y: east.y + 9 }).experiment).toBe(experiment);
  });
  it('joins nodes by a link and attaches clients', () => {
    expect(joined(three(), 'n1', 'n2')?.selection).toEqual({ kind: 'link', from: 'n1', to: 'n2' });
    expect(joined(three(), 'n3', 'c1')?.experiment.workload?.[0]?.at).toBe('n3');
    expect(joined(addClient(three(), 'n1').experiment, 'c1', 'c2')).toBeNull();
  });
  it('draws links as edges, and nodes as children of their zones', () => {
    const experiment = setRule(three(), 'n1', 'n2', { latency_ms: 80 });
    const edges = linksOf(experiment, null);
    expect(edges.filter((edge) => edge.data!.kind === 'rule').map((edge) => edge.data!.text)).toEqual(['~40 ms', '~40 ms', '~40 ms', '80 ms']);
    expect(edges.filter((edge) => edge.data!.kind === 'implied')).toHaveLength(9);
    expect(marksOf(experiment, place(experiment, {}), null).find((mark) => mark.id === 'n1')).toMatchObject({ parentId: 'east-a', type: 'host' });
  });
  it('ends links at the border of a disc or a box', () => {
    expect(border({ x: 0, y: 0, w: 60, h: 60 }, { x: 130, y: 30 })).toEqual({ x: 60, y: 30 });
    expect(border({ x: 0, y: 0, w: 100, h: 40 }, { x: 50, y: 200 })).toEqual({ x: 50, y: 40 });
  });
});

describe('what is typed', () => {
  it('is read strictly, with the reason for each refusal', () => {
    const key = (text: string, bounds = {}) => { const found = readNumber(text, bounds); return 'refused' in found ? found.refused.key : found.value; };
    expect([key(' 80 '), key('1e3'), key('.5'), key('')]).toEqual([80, 1000, 0.5, 'editor.bad_empty']);
    expect([key('8o'), key('NaN'), key('Infinity'), key('0x10'), key('1e999')]).toEqual(Array(5).fill('editor.bad_number'));
    expect([key('0', { minimum: 1 }), key('9', { maximum: 8 }), key('1.5', { whole: true })]).toEqual(['editor.bad_low', 'editor.bad_high', 'editor.bad_whole']);
  });
  it('reads ids, groups and ranges', () => {
    expect(readIds('n1')).toEqual({ value: 'n1' });
    expect(readIds('n1, n2/x n3')).toEqual({ value: ['n1', 'n2/x', 'n3'] });
    expect('refused' in readIds('n1, n!')).toBe(true);
    expect(readGroups('n1, n2 | n3')).toEqual({ value: [['n1', 'n2'], ['n3']] });
    expect('refused' in readGroups('n1')).toBe(true);
    expect(readRange(['150', '300'], {})).toEqual({ value: [150, 300] });
    expect('refused' in readRange(['300', '150'], {})).toBe(true);
    expect(limitsText({ minimum: 1, maximum: 600000 }, 'ms')).toBe('1 – 600,000 ms');
    language.current = 'zh';
    expect(limitsText({ minimum: 1, maximum: 600000 }, 'ms')).toBe('1 – 600,000 毫秒');
    expect(checkText({ metric: 'failed', from_s: 1, to_s: 2 })).toMatch(/1 – 2 秒$/);
    language.current = 'en';
  });
  it.each<Json>([80, { uniform: [1, 10] }, { normal: [10, 2] }, { lognormal: [80, 0.1] }, { exponential: 5 }, { pareto: [1, 2] },
    { mixture: [[0.9, 10], [0.1, { normal: [50, 5] }]] }, { empirical: [1, 2, 3] }])('writes and reads the distribution %j', (value) => {
    expect(readDistribution(spreadOf(value), textsOf(value), {})).toEqual({ value });
    expect(spreadText(value)).toMatch(/\d.* ms$/);
  });
  it('tells the distributions of a trace like those of an experiment', () => {
    expect(spreadText({ kind: 'constant', values: [500] })).toBe('500 ms');
    language.current = 'zh';
    expect([40, { uniform: [1, 10] }, { exponential: 5 }].map((one) => spreadText(one as Json))).toEqual(['40 毫秒', '1 – 10 毫秒', '~5 毫秒']);
    language.current = 'en';
    expect(spreadText({ kind: 'uniform', values: [1, 10] })).toBe(spreadText({ uniform: [1, 10] }));
    expect(spreadText({ kind: 'mixture', values: [[0.9, { kind: 'constant', values: [10] }]] })).toBe('~10 ms');
  });
  it('refuses distributions that mean nothing, and guesses sensible ones', () => {
    expect('refused' in readDistribution('uniform', ['9', '1'], {})).toBe(true);
    expect('refused' in readDistribution('lognormal', ['0', '1'], {})).toBe(true);
    expect(readDistribution('uniform', converted(80, 'uniform'), {})).toEqual({ value: { uniform: [64, 96] } });
  });
});

describe('fault lines', () => {
  const text = { en: '', zh: '' };
  const word = (change: object) => ({ title: text, help: text, group: 'network', target: '', target_optional: false, undo: 'heal', one_of: [], any_of: [], arguments: {}, ...change });
  it('keep the time and get what the new action needs', () => {
    const loss = word({ arguments: { from: { required: false, help: text, schema: {} }, chance: { required: true, help: text, schema: { type: 'number', minimum: 0, maximum: 1 } } } });
    expect(changedAction({ at_s: 3, do: 'kill', target: 'n1' }, 'loss', loss)).toEqual({ at_s: 3, do: 'loss', chance: 0.3 });
    const partition = word({ one_of: ['groups', 'shape'], arguments: { shape: { required: false, help: text, schema: { enum: ['halves'] } } } });
    expect(changedAction({ at_s: 3, do: 'kill', target: 'n1' }, 'partition', partition)).toEqual({ at_s: 3, do: 'partition', shape: 'halves' });
    expect(changedAction({ at_s: 3, do: 'heal' }, 'kill', word({ target: 'node' }))).toEqual({ at_s: 3, do: 'kill', target: 'leader' });
  });
  it('change their trigger', () => {
    const line = { at_s: 3, do: 'kill', target: 'n1' };
    expect(changedTrigger(line, 'every')).toEqual({ ...line, every_s: 5 });
    expect(triggerOf(changedTrigger(line, 'event'))).toBe('event');
    expect(changedTrigger(changedTrigger(line, 'event'), 'time')).toEqual({ ...line, at_s: 5 });
  });
  it('get a form from the schema alone', () => {
    expect([formOf({ type: 'number' }), formOf({ type: 'integer' }), formOf({ enum: ['a'] }), formOf({ $ref: '#/$defs/distribution' }), formOf({ type: 'object' }),
      formOf({ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] })]).toEqual(['number', 'whole', 'choice', 'distribution', 'json', 'ids']);
  });
});

describe('history', () => {
  it('undoes and redoes, and typing in one field is one step', () => {
    let history = record(record(record(begin('a'), 'ab', 'title'), 'abc', 'title'), 'x');
    expect(history.past).toEqual(['a', 'abc']);
    history = undo(undo(history));
    expect([history.present, history.future]).toEqual(['a', ['abc', 'x']]);
    expect(redo(history).present).toBe('abc');
    expect(record(history, 'b').future).toEqual([]);
    expect(undo(begin('a')).present).toBe('a');
  });
});

describe('files', () => {
  it('opens experiments and recipes, and refuses the rest with a reason', () => {
    const key = (text: string) => { const found = readExperiment(text); return 'refused' in found ? found.refused.key : 'fine'; };
    expect([key(JSON.stringify(three())), key(JSON.stringify({ experiment: three() })), key('{'), key('[]'), key('{"format":2}'), key('{"format":1}')])
      .toEqual(['fine', 'fine', 'editor.bad_file_json', 'editor.bad_file_format', 'editor.bad_file_format', 'editor.bad_file_topology']);
  });
  it('turns what was done to a run into lines of its script', () => {
    const commands = [
      { seq: 1, at_us: 1_500_000, do: { do: 'kill', target: 'n1' }, by: '', key: '' },
      { seq: 2, at_us: 2_000_000, do: { do: 'client', client: 'c1', operation: 'put', key: 'x', value: 'w' }, by: '', key: '' },
    ];
    const run = { experiment: three(), seed: 7, playhead: { branch: 1 }, branches: [{ id: 1, commands }] } as unknown as Parameters<typeof withCommands>[0];
    const made = withCommands(run);
    expect(made.faults).toEqual([{ at_s: 1.5, do: 'kill', target: 'n1' }]);
    expect(made.operations).toEqual([{ at_s: 2, client: 'c1', operation: 'put', key: 'x', value: 'w' }]);
    expect(made.seed).toBe(7);
  });
});

describe('the gallery', () => {
  const card = { id: 'RA-03', system: 'raft', title: { en: 'Partition', zh: '网络分区' }, question: null, variants: [] } as unknown as Card;
  it('finds words in any language, all of them', () => {
    expect([matches(card, 'partition 网络'), matches(card, 'ra-03'), matches(card, 'partition paxos'), matches(card, '')]).toEqual([true, true, false, true]);
  });
  it('has every row once', () => {
    expect(PARTS.flatMap(rowsOf)).toEqual(Array.from({ length: 49 }, (_, at) => `S${at + 1}`));
  });
});
