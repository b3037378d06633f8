/** What checks and measured numbers are called. A test holds the Chinese table to everything the engine can judge and measure. */

import { language } from './index.svelte';
import english from './names.en.json';
import chinese from './names.zh.json';

type Table = Record<string, string>;
const named = (kind: 'checks' | 'metrics', name: string): string | undefined =>
  ((language.current === 'zh' ? chinese : english)[kind] as Table)[name];

/** A check's short name; one without a name of its own is called by its id's words. */
export const checkWords = (name: string): string => named('checks', name) ?? name.replaceAll('_', ' ');

/** "longest gap, ms": a number's name with its unit. */
export const metricWords = (name: string): string =>
  named('metrics', name) ?? name.replace(/_(ms|s)$/, ', $1').replaceAll('_', ' ');

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
