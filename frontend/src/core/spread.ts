/** Times that vary, in a few words. */

import { measured } from '../i18n/names';
import type { Json } from './chunk';

/** "80 ms", "1 – 10 ms", "~40 ms" of a distribution: as an experiment writes it, or as a trace tells it ({kind, values}). */
export function spreadText(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'object' || Array.isArray(value)) return measured(String(value), 'ms');
  const told = 'kind' in value;
  const kind = String(told ? value.kind : Object.keys(value)[0]);
  const numbers = numbersIn(told ? value.values : Object.values(value)[0]);
  if (kind === 'constant') return measured(numbers[0]!, 'ms');
  if (kind === 'uniform') return measured(`${numbers[0]} – ${numbers[1]}`, 'ms');
  const typical = kind === 'mixture' ? numbers[1] : kind === 'empirical' ? numbers.sort((a, b) => a - b)[numbers.length >> 1] : numbers[0];
  return measured(`~${typical}`, 'ms');
}

/** All numbers in it, in order. */
function numbersIn(value: Json | undefined): number[] {
  if (typeof value === 'number') return [value];
  if (value === null || typeof value !== 'object') return [];
  return (Array.isArray(value) ? value : Object.values(value)).flatMap(numbersIn);
}
