/** What checks, measured numbers, arguments of faults, chosen values and units are called. A test holds the Chinese table to
 * everything the engine can judge, measure and ask for. */

import type { Json } from '../core/chunk';
import type { Parameter, Text } from '../core/descriptor';
import { language, pick, t } from './index.svelte';
import english from './names.en.json';
import chinese from './names.zh.json';

type Table = Record<string, string>;
const named = (kind: 'checks' | 'metrics' | 'arguments' | 'values', name: string): string | undefined =>
  ((language.current === 'zh' ? chinese : english)[kind] as Table)[name];

/** A check's short name; one without a name of its own is called by its id's words. */
export const checkWords = (name: string): string => named('checks', name) ?? name.replaceAll('_', ' ');

/** "longest gap, ms": a number's name with its unit. */
export const metricWords = (name: string): string =>
  named('metrics', name) ?? name.replace(/_(ms|s)$/, ', $1').replaceAll('_', ' ');

/** What a fault asks for: "links_too". */
export const argumentWords = (name: string): string => named('arguments', name) ?? name.replaceAll('_', ' ');

/** One of the values that a parameter or an argument may have; the same word may mean another thing elsewhere. */
export const valueWords = (name: string, value: string): string =>
  named('values', `${name}.${value}`) ?? named('values', value) ?? value.replaceAll('_', ' ');

/** The value of a system's parameter, as people read it. */
export function settingValue(parameter: Parameter, value: Json): string {
  if (typeof value === 'boolean') return t(value ? 'editor.on' : 'editor.off');
  if (value === null) return '–';
  if (parameter.type === 'choice') return valueWords(parameter.name, String(value));
  return Array.isArray(value) ? value.join(' – ') : String(value);
}

/** A setting that a sweep varies, with the name that a command line takes. */
export const settingWord = (words: Readonly<Record<string, Text>> | undefined, name: string): string =>
  words?.[name] ? `${pick(words[name])} (${name})` : name;

/** Units in Chinese words, as the texts of the page have them; those of no table are written alike everywhere. */
export const unitWords = (unit: string): string => (language.current === 'zh' ? ((chinese.units as Table)[unit] ?? unit) : unit);

/** "40 ms", "40 毫秒". */
export const measured = (value: number | string, unit: string): string => `${value} ${unitWords(unit)}`;

/** What a timer waits for; its number or whom it concerns stays as it is. */
export function timerWords(name: string): string {
  if (language.current !== 'zh') return name.replaceAll('_', ' ');
  const [, base = name, rest = ''] = /^([a-z_]+)(.*)$/.exec(name) ?? [];
  return ((chinese.timers as Table)[base] ?? base) + rest;
}

/** A line of a result: a check, or a number with what is expected of it and where it is measured. */
export function resultWords(line: string): string {
  const [, name = line, rest = ''] = /^(\w+)(.*)$/.exec(line) ?? [];
  const words = named('checks', name) ?? metricWords(name);
  return words + (language.current === 'zh' ? rest.replace(/from (\S+) s/, '从 $1 秒起').replace(/to (\S+) s/, '到 $1 秒') : rest);
}
