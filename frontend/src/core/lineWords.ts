/** What fault lines are called: the vocabulary of the server, and what the systems call their own commands and settings. Pure. */

import type { Asked, Descriptors, Text } from './descriptor';

export interface LineWord {
  title?: Text;
  /** Of a setting. */
  unit?: string;
  /** Of a command: what it asks for. */
  asked?: Asked[];
  [more: string]: unknown;
}
export type Words = Record<string, LineWord>;

/** By action ("kill"), command ("command.deploy") or setting ("set_parameter.capacity"). */
export function lineWords({ faults, systems }: { faults: Words; systems: Descriptors }): Words {
  const words: Words = { ...faults };
  for (const { instructions = [], parameters } of Object.values(systems)) {
    for (const { name, title, asked } of instructions) words[`command.${name}`] = { title, asked };
    for (const { name, title, unit } of parameters) words[`set_parameter.${name}`] = { title, unit };
  }
  return words;
}
