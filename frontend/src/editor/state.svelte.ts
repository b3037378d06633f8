/** The editor's one state: the experiment with its history, what is selected, what is typed wrongly, what the server says. */

import type { Descriptor, Text } from '../core/descriptor';
import type { Point } from '../core/layout';
import { lineWords, type Words } from '../core/lineWords';
import { pick } from '../i18n/index.svelte';
import { ApiError, createRun, request, type Systems } from '../net/api';
import { place, type Spots } from './canvas';
import { begin, record, redo, undo, type History } from './history';
import { emptyExperiment, type Experiment } from './model';
import type { Refusal } from './values';

export interface Draft {
  experiment: Experiment;
  spots: Spots;
}
export type Selection = { kind: 'region' | 'zone' | 'node' | 'client'; id: string } | { kind: 'link'; from: string; to: string } | null;
export interface Problem {
  field: string;
  message: string;
  message_zh?: string;
  allowed?: string[];
}
/** An action or parameter of the fault vocabulary, as GET /api/systems describes it. */
export interface ActionWord {
  title: Text;
  group: string;
  help: Text;
  target: string;
  target_optional: boolean;
  undo: string;
  one_of: string[];
  any_of: string[];
  arguments: Record<string, { required: boolean; help: Text; schema: Record<string, unknown> }>;
}

const CHECK_AFTER_MS = 500;
const STORE = 'platform-lab.draft';
export const SECTIONS = ['selected', 'experiment', 'system', 'clients', 'faults', 'checks'] as const;
export type Section = (typeof SECTIONS)[number];

export class Editor {
  history = $state.raw<History<Draft>>(begin({ experiment: emptyExperiment('', []), spots: {} }));
  selection = $state.raw<Selection>(null);
  /** Path -> why what is typed there was refused. */
  refused = $state.raw<Readonly<Record<string, Refusal>>>({});
  problems = $state.raw<Problem[]>([]);
  open = $state<Record<Section, boolean>>({ selected: true, experiment: false, system: true, clients: false, faults: false, checks: false });
  /** The line of the fault script whose settings are open. */
  fault = $state<number | null>(null);
  busy = $state(false);
  failure = $state<string | null>(null);
  /** What was done last, for people who do not see the canvas. */
  said = $state('');
  readonly systems: Systems;
  readonly lineWords: Words;
  private readonly standard: string;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  /** `standard`: the system that a new experiment begins with; `kept`: a reload of this tab finds the draft again. */
  constructor(systems: Systems, standard = '', private readonly kept = true) {
    this.systems = systems;
    this.lineWords = lineWords(systems);
    this.standard = standard;
    this.start(this.empty());
  }

  draft = $derived(this.history.present);
  experiment = $derived(this.draft.experiment);
  placed = $derived(place(this.experiment, this.draft.spots));
  descriptor: Descriptor | undefined = $derived(this.systemOf(this.experiment.system));
  words = $derived(this.wordsOf());
  blocked = $derived(this.experiment.topology.nodes.length === 0 || Object.keys(this.refused).length > 0 || this.problems.length > 0);

  private systemOf(name: string): Descriptor | undefined {
    return this.systems.systems[name];
  }
  private wordsOf(): Record<string, ActionWord> {
    return this.systems.faults as unknown as Record<string, ActionWord>;
  }

  empty(): Experiment {
    const system = this.standard in this.systems.systems ? this.standard : (Object.keys(this.systems.systems)[0] ?? '');
    return emptyExperiment(system, [...(this.systems.systems[system]?.default_checks ?? [])]);
  }

  /** Begin with an experiment; nothing to undo yet. */
  start(experiment: Experiment): void {
    this.history = begin({ experiment, spots: {} });
    this.selection = null;
    this.refused = {};
    this.changed();
  }

  /** Replace everything, as a step that can be undone. */
  replace(experiment: Experiment): void {
    this.selection = null;
    this.refused = {};
    this.change(experiment, null, {});
  }

  change(experiment: Experiment, about: string | null = null, spots: Spots = this.draft.spots): void {
    this.history = record(this.history, { experiment, spots }, about);
    this.changed();
  }

  put(id: string, spot: Point): void {
    this.history = record(this.history, { ...this.draft, spots: { ...this.draft.spots, [id]: spot } });
    this.keep();
  }

  undo(): void {
    this.step(undo(this.history));
  }
  redo(): void {
    this.step(redo(this.history));
  }
  private step(history: History<Draft>): void {
    this.history = history;
    this.refused = {};
    this.changed();
  }

  select(selection: Selection): void {
    this.selection = selection;
    if (selection) this.open.selected = true;
  }
  isSelected(id: string): boolean {
    return this.selection !== null && this.selection.kind !== 'link' && this.selection.id === id;
  }

  refuse(path: string, refusal: Refusal | null): void {
    if (!refusal && !(path in this.refused)) return;
    const { [path]: _gone, ...rest } = this.refused;
    this.refused = refusal ? { ...rest, [path]: refusal } : rest;
  }

  /** What the server says about a field or anything inside it. */
  problemsAt(path: string): Problem[] {
    return this.problems.filter(({ field }) => field === path || field.startsWith(`${path}.`) || field.startsWith(`${path}[`));
  }

  private changed(): void {
    this.failure = null;
    this.keep();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
  }

  /** Nobody shows it any more: ask the server nothing further. */
  close(): void {
    clearTimeout(this.timer);
    this.asked++;
  }

  private keep(): void {
    if (!this.kept) return;
    try {
      sessionStorage.setItem(STORE, JSON.stringify(this.draft));
    } catch {
      // A private window may refuse: then a reload begins anew.
    }
  }

  /** The draft of before a reload of this tab, if there is one. */
  restore(): boolean {
    try {
      const draft = JSON.parse(sessionStorage.getItem(STORE) ?? 'null') as Draft | null;
      if (!draft?.experiment.topology.nodes.length && !draft?.experiment.topology.regions?.length) return false;
      this.history = begin(draft);
      this.changed();
      return true;
    } catch {
      return false;
    }
  }

  async check(): Promise<void> {
    const number = ++this.asked;
    if (this.experiment.topology.nodes.length === 0) {
      this.problems = [];
      return;
    }
    const found = await problemsOf(this.experiment);
    if (number === this.asked && found) this.problems = found;
  }

  async run(): Promise<void> {
    this.busy = true;
    this.failure = null;
    try {
      await this.check();
      if (this.blocked) return;
      const made = await createRun({ experiment: this.experiment, title: pick(this.experiment.title) });
      location.assign(made.url);
    } catch (error) {
      this.failure = (error as Error).message;
    } finally {
      this.busy = false;
    }
  }
}

/** Everything that the server finds wrong; null when it could not be asked. */
async function problemsOf(experiment: Experiment): Promise<Problem[] | null> {
  try {
    await request('/api/experiments/check', { method: 'POST', body: JSON.stringify({ experiment }) });
    return [];
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 429 || error.status >= 500) return null;
    const body = error.body as { errors?: Problem[]; error?: Problem } | null;
    return body?.errors ?? (body?.error ? [body.error] : null);
  }
}
