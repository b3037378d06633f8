/** The front page's cluster: a recording that costs nothing until somebody breaks it, then a live run of their own. */

import { leaderOf } from '../core/result';
import type { Experiment } from '../core/experiment';
import { createRun, postMessage, range, request, systems as described, type Systems } from '../net/api';
import type { LinkState } from '../net/messages';
import { newKey } from '../net/socket';
import { splitRange } from '../net/wire';
import { BoardView } from '../state/board.svelte';
import { Session } from '../state/session.svelte';
import type { Receiver, Source } from '../state/source';

export const EXPERIMENT = 'RA-01';
/** An election takes about 200 ms: five times slower it can be seen, and is over within a second or two. */
export const SPEED = 0.2;
/** The recording is shown again from its first leader, before its own script begins. */
const LOOP_US = [300_000, 2_600_000] as const;
const STOP_S = 60;

/** Frames of the catalogue entry as it ships. */
class CatalogueSource implements Source {
  constructor(private readonly receiver: Receiver) {}
  open(): void {
    this.receiver.connected('open', 0);
  }
  close(): void {}
  send(): boolean {
    return false;
  }
  private asked: Promise<boolean> | undefined;
  /** The whole loop at once, and only once. */
  async fetchRange(): Promise<boolean> {
    if (this.asked) return this.asked.then(() => false);
    return (this.asked = this.fetchLoop());
  }
  private async fetchLoop(): Promise<boolean> {
    const { bytes } = await range(`/api/catalogue/${EXPERIMENT}/range`, { from_us: LOOP_US[0], to_us: LOOP_US[1] });
    const frames = splitRange(bytes);
    for (const frame of frames) this.receiver.frame(frame);
    return frames.length > 0;
  }
}

export interface Takeover {
  old: string;
  node: string;
  term: number;
  after_us: number;
}

export class HomeCluster {
  shown = $state.raw<{ session: Session; board: BoardView } | null>(null);
  busy = $state(false);
  failure = $state<string | null>(null);
  code = $state('');
  private experiment: Experiment | null = null;
  private systems: Systems | null = null;
  private loop: ReturnType<typeof setInterval> | undefined;

  get live(): boolean {
    return this.code !== '';
  }

  async open(): Promise<void> {
    try {
      const [systems, experiment] = await Promise.all([
        described(),
        request(`/api/catalogue/${EXPERIMENT}`).then((answer) => answer.json() as Promise<Experiment>),
      ]);
      this.systems = systems;
      this.experiment = experiment;
      const session = new Session('', systems, recording(experiment), (receiver) => new CatalogueSource(receiver));
      this.show(session);
      session.start();
      session.setSpeed(SPEED);
      session.play(true);
      this.loop = setInterval(() => session.at_us >= LOOP_US[1] - 50_000 && session.goTo(LOOP_US[0]), 200);
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }

  close(): void {
    clearInterval(this.loop);
    this.shown?.session.stop();
  }

  private show(session: Session): void {
    this.shown = { session, board: new BoardView(session) };
  }

  /** The first kill makes the run; later ones are commands of it. */
  async kill(): Promise<void> {
    const { shown } = this;
    if (!shown || this.busy) return;
    if (this.live) return shown.session.command({ do: 'kill', target: 'leader' });
    this.busy = true;
    this.failure = null;
    try {
      await this.begin(shown.session);
    } catch (error) {
      this.failure = (error as Error).message;
      shown.session.play(true);
    }
    this.busy = false;
  }

  private async begin(before: Session): Promise<void> {
    clearInterval(this.loop);
    before.play(false);
    const at_us = Math.round(before.at_us);
    const { code } = await createRun({ experiment: calm(this.experiment!) });
    await postMessage(code, { type: 'playhead', play: true, speed: SPEED, to_us: at_us });
    await postMessage(code, { type: 'command', key: newKey(), branch: 0, at_us, do: { do: 'kill', target: 'leader' } });
    const session = new Session(code, this.systems!);
    session.start();
    await until(() => session.loaded && session.at_us >= at_us);
    before.stop();
    this.code = code;
    this.show(session);
  }
}

/** The entry without its own script: nothing breaks unless the visitor breaks it. */
function calm(experiment: Experiment): Experiment {
  const { variants: _variants, predict: _predict, expect_sweep: _sweep, compare: _compare, knobs: _knobs, ...rest } = experiment as Experiment & Record<string, unknown>;
  const checks = (experiment.checks ?? []).filter((check) => typeof check === 'string' || (check !== null && typeof check === 'object' && 'check' in check));
  return { ...rest, faults: [], checks, stop_s: STOP_S, play: { ...experiment.play, speed: SPEED } } as Experiment;
}

function recording(experiment: Experiment): LinkState {
  return {
    slug: '', title: '', experiment, seed: experiment.seed, engine: 0, engine_now: 0, reproduces: null, branches: [], branch: 0, at_us: LOOP_US[0],
    stop_us: LOOP_US[1],
  } as unknown as LinkState;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 8000;
  while (!condition() && performance.now() < deadline) await new Promise((done) => requestAnimationFrame(done));
}

/** Who took over after the last kill, and how much later: read from the trace. */
export function takeoverOf(session: Session, board: BoardView): Takeover | null {
  const kill = session.branches.find((one) => one.id === session.branch)?.commands.findLast((one) => one.do.do === 'kill');
  const leader = leaderOf(board.scenes);
  const descriptor = leader?.descriptor;
  if (!kill || !leader || !descriptor) return null;
  const roles = new Set(descriptor.roles.filter((role) => role.crown).map((role) => role.name));
  const field = descriptor.fields.find((one) => one.kind === 'role')?.name ?? '';
  let old = '';
  for (const { piece, until_us } of session.trace.pieces(session.branch)) {
    if (piece.chunk.t1_us < kill.at_us) continue;
    for (const [, at_us, kind, process, , detail, diff] of piece.chunk.events) {
      if (at_us > until_us || at_us > session.at_us) break;
      if (at_us < kill.at_us) continue;
      const resolved = kind === 4 ? (detail as { do?: string; resolved?: string[] }) : null;
      if (resolved?.do === 'kill') old = resolved.resolved?.[0] ?? '';
      const role = diff?.fields?.[field];
      if (typeof role === 'string' && roles.has(role) && process !== old) return { old, node: process, term: leader.epoch, after_us: at_us - kill.at_us };
    }
  }
  return null;
}
