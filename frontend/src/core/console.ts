/** Lines typed at a running cluster, read by what its descriptor says it understands; and a tree of paths to draw. Pure. */

import type { Json } from './chunk';
import { messageSpec, type ConsoleCommand, type Descriptors, type MessageSpec } from './descriptor';
import type { Trace } from './trace';

export interface ClientLine {
  operation: string;
  key: string;
  value?: Json;
  options?: Record<string, Json>;
}
export type Refusal = { problem: 'unknown' | 'key' | 'value' | 'flag' | 'flag_value'; word: string };

/** `create "/a b" 5 -e` -> the client operation it stands for, or what is wrong with it. */
export function readLine(text: string, commands: readonly ConsoleCommand[]): ClientLine | Refusal {
  const words = wordsOf(text);
  const command = commands.find((one) => one.name === words[0]);
  if (!command) return { problem: 'unknown', word: words[0] ?? '' };
  const options: Record<string, Json> = { ...command.options };
  const plain: string[] = [];
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!;
    if (word in command.flags) options[command.flags[word]!] = true;
    else if (`${word}=` in command.flags) {
      const given = words[++at];
      if (given === undefined) return { problem: 'flag_value', word };
      options[command.flags[`${word}=`]!] = /^-?\d+$/.test(given) ? Number(given) : given;
    } else if (/^-[a-z]/i.test(word)) return { problem: 'flag', word };
    else plain.push(word);
  }
  const [key, ...rest] = plain;
  if (key === undefined) return { problem: 'key', word: command.name };
  const value = rest.join(' ');
  if ((command.value === 'needed' && !rest.length) || (command.value === 'none' && rest.length)) return { problem: 'value', word: command.name };
  return {
    operation: command.operation || command.name, key, ...(rest.length ? { value } : {}), ...(Object.keys(options).length ? { options } : {}),
  };
}

export const isRefusal = (line: ClientLine | Refusal): line is Refusal => 'problem' in line;

/** Words apart from each other by spaces; what stands in quotes is one. */
const wordsOf = (text: string): string[] => [...text.matchAll(/"([^"]*)"|(\S+)/g)].map((found) => found[1] ?? found[2]!);

/** `create KEY [VALUE] [-e] [-t …]`. */
export function usage(command: ConsoleCommand): string {
  const value = command.value === 'none' ? '' : command.value === 'needed' ? ' VALUE' : ' [VALUE]';
  const flags = Object.keys(command.flags).map((flag) => ` [${flag.endsWith('=') ? `${flag.slice(0, -1)} …` : flag}]`).join('');
  return `${command.name} KEY${value}${flags}`;
}

/** `-e -t 500`: the options of an operation as they are typed. */
export function flagsOf(options: Record<string, Json>, operation: string, commands: readonly ConsoleCommand[]): string {
  const command = commands.find((one) => (one.operation || one.name) === operation);
  return Object.entries(command?.flags ?? {}).flatMap(([flag, option]) => {
    const value = options[option];
    if (value === undefined || value === false) return [];
    return [flag.endsWith('=') ? `${flag.slice(0, -1)} ${String(value)}` : flag];
  }).join(' ');
}

/** The options of operations that people gave: by client, operation, key and time, as `optionsKey` writes it. */
export function optionsGiven(trace: Trace, branch: number, at_us: number): Map<string, Record<string, Json>> {
  const found = new Map<string, Record<string, Json>>();
  for (const { piece } of trace.pieces(branch, at_us + 1)) {
    for (const [given_us, detail] of piece.summary.commands) {
      const told = detail as Record<string, Json>;
      if (told.do === 'client' && told.options) found.set(optionsKey(String(told.client), String(told.operation), String(told.key), given_us), told.options as Record<string, Json>);
    }
  }
  return found;
}
export const optionsKey = (client: string, operation: string, key: string, at_us: number): string => [client, operation, key, at_us].join(' ');

export interface News {
  number: number;
  at_us: number;
  spec: MessageSpec;
  told: Json[];
}

const NEWS_WITHIN_US = 30_000_000;

/** What servers told a client unasked within the last half minute, the newest first. */
export function newsFor(trace: Trace, branch: number, at_us: number, client: string, descriptors: Descriptors, count: number): News[] {
  const found = new Map<number, News>();
  for (const { piece } of [...trace.pieces(branch, at_us + 1, at_us - NEWS_WITHIN_US)].reverse()) {
    for (const [number, , , arrive_us, , to, fate, type, values] of [...piece.chunk.sends, ...piece.chunk.keyframe.flight]) {
      if (to !== client || fate !== 0 || arrive_us > at_us || found.has(number)) continue;
      const spec = messageSpec(descriptors, type);
      if (spec?.news?.length) found.set(number, { number, at_us: arrive_us, spec, told: spec.news.map((name) => values[spec.fields.indexOf(name)] ?? null) });
    }
    if (found.size >= count) break;
  }
  return [...found.values()].sort((a, b) => b.at_us - a.at_us || b.number - a.number).slice(0, count);
}

/** Names and values of a record as people read it: "ephemeral · version 2 · session 1.1". */
export function recordText(facts: readonly (readonly [string, Json])[], word: (value: string) => string | undefined): string {
  return facts.map(([name, value]) => {
    if (value === true) return word(name) ?? name;
    return word(String(value)) ?? `${word(name) ?? name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
  }).join(' · ');
}

export interface TreeRow {
  path: string;
  name: string;
  depth: number;
  /** What it holds, if it says so under `data`. */
  data: Json;
  /** Everything else about it that is not empty. */
  facts: [name: string, value: string | number | boolean][];
}

/** Paths in the order in which a tree is read, parents first. */
export function treeRows(tree: Json | undefined): TreeRow[] {
  if (!tree || typeof tree !== 'object' || Array.isArray(tree)) return [];
  const parts = (path: string) => path.split('/').filter(Boolean);
  const paths = Object.keys(tree).sort((a, b) => comparePaths(parts(a), parts(b)));
  return paths.map((path) => {
    const node = tree[path];
    const record = node && typeof node === 'object' && !Array.isArray(node) ? node : { data: node ?? null };
    const facts = Object.entries(record).filter((entry): entry is [string, string | number | boolean] => entry[0] !== 'data' && Boolean(entry[1]) && typeof entry[1] !== 'object');
    return { path, name: parts(path).at(-1) ?? '/', depth: parts(path).length, data: record.data ?? null, facts };
  });
}

function comparePaths(a: string[], b: string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) if (a[at] !== b[at]) return a[at]! < b[at]! ? -1 : 1;
  return a.length - b.length;
}
