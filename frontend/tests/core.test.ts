import { encode } from '@msgpack/msgpack';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { actionsOn, groupsByLine, targetsOf } from '../src/core/actions';
import { language } from '../src/i18n/index.svelte';
import { latencyMs, placeOf, systemsOf, typicalMs } from '../src/core/experiment';
import { feedAt } from '../src/core/feed';
import { notesUntil } from '../src/core/lanes';
import { dotsAt, fateOf, inFlight, type Places } from '../src/core/flight';
import { layout } from '../src/core/layout';
import { playheadAt, ServerClock, SPEEDS, sliderToSpeed, speedText, speedToSlider, type Playhead } from '../src/core/playhead';
import { sidesOf } from '../src/core/reach';
import { lineWords } from '../src/core/lineWords';
import { decidesByMajority, duration, resultParts, sides, standing, voters } from '../src/core/result';
import { logCells, nodeScene } from '../src/core/scene';
import { gapsIn, ticks, timelineModel } from '../src/core/timeline';
import { ACK_LANE, besideLine, besideLines, clearUntil, freeUntil, latencyHeight, together } from '../src/views/tapePaint';
import { Trace } from '../src/core/trace';
import { judgedWords, partWords } from '../src/pages/judgedWords';
import { valueText } from '../src/panels/eventWords';
import { faultText } from '../src/panels/faults';
import { signsOf, wallsOf } from '../src/core/wall';
import { readFrame, splitRange } from '../src/net/wire';
import { retryDelay } from '../src/net/socket';
import { KIND, type CheckState, type Json, type Network, type NoteRef, type Send, type TraceEvent, type Verdict } from '../src/core/chunk';
import type { Descriptor } from '../src/core/descriptor';
import { changed, chunk, frame, keyframe, process, tides } from './helpers';

const ids = ['n1', 'n2', 'n3', 'n4', 'n5'];
const calm: Network = { cuts: [], holds: [], links: [], groups: [], walls: [] };
const between = (a: string[], b: string[]): [string, string][] => a.flatMap((from) => b.flatMap((to) => [[from, to], [to, from]] as [string, string][]));

describe('who can decide', () => {
  const all = new Set(ids);
  it('is the side with a majority of all, not of those that run', () => {
    const sides = sidesOf(ids, all, { ...calm, cuts: between(['n1', 'n2'], ['n3', 'n4', 'n5']) });
    expect(sides.map((side) => [side.nodes.length, side.decides])).toEqual([[2, false], [3, true]]);
    expect(sidesOf(ids, new Set(['n1', 'n2']), calm)[0]!.decides).toBe(false);
    expect(sidesOf(['n1', 'n2'], new Set(['n1']), calm)[0]!.decides).toBe(false);
  });
  it('needs links both ways, and a bridge lets its neighbours decide', () => {
    expect(sidesOf(ids, all, { ...calm, cuts: ids.slice(1).map((id) => [id, 'n1']) })).toHaveLength(2);
    const bridge = sidesOf(ids, all, { ...calm, cuts: between(['n1', 'n2'], ['n4', 'n5']) });
    expect(bridge).toHaveLength(1);
    expect(bridge[0]!.decides).toBe(true);
  });
});

describe('walls', () => {
  const topology = {
    regions: [{ id: 'e', zones: [{ id: 'ea' }] }, { id: 'w', zones: [{ id: 'wa' }] }],
    nodes: ids.map((id, at) => ({ id, zone: at < 2 ? 'ea' : 'wa' })),
  };
  const ground = layout(topology, new Map(), { w: 850, h: 560 });
  it('stands in the gap between two regions, and messages die on it', () => {
    const groups = [['n1', 'n2'], ['n3', 'n4', 'n5']];
    const walls = wallsOf({ ...calm, cuts: between(groups[0]!, groups[1]!), groups, walls: [{ id: 1, groups, since_us: 5 }] }, ground);
    expect(walls.lines).toHaveLength(1);
    const [e, w] = ground.regions.map((region) => region.box);
    expect(walls.lines[0]!.from.x).toBeGreaterThan(e!.x + e!.w);
    expect(walls.lines[0]!.from.x).toBeLessThan(w!.x);
    expect(walls.crossing('n1', 'n3')).toBeGreaterThan(0);
    expect(walls.crossing('n1', 'n2')).toBeNull();
    expect(walls.barriers).toEqual([]);
  });
  it('has one sign for walls that went up together, and none covers another', () => {
    const groups = [['n1'], ['n2'], ['n3', 'n4', 'n5']];
    const cuts = [...between(groups[0]!, [...groups[1]!, ...groups[2]!]), ...between(groups[1]!, groups[2]!)];
    const walls = wallsOf({ ...calm, cuts, groups, walls: [{ id: 1, groups, since_us: 5 }, { id: 3, groups: [['n5'], ['n1', 'n2', 'n3', 'n4']], since_us: 5 }, { id: 2, groups: [['n1', 'n2'], ['n3', 'n4', 'n5']], since_us: 9 }] }, ground);
    expect(walls.lines.length).toBeGreaterThan(2);
    const signs = signsOf(walls.lines, { width: 850, wide: 160, names: [] });
    expect(signs.map((one) => one.line.since_us)).toEqual([5, 9]);
    expect(Math.abs(signs[0]!.x - signs[1]!.x) >= 160 || Math.abs(signs[0]!.y - signs[1]!.y) >= 28).toBe(true);
  });
  it('has its sign beside the names of regions where there is room for it', () => {
    const line = { from: { x: 130, y: 4 }, to: { x: 130, y: 230 }, kind: 'cut' as const, since_us: 5 };
    const names = [{ x: 25, y: 6, w: 36, h: 22 }, { x: 150, y: 6, w: 36, h: 22 }];
    const at = (wide: number) => signsOf([line], { width: 374, wide, names })[0]!.x;
    expect(at(88)).toBe(150 - 44);
    expect(at(30)).toBe(130);
    expect(at(160)).toBe(130);
  });
  it('is a half barrier on a link that is cut one way', () => {
    const walls = wallsOf({ ...calm, cuts: [['n1', 'n3']] }, ground);
    expect(walls.barriers).toMatchObject([{ from: 'n1', to: 'n3', oneWay: true }]);
    expect(walls.crossing('n1', 'n3')).toBe(0.5);
    expect(walls.crossing('n3', 'n1')).toBeNull();
  });
});

describe('messages in flight', () => {
  const places: Places = { at: (id) => ({ n1: { x: 0, y: 0 }, n2: { x: 100, y: 0 } })[id], radius: () => 10, wall: () => 0.5 };
  const send = (fate: number, arrive = 1000): Send => [7, 1, 0, arrive, 'n1', 'n2', fate, 'tides.Wave', [3, 1]];
  const at = (made: Send, at_us: number, extra = {}) => dotsAt(chunk(0, 5000, { sends: [made], ...extra }), at_us, 100, places, { tides });
  it('move from edge to edge on the right-hand lane, in the hue of their epoch', () => {
    expect(at(send(0), 500)[0]).toMatchObject({ x: 50, y: 5, epoch: 3, reply: false, doomed: false, burst: null });
    expect(at(send(0), 1000)).toEqual([]);
  });
  it('burst at the wall when cut, on the way when lost, at the door when the receiver is down', () => {
    expect(at(send(2, -1), 4010)[0]!.burst).toBeGreaterThan(0);
    expect(at(send(2, -1), 4200)).toEqual([]);
    expect(fateOf(send(1), chunk(0, 1), null)).toMatchObject({ dies: true });
    const down = chunk(0, 5000, { sends: [send(0)], events: [[7, 1000, 6, 'n2', 1, 'down', null, null]] });
    expect(fateOf(send(0), down, null)).toMatchObject({ end: 1, end_us: 1000, dies: true });
  });
  it('wait at the wall while held', () => {
    const [dot] = at(send(3, -1), 4_000_000);
    expect(dot).toMatchObject({ held: true, burst: null });
  });
  it('are listed for a node with their arrivals, held ones last', () => {
    const other: Send = [8, 1, 0, 700, 'n3', 'n1', 0, 'tides.Foam', [3, true]];
    const wall: Send = [9, 1, 10, -1, 'n1', 'n2', 3, 'tides.Wave', [3, 1]];
    const made = chunk(0, 5000, { sends: [send(0), other, wall, [11, 1, 20, 900, 'n2', 'n3', 0, 'tides.Wave', [3, 1]]] });
    expect(inFlight(made, 500, 'n1').map((one) => [one.number, one.arrive_us])).toEqual([[8, 700], [7, 1000], [9, null]]);
    expect(inFlight(made, 700, 'n1').map((one) => one.number)).toEqual([7, 9]);
    expect(inFlight(made, 0, 'n3').map((one) => one.number)).toEqual([8]);
  });
  it('follow a command: one that is delayed flies anew, one that is dropped dies where it is', () => {
    const late = chunk(300, 5000, { keyframe: { ...keyframe(300), flight: [send(0)] }, sends: [[7, 1, 300, 2000, 'n1', 'n2', 0, 'tides.Wave', [3, 1]]] });
    expect(inFlight(late, 400, 'n1')).toMatchObject([{ number: 7, arrive_us: 2000 }]);
    expect(dotsAt(late, 400, 100, places, { tides })).toHaveLength(1);
    const gone = chunk(0, 5000, { sends: [send(0)], events: [[7, 500, 6, 'n2', -1, 'dropped', null, null]] });
    expect(inFlight(gone, 500, 'n1')).toEqual([]);
    expect(fateOf(send(0), gone, null)).toMatchObject({ end: 0.5, end_us: 500, dies: true });
  });
});

describe('the result line', () => {
  const loss = (verdict: Verdict | null, lost?: number) => resultParts({
    scenes: [], network: calm, clients: {}, places: new Map(), at_us: 0, last_ack_us: null, usual_gap_us: 1, leads: true,
    checks: verdict ? { no_lost_ack: { verdict, judged: 1, event: null, at_us: null, note: null } } : {},
    metrics: lost === undefined ? {} : { lost_acknowledged: lost },
  }).map((part) => [part.key, part.values?.count]);
  it('counts lost acknowledged writes by the metric, and believes the verdict where that is newer', () => {
    expect(loss('violated', 3)).toEqual([['map.result_lost', 3]]);
    expect(loss('unknown', 1)).toEqual([['map.result_lost', 1]]);
    expect(loss('violated', 0)).toEqual([['map.result_lost', '≥ 1']]);
    expect(loss(null, 2)).toEqual([['map.result_lost', 2]]);
  });
  it('says that none was lost only when somebody looked', () => {
    expect(loss('holds')).toEqual([['map.result_lost_none', undefined]]);
    expect(loss('unknown', 0)).toEqual([['map.result_lost_none', undefined]]);
    expect(loss('unknown')).toEqual([['map.lost_unknown', undefined]]);
    expect(loss(null)).toEqual([]);
  });
});

describe('the header', () => {
  const scene = (id: string, phase: string, moon: number, state = 'up') => nodeScene(id, {
    nodes: { [id]: { state, life: 1 } }, processes: { [id]: process({ moon, phase }, id) }, network: calm, faults: [],
  }, { tides });
  it('names epoch, leader and how many reach each other', () => {
    const scenes = [scene('n1', 'flood', 3), scene('n2', 'ebb', 3), scene('n3', 'ebb', 2, 'down')];
    const parts = standing({ scenes, network: calm, leads: true });
    expect(parts.map((part) => [part.key, part.values])).toEqual([
      ['map.term', { epoch: 3 }], ['map.head_leader', { node: 'n1' }], ['map.head_quorum', { voters: 2, all: 3 }],
    ]);
    expect(standing({ scenes: [scene('n1', 'ebb', 1)], network: calm, leads: true })[1]).toMatchObject({ key: 'map.head_no_leader' });
  });
});

describe('what is led without a vote', () => {
  const told: Descriptor = { ...tides, name: 'told', fields: tides.fields.filter((field) => field.kind !== 'votes') };
  const at = (id: string, phase: string, system: string, moon = 1) => [id, { ...process({ phase, moon }, id), system }] as const;
  const world = keyframe(0, Object.fromEntries([at('n1', 'flood', 'told'), at('n2', 'ebb', 'told'), at('guard', 'flood', 'tides', 7)]));
  const scenes = ['n1', 'n2', 'guard'].map((id) => nodeScene(id, world, { tides, told }));
  it('has a leader and no quorum, and its guards are not spoken of', () => {
    expect(standing({ scenes, network: calm, leads: true, system: 'told' }).map((part) => [part.key, part.values])).toEqual([
      ['map.term', { epoch: 1 }], ['map.head_leader', { node: 'n1' }],
    ]);
    expect(decidesByMajority(scenes, 'told')).toBe(false);
    expect(voters(scenes, 'tides')).toEqual(['guard']);
  });
  it('misses its leader, but never a majority', () => {
    const gone = { ...world, nodes: { ...world.nodes, n1: { state: 'down', life: 1 } } };
    const parts = resultParts({
      scenes: ['n1', 'n2', 'guard'].map((id) => nodeScene(id, gone, { tides, told })), network: calm, clients: {}, checks: {}, metrics: {},
      places: new Map(), at_us: 0, last_ack_us: null, usual_gap_us: 1, leads: true, system: 'told',
    });
    expect(parts.map((part) => part.key)).toEqual(['map.result_down', 'map.result_no_leader']);
  });
});

describe('lines in words', () => {
  const words = lineWords({
    faults: { command: { title: { en: 'System command', zh: '系统命令' } }, set_parameter: { title: { en: 'Set parameter', zh: '设置参数' } }, configure: { title: { en: 'Change membership', zh: '变更成员' } } },
    systems: { tides: {
      ...tides,
      parameters: [{ name: 'swell', type: 'int', default: 1, title: { en: 'swell', zh: '涌浪' }, help: { en: '', zh: '' }, unit: 'm', minimum: null, maximum: null, choices: [] }],
      instructions: [{
        name: 'dredge', do: 'command', title: { en: 'Dredge', zh: '疏浚' }, help: { en: '', zh: '' }, hears: 'all', starts: '', lane: '',
        asked: [{ name: 'depth', kind: 'number', title: { en: 'depth', zh: '深度' }, of: '', choices: [], default: null }, { name: 'to', kind: 'node', title: { en: 'to', zh: '到' }, of: '', choices: [], default: null }],
      }],
    } },
  });
  it('names a command of a system, in the script and in the trace, with what it was told', () => {
    const line = { do: 'command', name: 'dredge', arguments: { depth: [3, 4], to: 'n2' } };
    expect(faultText(line, words)).toBe('Dredge: depth 3, 4, to n2');
    expect(faultText({ do: 'command', script: 0, resolved: [], arguments: { name: 'dredge', arguments: line.arguments } }, words)).toBe('Dredge: depth 3, 4, to n2');
  });
  it('calls nothing by its word', () => {
    expect([valueText(null, undefined, {} as never, 'n1'), valueText(undefined, undefined, {} as never, 'n1')]).toEqual(['none', '–']);
  });
  it('names the setting and its value, and who comes and goes', () => {
    expect(faultText({ do: 'set_parameter', target: 'n1', name: 'swell', value: 3 }, words)).toBe('Set parameter n1: swell = 3 m');
    expect(faultText({ do: 'configure', add: ['n5'], remove: 'n2' }, words)).toBe('Change membership: + n5, − n2');
    expect(faultText({ do: 'configure', add: ['n5'], role: 'learner' }, words)).toBe('Change membership: + n5 (learner)');
    expect(faultText({ do: 'configure', promote: ['n5'] }, words)).toBe('Change membership: promote n5');
    expect(faultText({ do: 'set_parameter', name: 'swell', value: [1, 3] }, words)).toBe('Set parameter: swell = 1 – 3 m');
    expect(faultText({ do: 'delay', from: 'n1', to: 'n2', extra_ms: { kind: 'constant', values: [500] } }, words)).toMatch(/n1 → n2 500 ms$/);
  });
});

describe('who decides', () => {
  const shore: Descriptor = {
    ...tides, fields: [...tides.fields, { name: 'dry', kind: 'voter', group: 'volatile', title: { en: 'dry', zh: '干' } },
      { name: 'wind', kind: 'text', group: 'volatile', title: { en: 'wind', zh: '风' }, badge: 'always', words: { up: { en: 'rising', zh: '渐强' } } },
      { name: 'wreck', kind: 'text', group: 'volatile', title: { en: 'wreck', zh: '残骸' }, badge: 'after_loss' }],
  };
  const at = (id: string, fields: Record<string, Json>) => [id, process({ phase: 'ebb', moon: 1, wind: 'up', wreck: '', ...fields }, id)] as const;
  const world = keyframe(0, Object.fromEntries([at('n1', { dry: true }), at('n2', { dry: true, wreck: 'hull' }), at('n3', { dry: false }), at('n4', { dry: false })]));
  const scenes = ['n1', 'n2', 'n3', 'n4'].map((id) => nodeScene(id, world, { shore }));
  it('counts only those that have a vote', () => {
    expect(voters(scenes)).toEqual(['n1', 'n2']);
    const cut = { ...calm, cuts: between(['n1', 'n2'], ['n3', 'n4']) };
    expect(sides({ scenes, network: cut }).map((side) => [side.nodes.length, side.voters, side.decides])).toEqual([[2, 2, true], [2, 0, false]]);
  });
  it('says of a run by hand that messages wait for whoever is the network', () => {
    const said = resultParts({
      scenes, network: calm, clients: {}, checks: {}, metrics: {}, places: new Map(), at_us: 0, last_ack_us: null, usual_gap_us: 1, leads: true, byHand: true,
    }).map((part) => part.key);
    expect(said).toEqual(['map.result_by_hand', 'map.result_no_leader']);
  });
  it('does not say of one moment that nobody decides and all are served', () => {
    const said = (cuts: [string, string][], leads = false) => resultParts({
      scenes, network: { ...calm, cuts }, clients: { c1: { at: 'n1', waiting: 1, oldest_us: 0, ok: 1, fail: 0, unknown: 0 } }, checks: {}, metrics: {},
      places: new Map(), at_us: 90, last_ack_us: 50, usual_gap_us: 100, leads,
    }).map((part) => part.key);
    expect(said([])).toContain('map.result_served');
    expect(said([], true)).toContain('map.result_last_answer');
    const apart = said(between(['n1', 'n3'], ['n2', 'n4']));
    expect(apart).toContain('map.result_nobody');
    expect(apart).toContain('map.result_last_answer');
    expect(apart).not.toContain('map.result_served');
  });
  it('says nothing of a time whose answers are not in hand', () => {
    const said = (since_us: number) => resultParts({
      scenes, network: calm, clients: { c1: { at: 'n1', waiting: 1, oldest_us: 0, ok: 0, fail: 0, unknown: 0 } }, checks: {}, metrics: {}, places: new Map(),
      at_us: 700, last_ack_us: null, since_us, usual_gap_us: 100, leads: false,
    }).filter((part) => part.key === 'map.result_gap');
    expect(said(0)).toHaveLength(1);
    expect(said(650)).toEqual([]);
  });
  it('shows what a system puts on the map, in words', () => {
    expect(scenes[0]!.badges).toEqual([{ text: { en: 'rising', zh: '渐强' }, afterLoss: false }]);
    expect(scenes[1]!.badges[1]).toEqual({ text: { en: 'hull', zh: 'hull' }, afterLoss: true });
  });
  it('tells a link that is cut from one that works one way, and misses no leader where nobody leads', () => {
    const said = (cuts: [string, string][], leads: boolean) => resultParts({
      scenes, network: { ...calm, cuts }, clients: {}, checks: {}, metrics: {}, places: new Map(), at_us: 0, last_ack_us: null, usual_gap_us: 1, leads,
    }).map((part) => part.key);
    expect(said([['n1', 'n3']], true)).toContain('map.result_one_way');
    expect(said([['n1', 'n3'], ['n3', 'n1']], true)).toContain('map.result_cut_links');
    expect(said([['n1', 'n3']], true)).toContain('map.result_no_leader');
    expect(said([['n1', 'n3']], false)).not.toContain('map.result_no_leader');
  });
});

describe('scenes', () => {
  const log = { first: 1, last: 3, hash: 'h', entries: [[1, 'a'], [1, 'b'], [2, 'c']] as [number, string][] };
  it('reads role, epoch and log by the kinds of the fields', () => {
    const world = { nodes: { n1: { state: 'up', life: 1 } }, processes: { n1: process({ moon: 4, phase: 'flood', shore: log as never, reached: 2, gulls: ['n2'] }) }, network: calm, faults: [] };
    expect(nodeScene('n1', world, { tides })).toMatchObject({ epoch: 4, leading: true, committed: 2, votes: ['n2'] });
    expect(nodeScene('n1', { ...world, nodes: { n1: { state: 'down', life: 1 } } }, { tides }).leading).toBe(false);
  });
  it('aligns log cells by index', () => {
    expect(logCells(log, 2, 3, 4).map((cell) => [cell.index, cell.state])).toEqual([[2, 'committed'], [3, 'stored'], [4, 'missing']]);
  });
});

describe('the timeline', () => {
  it('has bands, elections, faults that end, and pauses', () => {
    const trace = new Trace();
    const fault = { id: 1, do: 'kill', target: ['n1'], since_us: 100 };
    trace.add(frame(chunk(0, 1000, {
      keyframe: keyframe(0, { n1: process({ moon: 1, phase: 'ebb' }), h1: process({}) }),
      events: [
        changed(1, 50, { moon: 2, phase: 'flood' }), [-1, 100, 4, '', 0, { do: 'kill', fault: 1, resolved: ['n1'] }, { faults: [fault] }, null],
        [-2, 300, 4, '', 0, { do: 'restart' }, { faults: [] }, null], changed(4, 900, { moon: 3, phase: 'ebb' }),
      ],
      operations: [[1, 'c', 'put', 'x', 1, 10, 60, 'ok', null, 'n1'], [2, 'c', 'put', 'x', 1, 10, 800, 'ok', null, 'n1']],
    })));
    const model = timelineModel(trace, 0, { tides }, 850, 200);
    expect(model.bands).toEqual([{ from_us: 0, to_us: 50, epoch: 1 }, { from_us: 50, to_us: 850, epoch: 2 }]);
    expect(model.elections).toEqual([{ at_us: 50, node: 'n1', epoch: 2 }]);
    expect(model.faults).toMatchObject([{ from_us: 100, to_us: 300 }]);
    expect(model.gaps).toEqual([{ from_us: 60, to_us: 800 }]);
    expect(model.lanes).toEqual([{ node: 'n1', leading: [{ from_us: 50, to_us: 850, epoch: 2 }] }]);
    expect([model.acknowledged_us, model.latency_us]).toEqual([[60, 800], [50, 790]]);
    const ahead = timelineModel(trace, 0, { tides }, 5000, 300);
    expect(ahead.bands.at(-1)).toEqual({ from_us: 900, to_us: 1000, epoch: 3 });
    expect(ahead.gaps).toEqual([{ from_us: 60, to_us: 800 }]);
  });
  it('tells a machine that stands still from one that is slow', () => {
    expect([0, 0.1, 1, 20].map(speedText)).toEqual(['0×', '1/10×', '1×', '20×']);
  });
  it('paints a slow answer taller than a quick one, within its lane', () => {
    const heights = [0, 1_000, 20_000, 500_000, 1e9].map(latencyHeight);
    expect([...heights].sort((a, b) => a - b)).toEqual(heights);
    expect([heights[0], heights[4]]).toEqual([heights[1], ACK_LANE]);
  });
  it('writes beside what it is about, and over nothing else', () => {
    const fault = (from_us: number, to_us: number, row = 0) => ({ id: String(from_us), fault: {} as never, from_us, to_us, row });
    const [first, second, other] = [fault(0, 10), fault(40, 60), fault(20, 30, 1)];
    const model = { faults: [first!, second!, other!], until_us: 100 };
    expect(freeUntil(model, first!, 3)).toBe(40);
    expect(freeUntil(model, first!, 1)).toBe(20);
    expect(freeUntil(model, second!, 3)).toBe(100);
    expect([clearUntil(model, second!, 3), clearUntil(model, first!, 3)]).toEqual([60, 10]);
    const crowd = [fault(0, 90), fault(30, 80), fault(50, 50)];
    expect(crowd.map((one) => clearUntil({ faults: crowd, until_us: 100 }, one, 1))).toEqual([30, 50, 50]);
    expect([besideLine(100, 50, 400), besideLine(380, 50, 400)]).toEqual([105, 325]);
    // Three violations: the words of the first end before the second's, whose own stand to the left of the edge.
    expect(besideLines([{ x: 100, wide: 90 }, { x: 150, wide: 90 }, { x: 380, wide: 50 }], 400)).toEqual([
      { left: 105, room: 37 }, { left: 155, room: 162 }, { left: 325, room: 75 },
    ]);
    expect(together([{ x: 10 }, { x: 40 }, { x: 47 }, { x: 60 }], 36)).toEqual([[{ x: 10 }, { x: 40 }], [{ x: 47 }, { x: 60 }]]);
  });
  it('counts no pause before the first acknowledgement, and ticks at round numbers', () => {
    expect(gapsIn([], 1000, 10)).toEqual([]);
    expect(gapsIn([5], 1000, 10)).toEqual([{ from_us: 5, to_us: 1000 }]);
    expect(ticks(0, 5_000_000, 5)).toEqual([0, 1e6, 2e6, 3e6, 4e6, 5e6]);
  });
});

it('knows every system that nodes carry, the experiment’s own first', () => {
  const nodes = [{ id: 'n1', processes: [{ system: 'raft' }, { system: 'manager' }] }, { id: 'n2', processes: [{ system: 'raft' }] }, { id: 'n3' }];
  expect(systemsOf({ format: 1, id: 'x', title: { en: '', zh: '' }, system: 'store', seed: 1, topology: { nodes }, stop_s: 1 })).toEqual(['store', 'raft', 'manager']);
});

describe('the feed', () => {
  it('says each thing once with its count, newest first, and nothing from the future', () => {
    const trace = new Trace();
    const note = (number: number, at_us: number): [number, number, number, string, number, null, null, [string, { height: number }][]] =>
      [number, at_us, 1, 'n1', 0, null, null, [['tides.turned', { height: number }]]];
    trace.add(frame(chunk(0, 1000, { events: [note(1, 10), note(2, 20), note(3, 900)] })));
    const lines = feedAt(trace, 0, 500, { tides }, 10);
    expect(lines.map((line) => [line.at_us, line.count])).toEqual([[20, 2]]);
  });
  it('says who, also where a command reached several at once, and counts nobody for another', () => {
    const trace = new Trace();
    const told = (number: number, at_us: number, ...who: string[]): TraceEvent =>
      [number, at_us, KIND.command, '', 0, { do: 'command', script: 0 }, null, who.map((by): NoteRef => ['tides.turned', { height: 1 }, false, by])];
    trace.add(frame(chunk(0, 1000, { events: [told(-1, 10, 'n1', 'n2/guard'), told(-2, 20, 'n1')] })));
    const notes = feedAt(trace, 0, 500, { tides }, 10).filter((line) => line.kind === 'note');
    expect(notes.map((line) => [line.node, line.count])).toEqual([['n1', 2], ['n2', 1]]);
    expect(notesUntil(trace, 0, 500).map((note) => note.process)).toEqual(['n1', 'n2/guard', 'n1']);
  });
  it('tells what is violated, but not that copies differ while writes are under way', () => {
    const trace = new Trace();
    const state = (verdict: Verdict): CheckState => ({ verdict, judged: 1, event: 1, at_us: 10, note: null });
    trace.add(frame(chunk(0, 1000, { checks: [[10, 'no_lost_ack', state('violated')], [20, 'replicas_equal', state('violated')]] })));
    expect(feedAt(trace, 0, 500, { tides }, 10).map((line) => line.verdict?.check)).toEqual(['no_lost_ack']);
  });
  it('tells a line that strikes again apart from the first time: both have the number of the line', () => {
    const trace = new Trace();
    const struck = (at_us: number): TraceEvent => [-4, at_us, KIND.command, '', 0, { do: 'kill', script: 3 }, null, null];
    trace.add(frame(chunk(0, 1000, { events: [struck(10), struck(400)] })));
    const lines = feedAt(trace, 0, 500, { tides }, 10);
    expect(lines.map((line) => line.at_us)).toEqual([400, 10]);
    expect(new Set(lines.map((line) => line.key)).size).toBe(2);
  });
  it('tells once of a check that is judged again after it was violated', () => {
    const trace = new Trace();
    const violated: CheckState = { verdict: 'violated', judged: 1, event: 7, at_us: 10, note: null };
    trace.add(frame(chunk(0, 1000, { checks: [[10, 'no_lost_ack', violated]] })));
    const later = { ...keyframe(1000), checks: { no_lost_ack: violated } };
    trace.add(frame(chunk(1000, 9e6, { keyframe: later, checks: [[8e6, 'no_lost_ack', { ...violated, judged: 2 }]] })));
    expect(feedAt(trace, 0, 9e6, { tides }, 10).map((line) => line.at_us)).toEqual([10]);
  });
  it('tells that a line found nobody, and not that an end came to nothing', () => {
    const trace = new Trace();
    const skipped = (number: number, reason: string): TraceEvent => [number, 10, KIND.command, '', 0, { do: 'kill', script: 0, skipped: reason }, null, null];
    trace.add(frame(chunk(0, 1000, { events: [skipped(-1, 'no_target'), skipped(-2, 'over'), skipped(-3, 'late')] })));
    expect(feedAt(trace, 0, 500, { tides }, 10).map((line) => line.command?.skipped)).toEqual(['no_target']);
  });
});

describe('the clock', () => {
  const head: Playhead = { branch: 0, playing: true, speed: 0.5, anchor_us: 1000, anchor_ms: 100, sequence: 1, gate_us: null };
  it('maps server time to virtual time, up to the gate and the end', () => {
    expect(playheadAt(head, 300)).toBe(101_000);
    expect(playheadAt({ ...head, playing: false }, 300)).toBe(1000);
    expect(playheadAt({ ...head, gate_us: 2000 }, 300)).toBe(2000);
    expect(playheadAt(head, 1e9, 5000)).toBe(5000);
  });
  it('believes the fastest answer', () => {
    let now = 1000;
    const clock = new ServerClock(() => now);
    clock.hint(5000);
    now = 1200;
    clock.pong(1000, 6100);
    expect(clock.now()).toBe(6200);
    now = 1210;
    clock.pong(1206, 7000);
    expect(clock.now()).toBe(7002);
  });
  it('has a logarithmic slider that meets every speed', () => {
    for (const speed of SPEEDS) expect(sliderToSpeed(speedToSlider(speed))).toBe(speed);
  });
  it('waits longer after every failure, never the same for all', () => {
    expect(retryDelay(0, 0)).toBeLessThan(retryDelay(0, 1));
    expect(retryDelay(9, 0)).toBeGreaterThan(retryDelay(1, 1));
  });
});

describe('places and words', () => {
  const topology = {
    regions: [{ id: 'east', zones: [{ id: 'a' }] }, { id: 'west' }], nodes: [{ id: 'n1', zone: 'a' }, { id: 'n2', zone: 'west' }, { id: 'n3' }],
    links: { default: { latency_ms: 3 }, between: [{ from: 'east', to: 'west', latency_ms: { lognormal: [80, 0.1] } }] },
  };
  it('finds regions, zones and latencies', () => {
    expect(placeOf(topology, 'n1')).toEqual({ region: 'east', zone: 'a' });
    expect(placeOf(topology, 'n2')).toEqual({ region: 'west', zone: '' });
    expect(latencyMs(topology, 'n2', 'n1')).toBe(80);
    expect(latencyMs(topology, 'n1', 'n3')).toBe(3);
    expect(typicalMs({ uniform: [2, 6] })).toBe(4);
  });
  it('says durations and targets as people do', () => {
    expect([498_000, 3_900_000, 125_000_000].map(duration)).toEqual(['498 ms', '3.90 s', '2 min 5 s']);
    expect(targetsOf({ do: 'partition', groups: [['n1', 'n2'], ['n3']] })).toBe('n1, n2 | n3');
    language.current = 'zh';
    expect([498_000, 3_900_000, 125_000_000].map(duration)).toEqual(['498 毫秒', '3.90 秒', '2 分钟 5 秒']);
    expect(targetsOf({ do: 'partition', groups: [['n1', 'n2'], ['n3']] })).toBe('n1、n2 | n3');
    language.current = 'en';
    expect(targetsOf({ do: 'kill', target: 'leader', resolved: ['n2'] })).toBe('n2');
  });
  it('parts nodes by a drawn line, unless all stand on one side', () => {
    const spots = new Map([['n1', { x: 0, y: 0 }], ['n2', { x: 100, y: 0 }]]);
    expect(groupsByLine(spots, { x: 50, y: -10 }, { x: 50, y: 10 })).toEqual([['n1'], ['n2']]);
    expect(groupsByLine(spots, { x: 500, y: -10 }, { x: 500, y: 10 })).toBeNull();
  });
  it('says why an action cannot be done now', () => {
    const board = { scenes: [], network: calm, faults: 0, topology: { nodes: [] }, selected: null, blocked: null };
    const actions = actionsOn(board);
    expect(actions.kill.why?.key).toBe('break.why_none_selected');
    expect(actions.heal.why?.key).toBe('break.why_no_fault');
    expect(Object.values(actionsOn({ ...board, blocked: { key: 'break.why_readonly' } })).every((action) => action.command === null)).toBe(true);
  });
});

describe('the wire', () => {
  it('reads a range of frames, and refuses one that is cut short or of another version', async () => {
    const bytes = (version: number) => {
      const head = encode(frame(chunk(0, 5)).header);
      const body = zlibSync(encode({ ...chunk(0, 5), v: version }));
      const made = new Uint8Array(4 + head.length + body.length);
      new DataView(made.buffer).setUint32(0, head.length);
      made.set(head, 4);
      made.set(body, 4 + head.length);
      return made;
    };
    const one = bytes(1);
    const range = new Uint8Array(2 * (4 + one.length));
    for (const at of [0, 4 + one.length]) {
      new DataView(range.buffer).setUint32(at, one.length);
      range.set(one, at + 4);
    }
    const frames = splitRange(range);
    expect(frames).toHaveLength(2);
    expect((await readFrame(frames[1]!)).chunk.t1_us).toBe(5);
    expect(() => splitRange(range.subarray(0, range.length - 1))).toThrow();
    await expect(readFrame(bytes(2))).resolves.toMatchObject({ chunk: { v: 2 } });
    await expect(readFrame(bytes(3))).rejects.toThrow('version');
  });
});

describe('judged lines of a concept', () => {
  const card = { variants: [{ id: 'ebb_first', title: { en: 'Ebb first', zh: '先退潮' } }] };
  it('are told by titles and names, not by codes', () => {
    expect(judgedWords(card, 'rto_s: ebb_first less base')).toBe('measured RTO, s: “Ebb first” less than “the base”');
    expect(judgedWords(card, 'longest_gap_ms <= 600 (from 3 s)')).toBe('longest gap without an answer, ms <= 600 (from 3 s)');
    expect(partWords(card, 'ebb_first')).toBe('Ebb first');
  });
});
