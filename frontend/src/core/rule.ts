/** Which rule ran last: the event, the handler it reached, and the note it left. */

import { KIND, type Chunk } from './chunk';
import { noteOf, type Descriptors } from './descriptor';
import { nodeOfProcess } from './experiment';
import { countAtOrBefore } from './world';

export interface Ran {
  process: string;
  system: string;
  at_us: number;
  number: number;
  /** What woke the process: "message AppendEntries", "timer election", "request", "durable", "start". */
  trigger: string;
  note: string | null;
}

/** The last executed event up to a moment, of one node when it is given; one that left a note wins within the chunk. */
export function lastRule(chunk: Chunk, at_us: number, node: string | null, descriptors: Descriptors): Ran | null {
  let plain: Ran | null = null;
  for (let index = countAtOrBefore(chunk.events, at_us) - 1; index >= 0; index--) {
    const [number, time_us, kind, process, , detail, , notes] = chunk.events[index]!;
    if (!process || kind === KIND.command || kind === KIND.drop || (node && nodeOfProcess(process) !== node)) continue;
    const note = notes?.find(([id]) => noteOf(descriptors, id))?.[0] ?? null;
    const trigger = triggerOf(kind, detail, number, chunk);
    const system = note?.split('.')[0] ?? chunk.keyframe.processes[process]?.system ?? Object.keys(descriptors)[0] ?? '';
    const ran = { process, system, at_us: time_us, number, trigger, note };
    if (note) return ran;
    plain ??= ran;
  }
  return plain;
}

function triggerOf(kind: number, detail: unknown, number: number, chunk: Chunk): string {
  if (kind === KIND.deliver) return `message ${tagOf(number, chunk)?.split('.').pop() ?? ''}`;
  if (kind === KIND.timer) return `timer ${String(detail)}`;
  if (kind === KIND.request) return 'request';
  return kind === KIND.disk ? 'durable' : 'start';
}

function tagOf(number: number, chunk: Chunk): string | undefined {
  const send = chunk.sends.find((one) => one[0] === number) ?? chunk.keyframe.flight.find((one) => one[0] === number);
  return send?.[7];
}
