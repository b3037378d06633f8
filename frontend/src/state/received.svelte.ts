/** What a page knows of one run: what the server told, and the trace that was received of it. */

import type { Disaster } from '../core/operate';
import type { ConsoleCommand, Descriptors } from '../core/descriptor';
import { clientsOf, systemsOf, type Experiment, type FaultLine } from '../core/experiment';
import { lineWords, type Words } from '../core/lineWords';
import { playheadAt, ServerClock, type Playhead } from '../core/playhead';
import { Trace } from '../core/trace';
import type { FaultWord, Systems } from '../net/api';
import type { Branch, Command, FromServer, LinkState, RoleName, RunState, Waiting } from '../net/messages';
import type { Connection } from '../net/socket';
import { readFrame, readHeader } from '../net/wire';
import { playheadOf, type Moment } from './moment';
import { LiveSource, SavedSource, type Receiver, type Source } from './source';
import { ui } from './ui.svelte';
import { Notices } from './notices.svelte';

/** So long answers to this page's own moves are waited for; then what the server says counts. */
const ANSWERED_MS = 3000;

export abstract class Received extends Notices implements Receiver {
  run = $state.raw<RunState | null>(null);
  branches = $state.raw<Branch[]>([]);
  shared = $state.raw<Playhead | null>(null);
  /** The page's own playhead when it left the shared one. */
  own = $state.raw<Playhead | null>(null);
  role = $state<RoleName>('viewer');
  viewers = $state(1);
  drivers = $state.raw<{ id: string; name: string }[]>([]);
  /** What the server really reaches when the asked speed is too much for it, else null. */
  trueSpeed = $state<number | null>(null);
  connection = $state<Connection>('connecting');
  attempts = $state(0);
  waiting = $state.raw<Waiting | null>(null);
  /** Told since the last heartbeat: who waits no more is not told so. */
  private waits = false;
  limit = $state.raw<{ en: string; zh: string } | string | null>(null);
  lagging = $state(false);
  loaded = $state(false);
  link = $state.raw<LinkState | null>(null);
  /** The branch to look at from the start, apart from everybody else. */
  pinned: number | null = null;
  readonly trace = new Trace();
  readonly clock = new ServerClock();
  readonly descriptors: Descriptors;
  readonly faultWords: Record<string, FaultWord>;
  /** The same with the systems' own commands and settings, for lines in words. */
  readonly lineWords: Words;
  readonly disasters: Record<string, Disaster>;
  protected source: Source;
  protected headUs = new Map<number, number>();
  protected inflating: Promise<void> = Promise.resolve();
  protected recalled: Moment | null = null;
  /** The number that the playhead has once all moves of this page are answered, and when it made the last. */
  protected expected = 0;
  protected movedAt = -Infinity;

  /** `source`: where frames come from when neither from a live run nor from a saved link. */
  constructor(readonly code: string, systems: Systems, link: LinkState | null, source: ((receiver: Receiver) => Source) | null) {
    super();
    this.descriptors = systems.systems;
    this.faultWords = systems.faults;
    this.lineWords = lineWords(systems);
    this.disasters = systems.disasters ?? {};
    this.link = link;
    this.source = source ? source(this) : link ? new SavedSource(link.slug, this) : new LiveSource(code, this);
    if (link) this.openLink(link);
  }

  get readonly(): boolean {
    return this.link !== null;
  }
  get experiment(): Experiment | null {
    return this.run?.experiment ?? null;
  }
  protected get line(): Branch | undefined {
    return this.branches.find((branch) => branch.id === this.branch);
  }
  /** The fault script that the branch on show follows. */
  get script(): FaultLine[] {
    return this.line?.faults ?? this.experiment?.faults ?? [];
  }
  /** What people did on it. */
  get commands(): Command[] {
    return this.line?.commands ?? [];
  }
  get drives(): boolean {
    return !this.readonly && this.role !== 'viewer';
  }
  get playhead(): Playhead | null {
    return this.own ?? this.shared;
  }
  get branch(): number {
    return this.playhead?.branch ?? 0;
  }
  get playing(): boolean {
    return this.playhead?.playing ?? false;
  }
  get speed(): number {
    return this.playhead?.speed ?? 0.1;
  }
  get detached(): boolean {
    return this.own !== null && !this.readonly;
  }
  /** Where the run begins; a saved link where its recording does. */
  protected get start_us(): number {
    return this.link?.trace?.from_us ?? 0;
  }
  /** Where the run ends; a saved link ends where its recording does. */
  get stop_us(): number {
    return this.link?.trace?.to_us ?? this.run?.stop_us ?? 0;
  }
  sharedAt(): number {
    return this.shared ? playheadAt(this.shared, this.clock.now(), this.stop_us || Infinity) : 0;
  }
  clientPlaces(): Map<string, string> {
    return this.experiment ? clientsOf(this.experiment) : new Map();
  }
  get systems(): string[] {
    return this.experiment ? systemsOf(this.experiment) : [];
  }
  /** What its systems let people type. */
  console(): ConsoleCommand[] {
    return this.systems.flatMap((name) => this.descriptors[name]?.console ?? []);
  }
  hasLanes(): boolean {
    return this.systems.some((name) => this.descriptors[name]?.lanes?.length);
  }

  // Receiver ---------------------------------------------------------------------------------------------------------

  abstract message(message: FromServer): void;

  state(state: RunState): void {
    this.run = state;
    this.role = state.role;
    this.viewers = state.viewers;
    if (state.drivers) this.drivers = state.drivers;
    this.clock.hint(state.server_ms);
    this.takeBranches(state.branches);
    this.takePlayhead(state.playhead);
    if (state.head_us !== undefined) this.headUs.set(state.playhead.branch, state.head_us);
    if (state.waiting !== undefined) this.waiting = state.waiting && { type: 'waiting', ...state.waiting };
  }

  connected(state: Connection, attempts: number): void {
    this.connection = state;
    this.attempts = attempts;
    if (state === 'cut') this.waiting = null;
  }

  protected waitsFor(message: Waiting): void {
    this.waiting = message;
    this.waits = true;
  }

  have(): { branch: number; to_us: number } | null {
    if (!this.loaded || !this.shared) return null;
    return { branch: this.shared.branch, to_us: this.trace.coveredUntil(this.shared.branch, this.sharedAt()) };
  }

  frame(bytes: Uint8Array): void {
    // One after another: a later frame must not overtake an earlier one while both inflate.
    this.inflating = this.inflating.then(async () => {
      if (!this.trace.wants(readHeader(bytes).header)) return;
      const frame = await readFrame(bytes);
      const { branch, t1_us, revision } = frame.header;
      const replaces = revision > this.trace.revision(branch);
      if (!this.trace.add(frame)) return;
      this.headUs.set(branch, replaces ? t1_us : Math.max(this.headUs.get(branch) ?? 0, t1_us));
      this.waiting = null;
    }).catch((error: unknown) => console.error(error));
  }

  protected heartbeat(message: Extract<FromServer, { type: 'heartbeat' }>): void {
    if (!this.waits) this.waiting = null;
    this.waits = false;
    this.viewers = message.viewers;
    this.trueSpeed = message.true_speed ?? null;
    this.lagging = false;
    this.clock.hint(message.server_ms);
    this.headUs.set(message.branch, message.head_us);
    if (message.playhead.sequence !== this.shared?.sequence || message.playhead.sequence < this.expected) this.takePlayhead(message.playhead);
  }

  protected takeBranches(branches: Branch[]): void {
    const known = new Set(this.branches.map((one) => one.id));
    const made = this.loaded && !this.readonly ? branches.find((one) => one.parent !== null && !known.has(one.id)) : undefined;
    if (made) this.notify({ tone: 'info', key: ui.phone ? 'views.branched_phone' : 'views.branched', values: { number: made.id + 1, time: (made.fork_us / 1e6).toFixed(2) } });
    this.branches = branches;
    this.trace.setLines(branches);
    for (const branch of branches) {
      this.headUs.set(branch.id, Math.max(branch.head_us ?? 0, this.headUs.get(branch.id) ?? 0));
    }
  }

  protected takePlayhead(playhead: Playhead): void {
    if (this.shared && playhead.sequence < this.shared.sequence) return;
    // While answers to moves of this page are on their way, those to earlier ones would throw it back.
    if (playhead.sequence < this.expected && performance.now() - this.movedAt < ANSWERED_MS) return;
    this.expected = playhead.sequence;
    this.shared = playhead;
    if (this.recalled?.alone && !this.readonly) this.own = playheadOf(this.recalled, playhead, this.clock.now());
    this.recalled = null;
    if (this.pinned !== null && !this.own) this.own = { ...playhead, branch: this.pinned, playing: false, gate_us: null };
  }

  private openLink(link: LinkState): void {
    this.run = link;
    this.branches = link.branches ?? [];
    this.trace.setLines(this.branches);
    const speed = link.experiment.play?.speed ?? 0.1;
    const { from_us, to_us } = link.trace ?? { from_us: 0, to_us: link.stop_us };
    const anchor_us = Math.max(from_us, Math.min(to_us, link.at_us));
    this.own = { branch: link.branch ?? 0, playing: false, speed, anchor_us, anchor_ms: Date.now(), sequence: 0, gate_us: null };
  }

  /** Have a moment of any branch in hand: for pictures of what is not on show. */
  async want(branch: number, at_us: number): Promise<boolean> {
    if (this.trace.at(branch, at_us)) return true;
    const revision = Math.max(this.trace.revision(branch), this.branches.find((one) => one.id === branch)?.revision ?? 0);
    await this.source.fetchRange(branch, revision, at_us, at_us + 1).catch(() => false);
    await this.inflating;
    return Boolean(this.trace.at(branch, at_us));
  }
}
