/** All logs side by side, aligned by index: what each holds, what is committed, missing, compacted or in conflict. Pure. */

import type { Json } from './chunk';
import { numberIn, type NodeScene } from './scene';
import type { World } from './world';
import { countsEntries, type Text } from './descriptor';

export interface LogCell {
  index: number;
  epoch: number;
  label: string;
  /** compacted: before the log's first index; unseen: older than the entries that a view carries. */
  state: 'committed' | 'stored' | 'missing' | 'compacted' | 'unseen';
}
export interface LogRow {
  scene: NodeScene;
  cells: LogCell[];
}
export interface LogTable {
  indexes: number[];
  rows: LogRow[];
  /** Indexes at which two logs hold different entries; each may have an order of its own where entries are only counted. */
  conflicts: Set<number>;
}

export function logTable(scenes: readonly NodeScene[], until: number, count: number): LogTable {
  const from = Math.max(1, until - count + 1);
  const indexes = Array.from({ length: Math.max(0, until - from + 1) }, (_, at) => from + at);
  const rows = scenes.filter((scene) => scene.log).map((scene) => ({ scene, cells: indexes.map((index) => cellAt(scene, index)) }));
  const ordered = rows.filter(({ scene }) => !countsEntries(scene.descriptor));
  const conflicts = new Set(indexes.filter((_, at) => {
    const held = ordered.map(({ cells }) => cells[at]!).filter((cell) => cell.state === 'committed' || cell.state === 'stored');
    return new Set(held.map((cell) => `${cell.epoch} ${cell.label}`)).size > 1;
  }));
  return { indexes, rows, conflicts };
}

function cellAt({ log, committed }: NodeScene, index: number): LogCell {
  const empty = { index, epoch: 0, label: '' };
  if (!log || index > log.last) return { ...empty, state: 'missing' };
  if (index < log.first) return { ...empty, state: 'compacted' };
  const entry = log.entries[index - (log.last - log.entries.length + 1)];
  if (!entry) return { ...empty, state: 'unseen' };
  return { index, epoch: numberIn(entry[0]), label: String(entry[1] ?? ''), state: committed === null || index <= committed ? 'committed' : 'stored' };
}

export interface LeaderMark {
  title: Text;
  by: string;
  /** node -> index. */
  at: Record<string, number>;
}

/** What the leader of the highest epoch knows of each node: every field of its own that maps nodes to an index. */
export function leaderMarks(scenes: readonly NodeScene[], world: World | null): LeaderMark[] {
  const leader = scenes.filter((scene) => scene.leading).sort((a, b) => b.epoch - a.epoch)[0];
  const process = leader?.process ? world?.processes[leader.process] : undefined;
  if (!leader || !process) return [];
  return (leader.descriptor?.fields ?? []).filter((field) => field.group === 'leader' && field.kind === 'index').flatMap((field) => {
    const at = indexesIn(process.fields[field.name]);
    return Object.keys(at).length ? [{ title: field.title, by: leader.id, at }] : [];
  });
}

function indexesIn(value: Json | undefined): Record<string, number> {
  if (!value || typeof value !== 'object' || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((one): one is [string, number] => typeof one[1] === 'number'));
}
