/** The source of the rule that ran: GET /api/systems/NAME/source, asked once and kept. */

import { request } from './api';

export interface SourceFunction {
  file: string;
  line: number;
  text: string;
  /** Notes that this function leaves, and what it handles ("message Ping", "timer retry", "request", ...). */
  notes: string[];
  handles: string[];
}
export interface Rule {
  name: string;
  file: string;
  lines: { text: string; hit: boolean }[];
}

const systems = new Map<string, Promise<Record<string, SourceFunction> | null>>();

function sourceOf(system: string): Promise<Record<string, SourceFunction> | null> {
  let found = systems.get(system);
  if (!found) {
    found = request(`/api/systems/${encodeURIComponent(system)}/source`)
      .then(async (response) => ((await response.json()) as { functions: Record<string, SourceFunction> }).functions)
      .catch(() => null);
    systems.set(system, found);
  }
  return found;
}

/** The function that left the note, with the line that did, else the handler of what woke the process. */
export async function ruleOf(system: string, trigger: string, note: string | null): Promise<Rule | null> {
  const functions = await sourceOf(system);
  if (!functions) return null;
  const entries = Object.entries(functions);
  const found = entries.find(([, one]) => note !== null && one.notes.includes(note))
    ?? entries.find(([, one]) => one.handles.includes(trigger)) ?? entries.find(([, one]) => one.handles.includes(trigger.split(' ')[0]!));
  if (!found) return null;
  const [name, { file, line, text }] = found;
  const id = note?.slice(note.indexOf('.') + 1) ?? '';
  const lines = text.split('\n').map((one) => ({ text: one, hit: note !== null && (one.includes(`"${note}"`) || (id !== '' && one.includes(`"${id}"`))) }));
  return { name, file: `${file}:${line}`, lines };
}
