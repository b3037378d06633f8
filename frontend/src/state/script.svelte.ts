/** The fault script of a run as somebody edits it: a draft beside what the run follows, until it is played. */

import { firstChange, scriptWith, withScript } from '../core/composer';
import type { Experiment, FaultLine } from '../core/experiment';
import { begin, record, redo, undo, type History } from '../editor/history';
import { createRun, playScript } from '../net/api';
import { newKey } from '../net/socket';
import { perSession } from './perSession.svelte';
import type { Session } from './session.svelte';

/** So much of what came before an edited moment is shown again. */
const BEFORE_US = 300_000;

export class ScriptDraft {
  private history = $state.raw<History<FaultLine[]> | null>(null);
  busy = $state(false);
  problem = $state('');

  constructor(private readonly session: Session) {}

  /** What the branch on show follows: its script, and what people did as further lines of it. */
  base: FaultLine[] = $derived.by(() => scriptWith(this.session.script, this.session.commands));
  lines: FaultLine[] = $derived(this.history?.present ?? this.base);
  /** In virtual seconds; Infinity while nothing was changed. */
  changed_s = $derived(this.history ? firstChange(this.base, this.history.present) : Infinity);
  changed = $derived(this.changed_s !== Infinity);
  canUndo = $derived((this.history?.past.length ?? 0) > 0);
  canRedo = $derived((this.history?.future.length ?? 0) > 0);

  set(lines: FaultLine[], about: string | null = null): void {
    this.problem = '';
    this.history = record(this.history ?? begin(this.base), lines, about);
  }
  undo(): void {
    if (this.history) this.history = undo(this.history);
  }
  redo(): void {
    if (this.history) this.history = redo(this.history);
  }
  discard(): void {
    this.history = null;
    this.problem = '';
  }

  /** Have the draft simulated: as a branch of this run for who drives it, else as a run of one's own. */
  async play(): Promise<void> {
    const { session } = this;
    this.busy = true;
    this.problem = '';
    try {
      if (session.drives) await this.asBranch();
      else location.assign((await createRun({ experiment: withScript(session.experiment as Experiment, this.lines), seed: session.run?.seed })).url);
    } catch (error) {
      this.problem = (error as Error).message;
    }
    this.busy = false;
  }
  /** The playhead goes back to just before the first change, or stays where it is when that is yet to come. */
  private async asBranch(): Promise<void> {
    const { session } = this;
    const at_us = Math.round(Math.max(0, Math.min(session.at_us, this.changed_s * 1e6 - BEFORE_US)));
    await playScript(session.code, { key: newKey(), branch: session.branch, at_us, faults: this.lines });
    this.discard();
  }
}

/** The draft of a session. */
export const draftOf = perSession((session) => new ScriptDraft(session));
