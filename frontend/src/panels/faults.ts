/** Fault lines in words, by the vocabulary that the server sends. */

import { lineOf, targetsOf } from '../core/actions';
import type { Json } from '../core/chunk';
import { SYMBOLS, type Bar } from '../core/composer';
import { spreadText } from '../core/spread';
import { listed, pick, said, t, type MessageKey } from '../i18n/index.svelte';
import { argumentWords, unitWords, valueWords } from '../i18n/names';
import type { LineWord, Words } from '../core/lineWords';

export function faultWord(name: string, words: Words): string {
  if (name === 'client') return t('break.client_write');
  const title = words[name]?.title;
  return title ? pick(title) : name.replaceAll('_', ' ');
}

/** "Kill n3", "Partition n1, n2 | n3", "Set parameter server: capacity = 30", "Move shards: shards 4, 5, to n3". */
export function faultText(detail: Record<string, unknown>, words: Words): string {
  const line = lineOf(detail);
  const word = faultWord(String(line.do ?? ''), words);
  const own = words[`${String(line.do)}.${String(line.name)}`];
  if (line.do === 'command') return joined(own?.title ? pick(own.title) : `${word} ${String(line.name ?? '')}`, [targetsOf({ resolved: detail.resolved, target: detail.target }, targetWord), ...answers(detail, own)]);
  if (line.do === 'set_parameter') {
    const title = own?.title ? pick(own.title) : String(line.name).replaceAll('_', ' ');
    return joined([word, targetsOf(line, targetWord)].filter(Boolean).join(' '), [`${title} = ${settingText(line.value, own?.unit)}`]);
  }
  if (line.do === 'configure') return joined(word, membershipText(line));
  if (line.do === 'client') return said(String(line.client), `${String(line.operation)} ${String(line.key ?? '')}${line.value === undefined ? '' : ` = ${String(line.value)}`}`);
  const details = Object.entries(line)
    .filter(([name]) => ['chance', 'extra_ms', 'latency_ms', 'jump_ms', 'disk', 'shape', 'cpu_times'].includes(name))
    .map(([name, value]) => (name === 'shape' && Array.isArray(line.groups) ? '' : detailText(name, value)));
  return [word, targetsOf(line, targetWord), ...details].filter(Boolean).join(' ');
}

const joined = (head: string, rest: string[]): string => [head, rest.filter(Boolean).join(t('compose.name_joint'))].filter(Boolean).join(t('compose.name_what'));
const several = (value: unknown): string[] => (value === undefined || value === null ? [] : [value].flat().map(String));
/** "+ n4 (learner)", "− n1", "promote n4", "members n1, n2, n3". */
function membershipText(line: Record<string, unknown>): string[] {
  const role = line.role === undefined ? '' : ` (${valueWords('role', String(line.role))})`;
  return [
    ...several(line.add).map((node) => `+ ${node}${role}`), ...several(line.remove).map((node) => `− ${node}`),
    ...['promote', 'members'].filter((name) => line[name] !== undefined).map((name) => `${argumentWords(name)} ${listed(several(line[name]))}`),
  ];
}
/** A setting's new value: a number, or two of them, with the unit. */
function settingText(value: unknown, unit?: string): string {
  const numbers = [value].flat();
  return numbers.every((one) => typeof one === 'number') ? [numbers.join(' – '), unitWords(unit ?? '')].filter(Boolean).join(' ') : plain(value);
}
const plain = (value: unknown): string => (value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value).replaceAll('_', ' '));

/** What a command was told: each answer with what was asked, when that is more than one thing. */
function answers(detail: Record<string, unknown>, own: LineWord | undefined): string[] {
  const given = detail.arguments as Record<string, unknown> | undefined;
  // (In the trace all that a line says stands in its arguments, the command's own among them.)
  const told = (detail.name === undefined ? given?.arguments : given) as Record<string, unknown> | undefined;
  const asked = own?.asked ?? [];
  return Object.entries(told ?? {}).map(([name, value]) => {
    const title = asked.length > 1 ? asked.find((one) => one.name === name)?.title : undefined;
    return [title ? pick(title) : '', listed(several(value))].filter(Boolean).join(' ');
  });
}

const SKIPPED = ['chance', 'at_most', 'budget', 'waits', 'no_timer', 'no_target', 'no_client'];
/** Why a line did nothing when it came due. */
export const skippedWord = (reason: string): string => (SKIPPED.includes(reason) ? t(`inspect.skipped_${reason}` as MessageKey) : reason.replaceAll('_', ' '));

function detailText(name: string, value: unknown): string {
  if (name === 'chance') return `${Math.round(Number(value) * 100)} %`;
  if (name.endsWith('_ms')) return spreadText(value as Json);
  if (name === 'cpu_times') return `× ${String(value)}`;
  return valueWords(name, String(value));
}

/** A node's id as it is; a word that is resolved when the line fires in the present language. */
export const targetWord = (id: string): string => (SYMBOLS.includes(id) ? t(`compose.target_${id}` as MessageKey) : id);

const EVENTS = ['send', 'deliver', 'lose', 'timer', 'durable', 'request', 'reply', 'note', 'view', 'fault'];
const seconds = (time_s: number): string => String(Number(time_s.toFixed(3)));

/** "Kill leader, 5 s to 10 s, again every 20 s": what a bar of the composer is called. */
export function barText(bar: Bar, words: Words): string {
  const { line } = bar;
  const values = { what: faultText(line, words), from: seconds(bar.from_s), to: seconds(bar.to_s) };
  if (bar.byEvent) {
    const event = String((line.when as { event?: unknown }).event);
    return t('compose.name_event', { ...values, event: EVENTS.includes(event) ? t(`editor.event_${event}` as MessageKey) : event });
  }
  const key = { moment: 'compose.name_moment', never: 'compose.name_never', own: 'compose.name_span', line: 'compose.name_span' } as const;
  return [
    t(key[bar.end], values),
    typeof line.every_s === 'number' ? t('compose.name_again', { every: seconds(line.every_s) }) : '',
    typeof line.probability === 'number' && line.probability < 1 ? t('compose.name_chance', { chance: Math.round(100 * line.probability) }) : '',
    typeof line.at_most === 'number' ? t('compose.name_at_most', { count: line.at_most }) : '',
  ].filter(Boolean).join(t('compose.name_joint'));
}
