/** The history of a run judged while somebody looks at it: asked of a worker when time rests, or now and then while it runs. */

import { historyText, judgementOf, type Judgement } from '../core/clientHistory';
import { ask, send } from '../net/histories';
import type { Session } from './session.svelte';

/** Wall time between two questions: far below what a visitor may ask. */
const PAUSE_MS = 12_000;
const RESTING_MS = 1_500;

export class Judge {
  found = $state.raw<Judgement | null>(null);
  state = $state<'idle' | 'asking' | 'partial' | 'failed'>('idle');
  private about = '';
  private askedAt = -Infinity;
  private seen_us = -1;
  private closed = false;

  constructor(private readonly session: Session, private readonly net = { send, ask }, private readonly now = () => performance.now()) {}

  /** Called a few times a second while the view is open. */
  look(): void {
    const { session } = this;
    const at_us = Math.floor(session.at_us);
    // Until it could be asked at all, time that passes is no reason to wait longer.
    const pause_ms = at_us !== this.seen_us && this.state !== 'partial' ? PAUSE_MS : RESTING_MS;
    this.seen_us = at_us;
    if (this.state === 'asking' || this.now() - this.askedAt < pause_ms || !session.loaded) return;
    this.askedAt = this.now();
    const written = historyText(session.trace, session.branch, at_us);
    if (!written) {
      this.state = 'partial';
      return;
    }
    const about = `${session.branch} ${session.trace.revision(session.branch)} ${written.operations} ${written.completed}`;
    if (about === this.about || !written.completed) return;
    this.about = about;
    void this.judge(written.text, at_us, session.branch);
  }
  close(): void {
    this.closed = true;
  }

  private async judge(text: string, at_us: number, branch: number): Promise<void> {
    this.state = 'asking';
    try {
      const id = await this.net.send(text, { format: 'json', model: '', initial: '' });
      const answer = await this.net.ask(id, () => {}, () => this.closed || this.session.branch !== branch);
      if (answer && 'drawing' in answer) this.found = judgementOf(answer, at_us);
      this.state = answer && 'error' in answer ? 'failed' : 'idle';
    } catch {
      this.state = 'failed';
    }
  }
}
