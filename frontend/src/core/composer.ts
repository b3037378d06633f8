/**
 * The fault script as bars on a timeline. The script is the only model: a bar is read from its line, and every edit of a
 * bar is a new list of lines. Pure. Seconds of virtual time throughout, as the experiment's file has them.
 */

import { jsonTrouble } from '../i18n/json';
import type { Experiment, FaultLine } from './experiment';

/** What a bar needs to know of the fault vocabulary: which action ends one that lasts, "" for one that does not last. */
export type EndWords = Readonly<Record<string, { undo?: string }>>;
export type Lines = readonly FaultLine[];
/** What ends a fault: its own `for_s`, a later line, nothing before the run does; a moment does not last. */
export type End = 'own' | 'line' | 'never' | 'moment';

export interface Span {
  from_s: number;
  to_s: number;
}
export interface Bar extends Span {
  /** Of its line in the script. */
  index: number;
  line: FaultLine;
  end: End;
  /** The line that ends it. */
  endedBy: number | null;
  /** It fires at an event, not at a time: `from_s` says only where it may stand. */
  byEvent: boolean;
  /** When it fires again, in full. */
  again: Span[];
  /** Its time is drawn between these. */
  drawn: Span | null;
}

/** Stretches of a repeated line that are worth drawing. */
const AGAIN_MAX = 400;
/** What a lasting fault gets when it is added. */
export const LASTS_S = 5;

const round = (seconds: number): number => Number(seconds.toFixed(3));
const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
const isNumber = (value: unknown): value is number => typeof value === 'number';
const list = (value: unknown): string[] => (value === undefined || value === null ? [] : [value].flat().map(String));
const lasts = (line: FaultLine, words: EndWords): boolean => Boolean(words[line.do]?.undo);

/** When a line fires first: at its time, at the middle of what its time is drawn from, or after its first pause. */
export function startOf(line: FaultLine): number | null {
  if (isNumber(line.at_s)) return line.at_s;
  const span = drawnIn(line.at_s);
  if (span) return (span.from_s + span.to_s) / 2;
  return isNumber(line.every_s) ? line.every_s : null;
}

/** Where a drawn time lies; null when there is nothing drawn, or no two numbers say where. */
function drawnIn(at: unknown): Span | null {
  const [kind, value] = at && typeof at === 'object' ? (Object.entries(at)[0] ?? []) : [];
  if (!Array.isArray(value) || !value.every(isNumber) || value.length !== 2) return null;
  const [one, two] = value as [number, number];
  if (kind === 'uniform') return { from_s: one, to_s: two };
  return kind === 'normal' ? { from_s: Math.max(0, one - 2 * two), to_s: one + 2 * two } : null;
}

/** Where the words of a bar stand: within it, behind or before it where there is nothing, else over what is there. */
export type WordsPlace = 'in' | 'after' | 'before' | 'over';

export function wordsPlace(bar: Pick<Bar, 'from_s' | 'to_s' | 'again'>, wide_s: number, stop_s: number): WordsPlace {
  if (wide_s <= bar.to_s - bar.from_s) return 'in';
  if (bar.to_s + wide_s <= (bar.again[0]?.from_s ?? stop_s)) return 'after';
  return wide_s <= bar.from_s ? 'before' : 'over';
}

// Bars ------------------------------------------------------------------------------------------------------------------

/** The bars of a script, in its order. A line that ends other faults is the end of their bars and none of its own. */
export function barsOf(lines: Lines, words: EndWords, stop_s: number): Bar[] {
  const ends = lines.map((_, index) => endOf(lines, words, index));
  const spent = new Set(ends);
  return lines.map((_, index) => barOf(lines, words, index, ends[index]!, stop_s)).filter((bar) => !spent.has(bar.index));
}

function barOf(lines: Lines, words: EndWords, index: number, endedBy: number | null, stop_s: number): Bar {
  const line = lines[index]!;
  const from_s = startOf(line) ?? 0;
  const for_s = isNumber(line.for_s) && lasts(line, words) ? line.for_s : null;
  const end: End = !lasts(line, words) ? 'moment' : for_s !== null ? 'own' : endedBy !== null ? 'line' : 'never';
  const to_s = { own: from_s + (for_s ?? 0), line: startOf(lines[endedBy ?? index]!) ?? from_s, never: Math.max(from_s, stop_s), moment: from_s }[end];
  return {
    index, line, from_s, to_s, end, endedBy: end === 'line' ? endedBy : null, byEvent: Boolean(line.when), drawn: drawnIn(line.at_s),
    again: againOf(line, from_s, to_s - from_s, stop_s),
  };
}

function againOf(line: FaultLine, from_s: number, lasting_s: number, stop_s: number): Span[] {
  if (!isNumber(line.every_s) || line.every_s <= 0 || line.when) return [];
  const until_s = Math.min(stop_s, isNumber(line.until_s) ? line.until_s : Infinity);
  const found: Span[] = [];
  for (let at = 1; at <= AGAIN_MAX; at++) {
    const start = round(from_s + at * line.every_s);
    if (start >= until_s) break;
    found.push({ from_s: start, to_s: Math.min(stop_s, start + lasting_s) });
  }
  return found;
}

/** The line that ends a fault: the first later one that undoes it and names what it hit. */
function endOf(lines: Lines, words: EndWords, index: number): number | null {
  const line = lines[index]!;
  if (!lasts(line, words) || isNumber(line.for_s) || !isPlain(line)) return null;
  const later = lines.flatMap((one, at) => (at !== index && isPlain(one) && isAfter(lines, at, index) && undoes(lines, at, index, words) ? [at] : []));
  return later.sort((a, b) => startOf(lines[a]!)! - startOf(lines[b]!)! || a - b)[0] ?? null;
}

/** It happens once, at a time that is known. */
const isPlain = (line: FaultLine): boolean => isNumber(line.at_s) && !isNumber(line.every_s) && !line.when;

function isAfter(lines: Lines, one: number, other: number): boolean {
  const [here, there] = [startOf(lines[one]!) ?? 0, startOf(lines[other]!) ?? 0];
  return here > there || (here === there && one > other);
}

function undoes(lines: Lines, at: number, index: number, words: EndWords): boolean {
  const [end, line] = [lines[at]!, lines[index]!];
  const undo = words[line.do]!.undo;
  const links = end.do === 'heal' && end.links_too === true && undo === 'reset_links';
  if (end.do !== undo && !links) return false;
  if (end.from !== undefined || end.to !== undefined) return samePair(line, end);
  if (end.target === undefined) return true;
  const hit = list(end.target);
  if (hit.includes('all') || hit.includes('down')) return true;
  if (hit.includes('previous')) return isLastBefore(lines, index, at);
  // Whom a word means is found out anew each time, so that two lines with the same word may mean two nodes.
  return list(line.target).every((id) => hit.includes(id) && !SYMBOLS.includes(id));
}

export const SYMBOLS: readonly string[] = ['leader', 'follower', 'followers', 'candidate', 'minority', 'majority', 'random', 'down', 'previous', 'all', 'rest'];

function isLastBefore(lines: Lines, index: number, at: number): boolean {
  return !lines.some((line, other) => other !== index && other !== at && startOf(line) !== null && isAfter(lines, at, other) && isAfter(lines, other, index));
}

function samePair(line: FaultLine, end: FaultLine): boolean {
  const same = (a: unknown, b: unknown) => list(a).sort().join() === list(b).sort().join();
  return (same(line.from, end.from) && same(line.to, end.to)) || (!line.one_way && same(line.from, end.to) && same(line.to, end.from));
}

// Edits: each gives new lines -------------------------------------------------------------------------------------------

const withLine = (lines: Lines, index: number, change: Partial<FaultLine>): FaultLine[] =>
  lines.map((line, at) => (at === index ? without({ ...line, ...change }) : line));

/** Without the fields that were set to undefined. */
const without = (line: FaultLine): FaultLine => Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined)) as FaultLine;

/** Whether a bar can be moved along the timeline at all. */
export const movable = (bar: Bar): boolean => !bar.byEvent && (isNumber(bar.line.at_s) || bar.drawn !== null || isNumber(bar.line.every_s));
/** Whether its end can be: a fault that lasts and begins at a known time. */
export const stretchable = (bar: Bar): boolean => bar.end !== 'moment' && movable(bar);

/** Begin at another time; the end goes along, unless it ends other faults, too. */
export function moved(lines: Lines, words: EndWords, bar: Bar, from_s: number, stop_s: number): FaultLine[] {
  const alone = bar.endedBy !== null && endsOnly(lines, words, bar.endedBy, bar.index);
  const length = bar.end === 'own' || alone ? bar.to_s - bar.from_s : 0;
  const latest = bar.endedBy !== null && !alone ? bar.to_s : Math.max(0, stop_s - length);
  const by_s = round(clamp(from_s, 0, latest)) - bar.from_s;
  const begun = withLine(lines, bar.index, shifted(bar, by_s));
  return alone ? withLine(begun, bar.endedBy!, { at_s: round(bar.to_s + by_s) }) : begun;
}

function shifted({ line, from_s, drawn }: Bar, by_s: number): Partial<FaultLine> {
  const until = isNumber(line.until_s) ? { until_s: round(Math.max(0, line.until_s + by_s)) } : {};
  if (!drawn) return { ...until, at_s: round(from_s + by_s) };
  const [kind, [one, two]] = Object.entries(line.at_s as unknown as object)[0] as [string, [number, number]];
  const at_s = { [kind]: kind === 'uniform' ? [round(Math.max(0, one + by_s)), round(two + by_s)] : [round(Math.max(0, one + by_s)), two] };
  return { ...until, at_s: at_s as unknown as number };
}

function endsOnly(lines: Lines, words: EndWords, end: number, index: number): boolean {
  return lines.every((_, at) => at === index || endOf(lines, words, at) !== end);
}

/** The shortest a fault may last. */
export const SHORTEST_S = 0.001;

/** End at another time: later or earlier on its own, or by moving the line that ends it. */
export function endedAt(lines: Lines, bar: Bar, to_s: number, stop_s: number): FaultLine[] {
  const at_s = round(clamp(to_s, bar.from_s + SHORTEST_S, Math.max(stop_s, bar.from_s + SHORTEST_S)));
  if (bar.endedBy !== null) return withLine(lines, bar.endedBy, { at_s });
  return withLine(lines, bar.index, { for_s: round(at_s - bar.from_s) });
}

/** Begin earlier or later while the end stays where it is. */
export function begunAt(lines: Lines, bar: Bar, from_s: number): FaultLine[] {
  const at_s = round(clamp(from_s, 0, bar.to_s - SHORTEST_S));
  if (bar.drawn) return [...lines];
  return withLine(lines, bar.index, { at_s, ...(bar.end === 'own' ? { for_s: round(bar.to_s - at_s) } : {}) });
}

/** Again and again, or once. A fault that nothing ends would never stop: it gets half of the pause to last. */
export function repeated(lines: Lines, words: EndWords, bar: Bar, every_s: number | null): FaultLine[] {
  if (every_s === null) return withLine(lines, bar.index, { every_s: undefined, until_s: undefined, probability: undefined, at_most: undefined, at_s: bar.from_s });
  const alone = bar.endedBy !== null && endsOnly(lines, words, bar.endedBy, bar.index);
  const length = bar.end === 'moment' ? undefined : Math.min(bar.end === 'never' ? Infinity : bar.to_s - bar.from_s, every_s / 2);
  const made = withLine(lines, bar.index, { every_s, ...(length === undefined ? {} : { for_s: round(length) }) });
  return alone ? takenOut(made, [bar.endedBy!]) : made;
}

/** Repeat up to another time. */
export const repeatedUntil = (lines: Lines, bar: Bar, until_s: number, stop_s: number): FaultLine[] =>
  withLine(lines, bar.index, { until_s: round(clamp(until_s, bar.from_s + SHORTEST_S, stop_s)) });

/** Take a fault out of the script, with the line that ended only it. */
export function removed(lines: Lines, words: EndWords, bar: Bar): FaultLine[] {
  const end = bar.endedBy !== null && endsOnly(lines, words, bar.endedBy, bar.index) ? bar.endedBy : -1;
  return takenOut(lines, [bar.index, end]);
}

/** Whether its time, its chances or whom it hits are drawn at random. */
function draws(line: FaultLine): boolean {
  const isDrawn = ([name, value]: [string, unknown]) => list(value).includes('random') || (name === 'at_s' && Boolean(value) && !isNumber(value)) || (name === 'probability' && Number(value) < 1);
  return Object.entries(line).some(isDrawn);
}
/** The place whose draws a line has: its own, unless it kept those of an older one. */
const drawsAs = (line: FaultLine, at: number): number => (isNumber(line.draws_as) ? line.draws_as : at);

/** Without some lines; those after them go on drawing what they drew at their old place. */
function takenOut(lines: Lines, gone: readonly number[]): FaultLine[] {
  return lines.flatMap((line, at) => {
    if (gone.includes(at)) return [];
    return draws(line) && gone.some((one) => one >= 0 && one < at) ? [{ ...line, draws_as: drawsAs(line, at) }] : [line];
  });
}

/** With one more at the end, which draws what no other does. */
function withLast(lines: Lines, line: FaultLine): FaultLine[] {
  const free = Math.max(lines.length, ...lines.map((one, at) => drawsAs(one, at) + 1));
  return [...lines, without({ ...line, draws_as: free > lines.length ? free : undefined })];
}

/** The same once more, right after it: with an end of its own. New lines come last, so that nobody's chances change. */
export function duplicated(lines: Lines, bar: Bar, stop_s: number): FaultLine[] {
  const length = bar.end === 'own' || bar.end === 'line' ? bar.to_s - bar.from_s : 0;
  const from_s = round(Math.min(Math.max(0, stop_s - length), bar.from_s + Math.max(length, 1)));
  const copy = { ...bar.line, ...shifted(bar, bar.byEvent ? 0 : from_s - bar.from_s), ...(bar.end === 'line' ? { for_s: round(length) } : {}) };
  return withLast(lines, bar.byEvent ? bar.line : copy);
}

/** A new fault of an action at a moment; one that can end lasts a while. */
export function added(lines: Lines, words: EndWords, line: FaultLine, at_s: number, stop_s: number): FaultLine[] {
  const begins = round(clamp(at_s, 0, stop_s));
  const for_s = lasts(line, words) ? round(Math.max(SHORTEST_S, Math.min(LASTS_S, stop_s / 5, stop_s - begins))) : undefined;
  return withLast(lines, { ...line, at_s: begins, for_s });
}

// The file --------------------------------------------------------------------------------------------------------------

/** Fields in the order in which people read them. */
const ORDER = ['at_s', 'when', 'every_s', 'do', 'target'];
const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
const inOrder = (line: FaultLine): FaultLine => Object.fromEntries(Object.entries(line).sort(([a], [b]) => rank(a) - rank(b))) as FaultLine;

/** The script as its file has it, a line for each fault. */
export const scriptText = (lines: Lines): string =>
  (lines.length ? `[\n${lines.map((line) => `  ${JSON.stringify(inOrder(line))}`).join(',\n')}\n]` : '[]');

/** The script that a text says, or why it says none; the server judges what the lines mean. */
export function readScript(text: string): { lines: FaultLine[] } | { refused: string } {
  let found: unknown;
  try {
    found = JSON.parse(text.trim() ? text : '[]');
  } catch (error) {
    return { refused: jsonTrouble(error, text) };
  }
  const sound = Array.isArray(found) && found.every((line) => line && typeof line === 'object' && typeof (line as FaultLine).do === 'string');
  return sound ? { lines: found as FaultLine[] } : { refused: '[{"at_s": 5, "do": "kill", "target": "leader"}, ...]' };
}

/** An experiment with another script, without what was said about variants of the old one: they are no part of the run. */
export function withScript(experiment: Experiment, faults: FaultLine[]): Experiment {
  return { ...experiment, faults, variants: [], compare: [] };
}

/** What people did in a run, as lines after those of its script: every click is saved as such a line. */
export function scriptWith(script: Lines, commands: readonly { at_us: number; do: { do: string; [argument: string]: unknown } }[]): FaultLine[] {
  return [...script, ...commands.filter((one) => one.do.do !== 'client').map((one) => ({ at_s: one.at_us / 1e6, ...one.do }))];
}

/** From when on two scripts say different things; Infinity when they never do. The place of a line matters where it draws something. */
export function firstChange(before: Lines, after: Lines): number {
  const key = (line: FaultLine, at: number) => JSON.stringify(inOrder(without({ ...line, draws_as: draws(line) ? drawsAs(line, at) : undefined })));
  const missing = (lines: Lines, others: Lines) => {
    const there = others.map(key);
    return lines.filter((line, place) => {
      const at = there.indexOf(key(line, place));
      if (at >= 0) there.splice(at, 1);
      return at < 0;
    });
  };
  const changed = [...missing(before, after), ...missing(after, before)];
  return changed.reduce((first, line) => Math.min(first, line.when ? 0 : (drawnIn(line.at_s)?.from_s ?? startOf(line) ?? 0)), Infinity);
}

// The axis --------------------------------------------------------------------------------------------------------------

/** A step of 1, 2 or 5 times a power of ten: the least that a hundred and fifty of fill the axis. */
export function stepOf(span_s: number): number {
  const raw = Math.max(0.001, span_s / 150);
  const power = 10 ** Math.floor(Math.log10(raw));
  return round([1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw * 0.999) ?? raw);
}

/** The nearest of what is worth meeting within reach (other bars' ends, the playhead), else the nearest step. */
export function snapped(at_s: number, step_s: number, others: readonly number[], reach_s: number): number {
  const near = others.filter((other) => Math.abs(other - at_s) <= reach_s).sort((a, b) => Math.abs(a - at_s) - Math.abs(b - at_s))[0];
  return near ?? round(Math.round(at_s / step_s) * step_s);
}
