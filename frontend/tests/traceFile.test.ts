import { describe, expect, it } from 'vitest';

import { framesOf, readTrace } from '../src/core/traceFile';
import { readFrame } from '../src/net/wire';
import { changed, chunk, keyframe, process } from './helpers';

const chunks = [chunk(0, 100, { keyframe: keyframe(0, { n1: process({ moon: 1 }) }), events: [changed(1, 50, { moon: 2 })] }), chunk(100, 200)];
const text = (...lines: unknown[]) => lines.map((line) => JSON.stringify(line)).join('\n');

describe('a trace file', () => {
  it('comes back as the frames that were sent', async () => {
    const head = { format: 'platform-lab-trace', title: 'T', seed: 5, engine: 1, experiment: { id: 'e', system: 'tides' } };
    const file = readTrace(`${text(head, ...chunks)}\n`);
    expect(file).toMatchObject({ title: 'T', seed: 5, experiment: { id: 'e' } });
    const frames = await Promise.all(framesOf(file.chunks).map(readFrame));
    expect(frames.map((frame) => frame.chunk)).toEqual(chunks);
    expect(frames[1]!.header).toMatchObject({ t0_us: 100, t1_us: 200, previous_hash: frames[0]!.header.hash });
  });
  it('knows its nodes without a first line', () => {
    expect(readTrace(text(chunks[1], chunks[0])).experiment.topology.nodes).toEqual([{ id: 'n1' }]);
  });
  it('that is none says at which line', () => {
    expect(() => readTrace(text(chunks[0], { v: 1 }))).toThrow('2');
    expect(() => readTrace(`${text(chunks[0])}\n{`)).toThrow('2');
    expect(() => readTrace('')).toThrow('1');
  });
});
