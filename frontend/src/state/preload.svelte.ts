/** Computing a run to its end ahead of time: asked once, then looked at until it is there or moves no more. */

import { preload } from '../net/api';

export type PreloadPhase = 'idle' | 'running' | 'done' | 'stopped';

const LOOK_MS = 1000;
/** No progress for so long: no worker is there, or the simulation met a limit. Longer than the server's own 30 s. */
const PATIENCE_MS = 40_000;

export class Preload {
  phase = $state<PreloadPhase>('idle');
  /** How much of the run is computed, 0..1. */
  share = $state(0);
  problem = $state<string | null>(null);
  private moved_ms = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `ask`: starts the work or says how far it is; `now`: a clock in milliseconds. */
  constructor(private readonly code: string, private readonly ask = preload, private readonly now = () => performance.now()) {}

  start(): void {
    if (this.phase === 'running') return;
    this.phase = 'running';
    this.share = 0;
    this.problem = null;
    this.moved_ms = this.now();
    void this.look();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** A command changed what was computed: it has to be asked again. */
  outdated(): void {
    this.stop();
    this.phase = 'idle';
  }

  async look(): Promise<void> {
    try {
      this.take((await this.ask(this.code)).share);
    } catch (error) {
      this.phase = 'stopped';
      this.problem = (error as Error).message;
    }
    if (this.phase === 'running') this.timer = setTimeout(() => void this.look(), LOOK_MS);
  }

  private take(share: number): void {
    if (this.phase !== 'running') return;
    if (share > this.share) this.moved_ms = this.now();
    this.share = Math.max(this.share, share);
    if (this.share >= 1) this.phase = 'done';
    else if (this.now() - this.moved_ms > PATIENCE_MS) this.phase = 'stopped';
  }
}
