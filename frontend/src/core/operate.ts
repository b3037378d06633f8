/** What a person may change of a running system: its settings, and what it can be told. Pure. */

import type { FaultCommand } from './actions';
import type { Json } from './chunk';
import type { Asked, Descriptor, Instruction, Parameter, Text } from './descriptor';
import type { Experiment } from './experiment';

export interface Setting {
  parameter: Parameter;
  value: Json;
  /** Whether the experiment or somebody in this run has set it. */
  own: boolean;
}
interface Done { at_us: number; do: Record<string, unknown> }

/** Every parameter with the value it has at a moment, those that somebody has set first. */
export function settingsAt(descriptor: Descriptor | undefined, experiment: Experiment | null, commands: readonly Done[], at_us: number): Setting[] {
  const lines: Done[] = (experiment?.faults ?? [])
    .filter((line) => typeof line.at_s === 'number').map((line) => ({ at_us: Number(line.at_s) * 1e6, do: line }));
  const changed = new Map<string, Json>(Object.entries(experiment?.parameters ?? {}));
  for (const { do: line } of [...lines, ...commands].filter((one) => one.at_us <= at_us).sort((a, b) => a.at_us - b.at_us)) {
    if (line.do === 'set_parameter' && !line.target) changed.set(String(line.name), line.value as Json);
  }
  return (descriptor?.parameters ?? [])
    .map((parameter) => ({ parameter, value: changed.get(parameter.name) ?? parameter.default, own: changed.has(parameter.name) }))
    .sort((a, b) => Number(b.own) - Number(a.own));
}

/** A knob of the experiment that can be turned while it runs: everything it moves is a parameter. */
export interface Dial {
  name: string;
  title: Text;
  value: Json;
  /** The values in their order; empty: any number between the limits. */
  choices: string[];
  minimum: number;
  maximum: number;
}

const parameterOf = (path: string): string => path.replace(/^parameters\./, '');

export function dialsAt(experiment: Experiment | null, settings: readonly Setting[]): Dial[] {
  const values = new Map(settings.map((one) => [one.parameter.name, one.value]));
  return Object.entries(experiment?.knobs ?? {}).flatMap(([name, knob]) => {
    const moved = Object.values(knob.choices ?? {}).concat(knob.set ?? {}).flatMap((paths) => Object.keys(paths).map(parameterOf));
    if (!moved.length || !moved.every((parameter) => values.has(parameter))) return [];
    const choices = Object.keys(knob.choices ?? {});
    const chosen = choices.find((choice) => Object.entries(knob.choices![choice]!).every(([path, value]) => same(values.get(parameterOf(path)), value)));
    const plain = Object.entries(knob.set ?? {}).find(([, template]) => template === '$');
    const value = choices.length ? (chosen ?? null) : plain ? (values.get(parameterOf(plain[0])) ?? null) : (knob.value as Json);
    return choices.length || typeof value === 'number' ? [{ name, title: knob.title, value, choices, minimum: knob.minimum ?? 0, maximum: knob.maximum ?? 100 }] : [];
  });
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Turning a knob: a command for each parameter that it changes. */
export function turned(experiment: Experiment, name: string, value: Json): FaultCommand[] {
  const knob = experiment.knobs?.[name];
  const changes = knob?.choices?.[String(value)] ?? Object.fromEntries(
    Object.entries(knob?.set ?? {}).map(([path, template]) => [path, filled(template, value)]));
  return Object.entries(changes).map(([path, one]) => settingLine(parameterOf(path), one));
}

function filled(template: Json, value: Json): Json {
  if (template === '$') return value;
  if (typeof template === 'string' && template.startsWith('$*')) return Number(value) * Number(template.slice(2));
  return template;
}

/** Settings that can be moved while the system runs: a switch, a slider over choices, a number. */
export const isMovable = ({ parameter }: Setting): boolean => ['bool', 'choice', 'int', 'float'].includes(parameter.type);

export const settingLine = (name: string, value: Json): FaultCommand => ({ do: 'set_parameter', name, value });

export interface Node { id: string; state: string }

/** The lines that an instruction makes: its node is switched on first when it must be and is off. */
export function linesOf(instruction: Instruction, values: Readonly<Record<string, Json>>, nodes: readonly Node[]): FaultCommand[] {
  const { target, ...rest } = values;
  const line: FaultCommand = { do: instruction.do };
  if (target !== undefined) line.target = target;
  else if (instruction.hears === 'one') line.target = nodes.find((node) => node.state === 'up' && !Object.values(values).includes(node.id))?.id ?? '';
  if (instruction.do === 'command') Object.assign(line, { name: instruction.name }, Object.keys(rest).length ? { arguments: rest } : {});
  else Object.assign(line, rest);
  const started = nodes.find((node) => node.id === values[instruction.starts] && node.state === 'down');
  return started ? [{ do: 'restart', target: started.id }, line] : [line];
}

/** What was typed or chosen for something asked, or undefined when it is not one. */
export function answerTo(asked: Asked, text: string): Json | undefined {
  if (asked.kind === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
  if (asked.kind !== 'numbers') return text === '' ? undefined : text;
  const parts = text.split(/[\s,，、]+/).filter(Boolean);
  return parts.length && parts.every((part) => /^\d+$/.test(part)) ? parts.map(Number) : undefined;
}

/** A cause of the loss of a place, as the server tells it. */
export interface Disaster { title: Text; warning_s: number; disk: string; readable: Text }

export const outageLine = (place: string, region: boolean, cause: string, warning_s: number): FaultCommand => (
  { do: region ? 'region_outage' : 'zone_outage', target: place, cause, warning_s });
