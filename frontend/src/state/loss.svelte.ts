/** "When was it lost?", asked of the run on this page: asked once, looked at until the answer is there. */

import type { LossState } from '../core/loss';
import { askLoss, cancelLoss, findLoss, lossState } from '../net/losses';
import { perSession } from './perSession.svelte';

const LOOK_MS = 700;

export class LossQuestion {
  state = $state.raw<LossState | null>(null);
  problem = $state('');
  /** Sent, and not answered yet. */
  sent = $state(false);
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly run: string, private readonly net = { ask: askLoss, find: findLoss, look: lossState, cancel: cancelLoss }) {}

  get running(): boolean {
    return this.sent || this.state?.state === 'running';
  }
  ask(branch: number, check: string): Promise<void> {
    return this.follow(() => this.net.ask(this.run, branch, check), true);
  }
  /** What somebody asked before, after a reload. */
  find(branch: number): Promise<void> {
    return this.follow(() => this.net.find(this.run, branch).catch(() => null), false);
  }
  cancel(): Promise<void> {
    const code = this.state?.code;
    return code ? this.follow(() => this.net.cancel(code), false) : Promise.resolve();
  }
  /** Another branch, or something was done to this one: the answer is not about it. */
  forget(): void {
    this.stop();
    this.state = null;
    this.problem = '';
    this.sent = false;
  }
  stop(): void {
    clearTimeout(this.timer);
    this.turn++;
  }

  private async follow(asked: () => Promise<LossState | null>, sent: boolean): Promise<void> {
    this.stop();
    const turn = this.turn;
    this.sent = sent;
    this.problem = '';
    try {
      const found = await asked();
      if (turn !== this.turn) return;
      this.state = found;
    } catch (error) {
      if (turn !== this.turn) return;
      this.problem = (error as Error).message;
    }
    this.sent = false;
    const now = this.state;
    if (now?.state === 'running') this.timer = setTimeout(() => void this.follow(() => this.net.look(now.code), false), LOOK_MS);
  }
}

/** The question of a session. */
export const lossOf = perSession((session) => new LossQuestion(session.code));
