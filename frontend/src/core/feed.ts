/** The run in words: what happened and why, newest first, repeated lines counted once. */

import { isPassing, KIND, type Chunk, type Json, type NoteRef, type Verdict } from './chunk';
import { noteOf, type Descriptors, type Note } from './descriptor';
import { nodeOfProcess } from './experiment';
import type { Trace } from './trace';

export interface FeedLine {
  key: string;
  at_us: number;
  number: number;
  node: string;
  count: number;
  kind: 'note' | 'command' | 'start' | 'lost' | 'verdict';
  note?: { note: Note; values: Record<string, Json>; id: string; observed: boolean };
  command?: Record<string, Json>;
  lost?: { from: string; to: string; reason: string; type: string };
  life?: number;
  verdict?: { check: string; verdict: Verdict; note: NoteRef | null };
}

/** The lines up to a moment, newest first, at most `count`, about one node when it is given. */
export function feedAt(trace: Trace, branch: number, at_us: number, descriptors: Descriptors, count: number, node: string | null = null): FeedLine[] {
  const lines: FeedLine[] = [];
  const pieces = [...trace.pieces(branch, at_us + 1)].reverse();
  for (const { piece, until_us } of pieces) {
    const until = Math.min(at_us, until_us);
    for (const line of newestFirst(piece.chunk, descriptors)) {
      if (line.at_us > until || (node && line.node !== node)) continue;
      if (!coalesced(lines, line)) lines.push({ ...line });
      if (lines.length > count) return lines.slice(0, count);
    }
  }
  return lines;
}

const told = new WeakMap<Chunk, FeedLine[]>();

/** Everything that a chunk has to say, put together when somebody first reads it. */
function newestFirst(chunk: Chunk, descriptors: Descriptors): readonly FeedLine[] {
  let found = told.get(chunk);
  if (!found) {
    found = [...linesOf(chunk.events, descriptors), ...lostSends(chunk.sends), ...verdictLines(chunk)];
    told.set(chunk, found.sort((a, b) => b.at_us - a.at_us || b.number - a.number));
  }
  return found;
}

/** A line said again within a moment is counted on the line above it. */
const TOGETHER_US = 3_000_000;
const LOOK_BACK = 24;

function coalesced(lines: FeedLine[], line: FeedLine): boolean {
  const same = lines.slice(-LOOK_BACK).find((other) => other.key === line.key && other.at_us - line.at_us < TOGETHER_US);
  if (!same) return false;
  same.count += line.count;
  return true;
}

function linesOf(events: readonly (readonly unknown[])[], descriptors: Descriptors): FeedLine[] {
  const lines: FeedLine[] = [];
  for (const [number, at_us, kind, process, , detail, , notes] of events as [number, number, number, string, number, Json, unknown, NoteRef[] | null][]) {
    const base = { at_us, number, node: nodeOfProcess(process), count: 1 };
    if (kind === KIND.command && !isBookkeeping(detail)) lines.push({ ...base, key: `command${number} ${at_us}`, kind: 'command', command: (detail ?? {}) as Record<string, Json>, node: '' });
    if (kind === KIND.start && at_us > 0) lines.push({ ...base, key: `start${process}${number}`, kind: 'start', life: Number(detail) });
    for (const [id, values, observed = false, by = process] of notes ?? []) {
      const note = noteOf(descriptors, id);
      if (!note || note.level === 'detail') continue;
      lines.push({ ...base, node: nodeOfProcess(by), key: `note${id}${by}${salient(values)}`, kind: 'note', note: { note, values, id, observed } });
    }
  }
  return lines;
}

/** The end of what had ended before, or of a wait that was met: nothing happened. */
const isBookkeeping = (detail: Json): boolean => ['over', 'late'].includes(String((detail as Record<string, Json> | null)?.skipped));

/** Two notes are the same to a reader when they name the same others; counters and indexes may differ. */
const salient = (values: Record<string, Json>): string => Object.values(values).filter((value) => typeof value === 'string').join();

function lostSends(sends: readonly (readonly unknown[])[]): FeedLine[] {
  const lines: FeedLine[] = [];
  for (const [number, , depart_us, , from, to, fate, type] of sends as [number, number, number, number, string, string, number, string][]) {
    // Requests that meet a wall are the client's story: the result line and its own panel tell it.
    if ((fate !== 1 && fate !== 2) || type.startsWith('client.')) continue;
    const reason = fate === 1 ? 'lost' : 'cut';
    lines.push({ key: `lost${from}${reason}`, at_us: depart_us, number, node: nodeOfProcess(from), count: 1, kind: 'lost', lost: { from, to, reason, type } });
  }
  return lines;
}

function verdictLines({ keyframe, checks }: Chunk): FeedLine[] {
  const before = new Map(Object.entries(keyframe.checks).map(([check, state]) => [check, state.verdict]));
  const lines: FeedLine[] = [];
  for (const [at_us, check, state] of checks) {
    const changed = before.get(check) !== state.verdict;
    before.set(check, state.verdict);
    // That a check holds after its first look is shown by its lamp; the feed tells of what went wrong.
    if (!changed || state.verdict !== 'violated' || isPassing(check)) continue;
    lines.push({
      key: `verdict${check}${state.verdict}`, at_us, number: state.event ?? 0, node: '', count: 1, kind: 'verdict',
      verdict: { check, verdict: state.verdict, note: state.note },
    });
  }
  return lines;
}
