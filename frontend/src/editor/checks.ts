/** Checks of an experiment: a named one with the verdict that is expected, or a measured number with bounds. */

import { checkWords, measured, metricWords } from '../i18n/names';
import type { Descriptor } from '../core/descriptor';

export interface CheckLine {
  check?: string;
  metric?: string;
  expect?: string;
  at_least?: number;
  at_most?: number;
  equals?: unknown;
  [other: string]: unknown;
}

/** Checks that judge client histories, whatever the system. */
const GENERAL = ['no_lost_ack', 'linearizable'];
/** Numbers that are measured in every run. */
export const METRICS = [
  'longest_gap_ms', 'acknowledged', 'failed', 'unknown', 'lost_acknowledged', 'availability', 'goodput', 'latency_p50_ms', 'latency_p99_ms',
  'leader_changes', 'elections', 'messages',
] as const;

export const plainCheck = (check: unknown): CheckLine => (typeof check === 'string' ? { check } : (check as CheckLine));

export function namedChecks(descriptor: Descriptor | undefined, present: readonly CheckLine[]): string[] {
  const names = [...(descriptor?.default_checks ?? []), ...(descriptor?.properties.map((one) => one.name) ?? []), ...GENERAL];
  return [...new Set(names)].filter((name) => !present.some((one) => one.check === name));
}

export function checkText(check: CheckLine): string {
  const name = check.check ? checkWords(check.check) : metricWords(check.metric ?? '');
  const scope = ['client', 'node', 'key', 'operation'].filter((part) => check[part]).map((part) => String(check[part]));
  const span = check.from_s === undefined && check.to_s === undefined ? [] : [measured(`${String(check.from_s ?? 0)} – ${String(check.to_s ?? '')}`, 's')];
  const equals = check.equals === undefined ? [] : [`= ${String(check.equals)}`];
  return [name, ...scope, ...span, ...equals].join(' · ');
}
