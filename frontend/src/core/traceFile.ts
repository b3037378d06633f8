/** A trace as a file: one chunk a line, in front of them a line that says what was run. */

import { encode } from '@msgpack/msgpack';
import { zlibSync } from 'fflate';

import { CHUNK_VERSIONS, type Chunk } from './chunk';
import type { Experiment } from './experiment';

export interface TraceFile {
  experiment: Experiment;
  seed: number;
  engine: number;
  title: string;
  chunks: Chunk[];
}
const FORMAT = 'platform-lab-trace';

/** What a file holds. Throws with the number of the line that is none of a trace. */
export function readTrace(text: string): TraceFile {
  const lines = text.split('\n').filter((line) => line.trim() !== '').map((line, at) => parsed(line, at + 1));
  const head = (lines[0] as { format?: unknown } | undefined)?.format === FORMAT ? (lines.shift() as Partial<TraceFile>) : {};
  const chunks = lines as Chunk[];
  chunks.forEach((chunk, at) => {
    if (!chunk || typeof chunk !== 'object' || !CHUNK_VERSIONS.includes(chunk.v) || !chunk.keyframe || !Array.isArray(chunk.sends)) throw new TypeError(String(at + 1));
  });
  if (!chunks.length) throw new TypeError('1');
  chunks.sort((a, b) => a.t0_us - b.t0_us);
  return { experiment: head.experiment ?? guessed(chunks[0]!), seed: head.seed ?? 0, engine: head.engine ?? Number(chunks[0]!.engine), title: head.title ?? '', chunks };
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new TypeError(String(number));
  }
}

/** A trace without its first line still knows its nodes, and of which system they are. */
function guessed({ keyframe }: Chunk): Experiment {
  const system = Object.values(keyframe.processes).find((one) => one.system !== undefined)?.system ?? '';
  return { format: 1, id: 'trace', title: { en: 'Trace', zh: '轨迹' }, seed: 0, system, topology: { nodes: Object.keys(keyframe.nodes).map((id) => ({ id })) } } as unknown as Experiment;
}

/** The chunks as the frames that a server would send. */
export function framesOf(chunks: readonly Chunk[]): Uint8Array[] {
  return chunks.map((chunk, index) => {
    const { t0_us, t1_us, level } = chunk;
    const header = encode({ run: '', branch: 0, revision: 0, index, t0_us, t1_us, level, previous_hash: `${t0_us}`, hash: `${t1_us}` });
    const body = zlibSync(encode(chunk), { level: 1 });
    const frame = new Uint8Array(4 + header.length + body.length);
    new DataView(frame.buffer).setUint32(0, header.length);
    frame.set(header, 4);
    frame.set(body, 4 + header.length);
    return frame;
  });
}
