/** Chunks written by hand for tests, in the shape of docs/protocol.md. */

import { encode } from '@msgpack/msgpack';
import { zlibSync } from 'fflate';

import type { Chunk, Frame, Keyframe, ProcessState, TraceEvent } from '../src/core/chunk';
import type { Descriptor } from '../src/core/descriptor';

const text = (en: string, zh: string) => ({ en, zh });

/** A system that does not exist: the page must draw it from this alone. */
export const tides: Descriptor = {
  name: 'tides', title: text('Tides', '潮汐'), paper: '',
  roles: [
    { name: 'ebb', shape: 'plain', title: text('ebb', '退潮'), crown: false },
    { name: 'flood', shape: 'double_ring', title: text('flood', '涨潮'), crown: true },
  ],
  fields: [
    { name: 'moon', kind: 'epoch', group: 'persistent', title: text('moon', '月相') },
    { name: 'shore', kind: 'log', group: 'persistent', title: text('shore', '岸') },
    { name: 'phase', kind: 'role', group: 'volatile', title: text('phase', '阶段') },
    { name: 'reached', kind: 'index', group: 'volatile', title: text('reached', '到达') },
    { name: 'pull', kind: 'timer', group: 'volatile', title: text('pull', '引力') },
    { name: 'gulls', kind: 'votes', group: 'volatile', title: text('gulls', '海鸥') },
  ],
  messages: [
    { name: 'Wave', kind: 'request', title: text('wave', '浪'), fields: ['moon', 'height'], good: '' },
    { name: 'Foam', kind: 'reply', title: text('foam', '泡沫'), fields: ['moon', 'wet'], good: 'wet' },
  ],
  notes: { 'tides.turned': { section: 'T 1', en: 'turns at height {height}', zh: '在高度 {height} 转向', level: 'rule' } },
  parameters: [], twins: [], properties: [], default_checks: [],
};

export const process = (fields: ProcessState['fields'], node = 'n1'): ProcessState => ({ node, kind: 'server', fields, timers: {} });

export function keyframe(at_us: number, processes: Record<string, ProcessState> = {}): Keyframe {
  const nodes = Object.fromEntries(Object.values(processes).map(({ node }) => [node, { state: 'up', life: 1 }]));
  return {
    at_us, number: 0, nodes, processes, clients: {}, flight: [], checks: {}, metrics: {}, faults: [],
    network: { cuts: [], holds: [], links: [], groups: [], walls: [] },
  };
}

export function chunk(t0_us: number, t1_us: number, changes: Partial<Chunk> = {}): Chunk {
  return { v: 1, engine: 1, t0_us, t1_us, level: 'full', keyframe: keyframe(t0_us), sends: [], events: [], operations: [], checks: [], ...changes };
}

export function frame(made: Chunk, { branch = 0, revision = 0, hash = `h${made.t1_us}`, previous_hash = `h${made.t0_us}` } = {}): Frame {
  return { header: { run: 'r', branch, revision, index: 0, t0_us: made.t0_us, t1_us: made.t1_us, hash, previous_hash, level: 'full' }, chunk: made };
}

/** A fired timer that changes fields. */
export const changed = (number: number, at_us: number, fields: ProcessState['fields'], id = 'n1'): TraceEvent =>
  [number, at_us, 1, id, 0, 'pull', { fields }, null];

/** A chunk as a frame on the wire. */
export function bytesOf(made: Chunk): Uint8Array {
  const head = encode({ ...frame(made).header, level: made.level });
  const body = zlibSync(encode(made));
  const bytes = new Uint8Array(4 + head.length + body.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(body, 4 + head.length);
  return bytes;
}
