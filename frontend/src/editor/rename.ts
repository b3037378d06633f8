/** Give something another id, everywhere the experiment names it. */

import type { Experiment } from '../core/experiment';

/** Parts of the format that name nodes, clients and places. */
const SECTIONS = [
  'topology', 'initial', 'storage', 'clocks', 'workload', 'operations', 'faults', 'checks', 'predict', 'expect_sweep', 'play', 'variants',
] as const;
/** Keys whose values are words of the format or plain data, never ids of the topology. */
const WORDS = new Set([
  'do', 'operation', 'event', 'message', 'metric', 'check', 'title', 'question', 'value', 'key', 'expected', 'timer', 'note', 'field',
  'system', 'role', 'shape', 'disk', 'view', 'expect', 'statistic', 'parameters', 'arguments',
]);
/** Sections that are tables by id. */
const TABLES = new Set(['nodes', 'clocks']);

export function rename(experiment: Experiment, old: string, name: string): Experiment {
  const source = experiment as unknown as Record<string, unknown>;
  const changed = SECTIONS.filter((section) => section in source)
    .map((section) => [section, renamed(source[section], old, name, TABLES.has(section))] as const);
  return { ...experiment, ...Object.fromEntries(changed) } as Experiment;
}

function renamed(value: unknown, old: string, name: string, table: boolean): unknown {
  if (typeof value === 'string') return renamedId(value, old, name);
  if (Array.isArray(value)) return value.map((item) => renamed(item, old, name, false));
  if (!value || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [
    table ? renamedId(key, old, name) : key,
    WORDS.has(key) ? item : renamed(item, old, name, TABLES.has(key) && !Array.isArray(item)),
  ]));
}

/** "n1" and the process "n1/sentinel" on it. */
function renamedId(id: string, old: string, name: string): string {
  if (id === old) return name;
  return id.startsWith(`${old}/`) ? name + id.slice(old.length) : id;
}
