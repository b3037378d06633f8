/** What a person types, read strictly: a value, or the reason why it is refused. */

import type { Json } from '../core/chunk';
import type { Parameter } from '../core/descriptor';
import type { MessageKey } from '../i18n/index.svelte';
import { jsonTrouble } from '../i18n/json';
import { unitWords } from '../i18n/names';

export interface Refusal {
  key: MessageKey;
  values?: Record<string, string | number>;
}
export type Reading<T> = { value: T } | { refused: Refusal };
export interface Bounds {
  minimum?: number | null;
  maximum?: number | null;
  whole?: boolean;
}

const refuse = (key: MessageKey, values?: Refusal['values']): { refused: Refusal } => ({ refused: { key, values } });

export function readNumber(text: string, { minimum, maximum, whole }: Bounds = {}): Reading<number> {
  const trimmed = text.trim();
  if (trimmed === '') return refuse('editor.bad_empty');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return refuse('editor.bad_number');
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return refuse('editor.bad_number');
  if (whole && !Number.isInteger(value)) return refuse('editor.bad_whole');
  if (minimum !== null && minimum !== undefined && value < minimum) return refuse('editor.bad_low', { limit: minimum });
  if (maximum !== null && maximum !== undefined && value > maximum) return refuse('editor.bad_high', { limit: maximum });
  return { value };
}

export function readJson(text: string): Reading<Json> {
  try {
    return { value: JSON.parse(text) as Json };
  } catch (error) {
    return refuse('editor.bad_json', { message: jsonTrouble(error, text) });
  }
}

/** Ids separated by commas or blanks; one stays one. */
export function readIds(text: string): Reading<string | string[]> {
  const ids = text.split(/[\s,]+/).filter(Boolean);
  if (!ids.length) return refuse('editor.bad_empty');
  const wrong = ids.find((id) => !/^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9_-]+)?$/.test(id));
  if (wrong) return refuse('editor.bad_id', { id: wrong });
  return { value: ids.length === 1 ? ids[0]! : ids };
}
export const idsText = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : value === undefined || value === null ? '' : String(value));

/** Groups as people write a partition: "n1, n2 | n3". */
export function readGroups(text: string): Reading<Json> {
  const groups: Json[] = [];
  for (const part of text.split('|')) {
    const found = readIds(part);
    if ('refused' in found) return found;
    groups.push([found.value].flat());
  }
  return groups.length < 2 ? refuse('editor.bad_groups') : { value: groups };
}
export const groupsText = (value: unknown): string => (Array.isArray(value) ? value.map(idsText).join(' | ') : '');

/** The limits of a parameter in a few words: "1 – 600000 ms". */
export function limitsText({ minimum, maximum }: Bounds, unit = ''): string {
  const low = minimum ?? null;
  const high = maximum ?? null;
  const text = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 6 });
  const span = low !== null && high !== null ? `${text(low)} – ${text(high)}` : low !== null ? `≥ ${text(low)}` : high !== null ? `≤ ${text(high)}` : '';
  return [span, unitWords(unit)].filter(Boolean).join(' ');
}

/** A range parameter must not begin after its end. */
export function readRange(texts: [string, string], parameter: Bounds): Reading<[number, number]> {
  const low = readNumber(texts[0], parameter);
  if ('refused' in low) return low;
  const high = readNumber(texts[1], parameter);
  if ('refused' in high) return high;
  return low.value > high.value ? refuse('editor.bad_order') : { value: [low.value, high.value] };
}

export const boundsOf = (parameter: Parameter): Bounds => ({
  minimum: parameter.minimum, maximum: parameter.maximum, whole: parameter.type === 'int',
});
