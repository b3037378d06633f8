/** Lines of the fault script as the forms change them. */

import type { Experiment, FaultLine } from '../core/experiment';
import type { MessageKey } from '../i18n/index.svelte';
import { formOf, type Schema } from './schema';
import type { ActionWord } from './state.svelte';

export type Trigger = 'time' | 'every' | 'event';
export const EVENTS = ['send', 'deliver', 'lose', 'timer', 'durable', 'request', 'reply', 'note', 'view', 'fault'] as const;

/** What every line may have besides the arguments of its action. */
const COMMON = ['at_s', 'when', 'every_s', 'until_s', 'probability', 'at_most', 'wait_s', 'unlimited', 'draws_as'];

export const triggerOf = (line: FaultLine): Trigger => (line.when ? 'event' : line.every_s !== undefined && line.every_s !== null ? 'every' : 'time');

/** Another action at the same time: what still fits is kept, what it needs gets a first value. */
export function changedAction(line: FaultLine, action: string, word: ActionWord | undefined): FaultLine {
  const kept = Object.fromEntries(Object.entries(line).filter(([name]) => COMMON.includes(name)
    || (name === 'for_s' && word?.undo) || (name === 'target' && word?.target && word.target !== 'place' && word.target !== 'client')
    || (word?.arguments[name] && name !== 'target')));
  const made: FaultLine = { ...kept, do: action };
  if (word?.target && !word.target_optional && made.target === undefined) made.target = word.target === 'node' ? 'leader' : '';
  const needed = [...Object.entries(word?.arguments ?? {}).filter(([, one]) => one.required).map(([name]) => name)];
  if (word?.one_of.length && !word.one_of.some((name) => name in made)) needed.push(preferred(word.one_of));
  if (word?.any_of.length && !word.any_of.some((name) => name in made)) needed.push(word.any_of[0]!);
  for (const name of needed) if (made[name] === undefined) made[name] = firstValue(word!.arguments[name]!.schema as Schema);
  return made;
}

/** A named shape needs nothing else. */
const preferred = (names: readonly string[]): string => (names.includes('shape') ? 'shape' : names.at(-1)!);

function firstValue(schema: Schema): unknown {
  switch (formOf(schema)) {
    case 'number': case 'whole': return Math.min(schema.maximum ?? 1e9, Math.max(schema.minimum ?? 0, schema.maximum === 1 ? 0.3 : 10));
    case 'distribution': return 100;
    case 'flag': return true;
    case 'choice': return schema.enum![0];
    case 'ids': return '';
    case 'groups': return [];
    case 'text': return '';
    default: return schema.type === 'array' ? [] : {};
  }
}

export function changedTrigger(line: FaultLine, trigger: Trigger): FaultLine {
  const { at_s, when: _when, every_s: _every, until_s: _until, probability: _probability, ...rest } = line;
  const at = typeof at_s === 'number' ? at_s : 5;
  if (trigger === 'event') return { ...rest, when: { event: 'deliver' } } as FaultLine;
  return (trigger === 'every' ? { ...rest, at_s: at, every_s: 5 } : { ...rest, at_s: at }) as FaultLine;
}

/** An action as the palette offers it: a line that is ready to begin, or the reason why it cannot. */
export interface Choice {
  id: string;
  action: string;
  group: string;
  title: ActionWord['title'];
  /** A named shape, or `groups`. */
  shape: string | null;
  help: ActionWord['help'];
  line: FaultLine;
  why: MessageKey | null;
}

/** Every action of the vocabulary; one with named shapes once for each of them. */
export function paletteOf(words: Readonly<Record<string, ActionWord>>, experiment: Experiment): Choice[] {
  return Object.entries(words).flatMap(([action, word]): Choice[] => {
    const base = { action, group: word.group, title: word.title, help: word.help, why: whyNot(word, experiment) };
    const line = filled(changedAction({ do: '' }, action, word), word, experiment);
    const shapes = word.one_of.includes('shape') ? ((word.arguments.shape?.schema as Schema | undefined)?.enum ?? []) : [];
    if (!shapes.length) return [{ ...base, id: action, shape: null, line }];
    const { shape: _, ...rest } = line;
    return [
      ...shapes.map((shape) => ({ ...base, id: `${action} ${shape}`, shape, line: { ...rest, shape, ...(shape === 'isolate' ? { node: firstNode(experiment) } : {}) } as FaultLine })),
      { ...base, id: `${action} groups`, shape: 'groups', line: { ...rest, groups: halves(experiment) } as FaultLine },
    ];
  });
}

function whyNot(word: ActionWord, experiment: Experiment): MessageKey | null {
  if (word.target === 'place' && !(experiment.topology.regions ?? []).length) return 'compose.why_no_place';
  return word.target === 'client' && !word.target_optional && !(experiment.workload ?? []).length ? 'compose.why_no_client' : null;
}

const nodesOf = (experiment: Experiment): string[] => experiment.topology.nodes.map((node) => node.id);
const firstNode = (experiment: Experiment): string => nodesOf(experiment)[0] ?? '';
function halves(experiment: Experiment): string[][] {
  const nodes = nodesOf(experiment);
  const middle = Math.ceil(nodes.length / 2);
  return [nodes.slice(0, middle), nodes.slice(middle)];
}

/** Empty ids filled with the first that exist, so that a new line can run as it is. */
function filled(line: FaultLine, word: ActionWord, experiment: Experiment): FaultLine {
  const made = { ...line };
  const regions = experiment.topology.regions ?? [];
  if (word.target === 'place') made.target = line.do.startsWith('zone') ? (regions[0]?.zones?.[0]?.id ?? '') : (regions[0]?.id ?? '');
  if (word.target === 'client' && !word.target_optional) made.target = experiment.workload?.[0]?.client ?? '';
  if (made.from === '') made.from = firstNode(experiment);
  if (made.to === '') made.to = nodesOf(experiment)[1] ?? '';
  return made;
}
