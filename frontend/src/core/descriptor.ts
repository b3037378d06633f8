/** What a system says about itself (GET /api/systems): the page is drawn from it and knows no system by name. */

import type { Json } from './chunk';

export interface Text {
  en: string;
  zh: string;
}
export type RoleShape = 'plain' | 'double_ring' | 'dashed_ring' | 'dotted_ring' | 'square' | 'diamond';
export interface Role {
  name: string;
  shape: RoleShape | string;
  title: Text;
  crown: boolean;
  /** A word that fits into a disc, when the title does not. */
  short?: Text | null;
}
export type FieldKind =
  | 'role' | 'epoch' | 'timer' | 'votes' | 'log' | 'index' | 'lease' | 'counter' | 'set' | 'tree' | 'queue' | 'text'
  | 'hash' | 'voter';
export interface ViewField {
  name: string;
  kind: FieldKind | string;
  group: 'persistent' | 'volatile' | 'leader' | string;
  title: Text;
  /** Value -> what people read in its place. */
  words?: Record<string, Text>;
  /** Also shown at the node on the map: always, or while nodes are down or cut off. */
  badge?: '' | 'always' | 'after_loss' | string;
  /** A log that nobody else has a copy of: none is behind another. */
  alone?: boolean;
  /** The number before each entry of a log counts (a clock, a version); it is no epoch. */
  counted?: boolean;
}
export interface MessageSpec {
  name: string;
  kind: 'request' | 'reply' | 'oneway' | string;
  title: Text;
  fields: string[];
  good: string;
  /** Of its fields, what a client is told unasked: a console shows it. */
  news?: string[];
  words?: Record<string, Text>;
}
export interface Note {
  section: string;
  en: string;
  zh: string;
  level: string;
  words?: Record<string, Text>;
}
export interface Parameter {
  name: string;
  type: 'int' | 'float' | 'bool' | 'choice' | 'range' | string;
  default: Json;
  title: Text;
  help: Text;
  unit: string;
  minimum: number | null;
  maximum: number | null;
  choices: string[];
}
/** What may be typed to a running cluster: `name KEY [VALUE] [flags]`. */
export interface ConsoleCommand {
  name: string;
  title: Text;
  operation: string;
  value: 'none' | 'optional' | 'needed' | string;
  flags: Record<string, string>;
  options: Record<string, Json>;
}
/** What an instruction asks for: a node, a number, one of `choices`, or a value that the view field `of` has somewhere now. */
export interface Asked {
  name: string;
  kind: 'node' | 'text' | 'number' | 'numbers' | 'choice' | 'field' | string;
  title: Text;
  of: string;
  choices: string[];
  default: Json;
}
/** What a person may tell a running system. `hears`: all, or one (any running process but those named). */
export interface Instruction {
  name: string;
  do: string;
  title: Text;
  help: Text;
  asked: Asked[];
  hears: 'all' | 'one' | string;
  /** The argument whose node is started first when it is off. */
  starts: string;
  lane: string;
}
export interface Lane {
  name: string;
  title: Text;
  kinds: string[];
}
export interface Descriptor {
  name: string;
  title: Text;
  paper: string;
  roles: Role[];
  fields: ViewField[];
  messages: MessageSpec[];
  notes: Record<string, Note>;
  parameters: Parameter[];
  twins: { name: string; title: Text; rule: string; caught_by: string[] }[];
  properties: { name: string; kind: string; sentence: Text }[];
  default_checks: string[];
  console?: ConsoleCommand[];
  instructions?: Instruction[];
  lanes?: Lane[];
  /** What its numbers of leadership are called: term, epoch, ballot. */
  epoch_word?: Text;
  /** What it answers -> the same in words. */
  answers?: Record<string, Text>;
  /** Parameter -> values with which nobody leads. */
  leaderless?: Record<string, Json[]>;
}
export type Descriptors = Record<string, Descriptor>;

/** The first field of a kind, or undefined: roles, epochs and logs are found by kind and never by name. */
export function fieldOfKind(descriptor: Descriptor | undefined, kind: FieldKind): ViewField | undefined {
  return descriptor?.fields.find((field) => field.kind === kind);
}

/** The numbers before its log's entries count: they are no epochs. */
export const countsEntries = (descriptor: Descriptor | undefined): boolean => fieldOfKind(descriptor, 'log')?.counted === true;

export function roleOf(descriptor: Descriptor | undefined, name: string): Role | undefined {
  return descriptor?.roles.find((role) => role.name === name);
}

/** A message's tag carries its system's name: "tides.Wave" is the message "Wave" of "tides". What several systems share
 * carries another name and is described by each of them. */
export function messageSpec(descriptors: Descriptors, tag: string): MessageSpec | undefined {
  const dot = tag.indexOf('.');
  const own = descriptors[tag.slice(0, dot)];
  const name = tag.slice(dot + 1);
  return (own ? [own] : Object.values(descriptors)).flatMap((one) => one.messages).find((message) => message.name === name || message.name === tag);
}

export function noteOf(descriptors: Descriptors, id: string): Note | undefined {
  for (const descriptor of Object.values(descriptors)) {
    const note = descriptor.notes[id];
    if (note) return note;
  }
  return undefined;
}
