/** Sweeps as the server tells of them, and what the page computes from that. Pure. */

import { listed } from '../i18n/index.svelte';
import type { Text } from './descriptor';

export type Settings = Record<string, unknown>;
export interface Failure { seed: number; command: string; set?: Settings; verdict?: string }
export interface CheckCount {
  holds: number; violated: number; unknown: number; expected: string | null; first_violation: Failure | null;
}
export interface Distribution {
  n: number; none: number; curve: [number, number][]; values?: Record<string, number>;
  mean: number | null; min: number | null; p10: number | null; p50: number | null; p90: number | null;
  p99: number | null; p999: number | null; max: number | null;
}
export interface Block { runs: number; checks: Record<string, CheckCount>; metrics: Record<string, Distribution>; failed: { runs: number } }
export interface Result extends Block { points?: (Block & { set: Settings })[] }
export interface Quarantined { point: number; from_seed: number; to_seed: number }
export interface SweepState {
  code: string; reference: string; title: Text; settings: Settings; words: Record<string, Text>; yours: boolean;
  plan: { first_seed: number; seeds: number; points: Settings[] };
  state: 'running' | 'cancelled' | 'done'; runs: number; done: number; rate: number | null; seconds_left: number | null;
  elapsed_s: number; runs_per_second: number; quarantined: Quarantined[]; result: Result;
}
export interface Choices {
  id: string; title: Text; seed: number; knobs: Settings;
  parameters: Settings; words: Record<string, Text>; metrics: string[]; checks: string[];
}
export interface ShrinkState {
  code: string; state: 'running' | 'cancelled' | 'done' | 'failed'; check: string; seed: number; error: string; error_zh: string;
  progress: { tests?: number; tests_max?: number; left?: number; of?: number };
  result: { run: string; faults: number; messages: number; from_faults: number; tests: number; minimal: boolean } | null;
}

export const STATISTICS = ['n', 'mean', 'min', 'p10', 'p50', 'p90', 'p99', 'p999', 'max'] as const;

/** A check that did not come out as it should, or that was violated where nothing was expected. */
export function surprising(check: CheckCount): boolean {
  if (check.expected === 'violated') return check.holds + check.unknown > 0;
  if (check.expected === 'unknown') return check.holds + check.violated > 0;
  return check.violated > 0 || (check.expected === 'holds' && check.unknown > 0);
}

/** Metrics with more than one value come first: those are worth a plot. */
export function plotted(metrics: Record<string, Distribution>): string[] {
  return Object.keys(metrics).filter((name) => {
    const one = metrics[name]!;
    return one.curve.length > 1 && one.min !== one.max;
  });
}

export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toPrecision(4).replace(/\.?0+$/, '');
}

/** `word`: what people read for a setting, with the name that a command line takes. */
export function settingsText(settings: Settings, word: (name: string) => string): string {
  return listed(Object.entries(settings).map(([name, value]) => `${word(name)} = ${typeof value === 'string' ? value : JSON.stringify(value)}`));
}

/** "150, [150, 300], wide" -> values: JSON where it is JSON, else texts split at commas. */
export function parseValues(text: string): unknown[] {
  try {
    return JSON.parse(`[${text}]`) as unknown[];
  } catch {
    return text.split(',').map((part) => part.trim()).filter(Boolean);
  }
}

/** Series of cumulative curves on one axis, as uPlot takes them: all values, then one row of shares per curve. */
export function aligned(curves: [number, number][][]): (number | null)[][] {
  const xs = [...new Set(curves.flatMap((curve) => curve.map(([value]) => value)))].sort((a, b) => a - b);
  const at = new Map(xs.map((value, index) => [value, index]));
  const rows = curves.map((curve) => {
    const row: (number | null)[] = xs.map(() => null);
    for (const [value, share] of curve) row[at.get(value)!] = share;
    return row;
  });
  return [xs, ...rows];
}
