/** Distributions as forms: a kind and its named values (docs/experiment.schema.json, $defs.distribution). */

import type { Json } from '../core/chunk';
import { readJson, readNumber, type Bounds, type Reading } from './values';

export const KINDS = ['fixed', 'uniform', 'normal', 'lognormal', 'exponential', 'pareto', 'mixture', 'empirical'] as const;
export type Kind = (typeof KINDS)[number];

/** The named values of each kind; kinds without names are written as one list. */
export const NAMES = {
  fixed: ['value'], uniform: ['low', 'high'], normal: ['mean', 'sd'], lognormal: ['median', 'sigma'], exponential: ['mean'],
  pareto: ['minimum', 'alpha'], mixture: ['list'], empirical: ['list'],
} as const satisfies Record<Kind, readonly string[]>;

export function kindOf(value: Json | undefined): Kind {
  if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) return 'fixed';
  const name = Object.keys(value)[0] as Kind;
  return KINDS.includes(name) ? name : 'fixed';
}

/** The values as typed text, in the order of NAMES. */
export function textsOf(value: Json | undefined): string[] {
  const kind = kindOf(value);
  if (value === undefined || value === null) return [''];
  if (kind === 'fixed') return [String(value)];
  const inner = (value as Record<string, Json>)[kind];
  if (kind === 'mixture') return [JSON.stringify(inner)];
  if (kind === 'empirical') return [(inner as number[]).join(', ')];
  return (Array.isArray(inner) ? inner : [inner]).map(String);
}

export function readDistribution(kind: Kind, texts: readonly string[], bounds: Bounds): Reading<Json> {
  if (kind === 'mixture') return wrapped(kind, readJson(texts[0] ?? ''));
  const parts = kind === 'empirical' ? (texts[0] ?? '').split(/[\s,]+/).filter(Boolean) : texts;
  const numbers: number[] = [];
  for (const text of parts.length ? parts : ['']) {
    const found = readNumber(text, bounds);
    if ('refused' in found) return found;
    numbers.push(found.value);
  }
  if (kind === 'fixed') return { value: numbers[0]! };
  if (kind === 'uniform' && numbers[0]! > numbers[1]!) return { refused: { key: 'editor.bad_order' } };
  if (['lognormal', 'exponential', 'pareto'].includes(kind) && Math.min(...numbers) <= 0) return { refused: { key: 'editor.bad_positive' } };
  return wrapped(kind, { value: kind === 'exponential' ? numbers[0]! : numbers });
}

const wrapped = (kind: Kind, found: Reading<Json>): Reading<Json> => ('refused' in found ? found : { value: { [kind]: found.value } });

/** The typical value, for the first guess after another kind was chosen. */
export function converted(value: Json | undefined, kind: Kind): string[] {
  const number = Number(textsOf(value)[0]) || 10;
  const round = (x: number) => String(Math.round(x * 1000) / 1000);
  const guesses: Record<Kind, string[]> = {
    fixed: [round(number)], uniform: [round(number * 0.8), round(number * 1.2)], normal: [round(number), round(number * 0.1)],
    lognormal: [round(number), '0.1'], exponential: [round(number)], pareto: [round(number), '2'],
    mixture: [JSON.stringify([[0.9, number], [0.1, number * 5]])], empirical: [round(number)],
  };
  return guesses[kind];
}
