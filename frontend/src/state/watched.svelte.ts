/** The playhead of one run on this page: the moment on show, the trace asked for around it, and moving it. */

import type { CheckState, ClientState, TraceEvent } from '../core/chunk';
import { playheadAt, type Playhead } from '../core/playhead';
import { scenesOf, type NodeScene } from '../core/scene';
import type { Piece } from '../core/trace';
import { checksAt, clientsAt, Cursor, isStep, type World } from '../core/world';
import { keepMoment, playheadOf, recallMoment } from './moment';
import { reducedMotion, STEP_MS } from './motion';
import { Received } from './received.svelte';

/** Wall time between two looks at what changes slowly: feed, result line, timeline. */
const SLOW_MS = 200;
/** The trace asked for ahead of the playhead, in wall seconds at the present speed. */
const LEAD_S = 3;
const RANGE_US_MAX = 10_000_000;
/** What the trace in hand may take of the browser's memory; more is let go and asked for again. */
const TRACE_BYTES_MAX = 64 * 1024 * 1024;
/** Kept around the playhead whatever it takes, in wall seconds at the present speed. */
const NEAR_S = 10;

export abstract class Watched extends Received {
  /** The moment on show, in virtual microseconds. */
  at_us = $state(0);
  /** Rises when the world on show changed. */
  worldVersion = $state(0);
  /** Rises about five times a second while anything moves. */
  slow = $state(0);
  /** The trace in hand does not reach the playhead yet. */
  stalled = $state(false);
  /** Whether the past, and what is shown next, is in hand: nothing is painted anew unless time moves. */
  whole = $state(false);
  selected = $state<string | null>(null);
  selectedEvent = $state<number | null>(null);
  /** Sessions that do whatever this one does: commands at the same virtual time, moves of the playhead. */
  followers: this[] = [];
  /** Where to be instead of where the playhead is: in step with others. */
  pace: (() => number) | null = null;
  private cursor: Cursor | null = null;
  private lastScenes: NodeScene[] = [];
  private frameRequest = 0;
  private slowAt = 0;
  private steppedAt = -STEP_MS;
  private ackAt = 0;
  private stalledSince = 0;
  private fetching = false;
  private fetchAfter = 0;
  private pings = 0;

  // What is on show --------------------------------------------------------------------------------------------------

  /** The furthest moment that may be painted: what the shared playhead has shown on a branch. */
  playedUntil(branch: number): number {
    if (this.readonly) return this.stop_us;
    const line = this.branches.find((one) => one.id === branch);
    const live = this.shared?.branch === branch ? this.sharedAt() : 0;
    return Math.max(line?.played_us ?? 0, live, branch === this.branch ? this.at_us : 0);
  }
  get world(): World | null {
    return this.cursor?.world ?? null;
  }
  piece(): Piece | undefined {
    return this.trace.at(this.branch, this.at_us);
  }
  lastEvent(): TraceEvent | undefined {
    return this.cursor?.lastEvent();
  }
  scenes(): NodeScene[] {
    const world = this.world;
    if (!world || !this.experiment) return [];
    const ids = this.experiment.topology.nodes.map((node) => node.id);
    return (this.lastScenes = scenesOf(ids, world, this.descriptors, this.lastScenes));
  }
  checks(): Record<string, CheckState> {
    const piece = this.piece();
    return piece ? checksAt(piece.chunk, this.at_us) : {};
  }
  clients(): Record<string, ClientState> {
    const piece = this.piece();
    return piece ? clientsAt(piece.chunk, this.at_us) : {};
  }

  // Life -------------------------------------------------------------------------------------------------------------

  start(): void {
    this.recall();
    this.source.open();
    const loop = (now: number) => {
      this.tick(now);
      this.frameRequest = requestAnimationFrame(loop);
    };
    this.frameRequest = requestAnimationFrame(loop);
  }

  stop(): void {
    this.keep();
    removeEventListener('pagehide', this.keep);
    cancelAnimationFrame(this.frameRequest);
    this.source.close();
  }

  /** After a reload: the node that was selected, and the page's own moment when it had one. */
  private recall(): void {
    addEventListener('pagehide', this.keep);
    this.recalled = this.pinned === null ? recallMoment(this.page) : null;
    this.selected ??= this.recalled?.selected ?? null;
    if (this.readonly && this.recalled && this.own) this.own = playheadOf(this.recalled, this.own, this.clock.now());
  }

  private keep = (): void => {
    const { branch, speed, playing, selected } = this;
    if (this.loaded) keepMoment(this.page, { branch, speed, playing, selected, at_us: this.at_us, alone: this.readonly || this.detached });
  };

  /** A saved link that holds no picture: no worker simulated the run before it was saved. */
  get unrecorded(): boolean {
    return this.link?.trace?.to_us === 0;
  }

  private get page(): string {
    return this.link?.slug ?? this.code;
  }

  private tick(now: number): void {
    if (!this.playhead) return;
    const wanted = this.pace ? this.pace() : this.aim();
    if (!this.playing || !reducedMotion() || now - this.steppedAt >= STEP_MS) {
      this.steppedAt = now;
      this.show(wanted, now);
    }
    if (now - this.slowAt > SLOW_MS) {
      this.slowAt = now;
      this.slow++;
      this.fill(wanted);
    }
    if (now - this.ackAt > 1000) {
      this.ackAt = now;
      this.everySecond();
    }
  }

  /** Where the playhead is. */
  aim(): number {
    return this.playhead ? playheadAt(this.playhead, this.clock.now(), this.stop_us || Infinity) : 0;
  }

  /** How far the trace in hand goes on from a moment. */
  reach(from_us: number): number {
    return this.trace.coveredUntil(this.branch, from_us);
  }

  /** Show a moment, or the last one in hand before it. */
  private show(wanted_us: number, now: number): void {
    const branch = this.branch;
    let at_us = wanted_us;
    let piece = this.trace.at(branch, wanted_us);
    if (!piece) {
      at_us = Math.min(wanted_us, this.trace.coveredUntil(branch, Math.min(this.at_us, wanted_us)));
      piece = this.trace.at(branch, at_us);
    }
    this.watchStall(wanted_us - at_us > 0 || !piece, now);
    if (!piece) return;
    if (this.cursor?.chunk !== piece.chunk) {
      this.cursor = new Cursor(piece.chunk);
      this.worldVersion++;
    }
    const before = this.cursor.version;
    this.cursor.seek(at_us);
    if (this.cursor.version !== before) this.worldVersion++;
    this.at_us = at_us;
    if (!this.loaded) this.loaded = true;
  }

  private watchStall(missing: boolean, now: number): void {
    if (!missing) this.stalledSince = 0;
    else if (!this.stalledSince) this.stalledSince = now;
    this.stalled = missing && now - this.stalledSince > 600;
  }

  protected everySecond(): void {
    this.trace.evict(this.branch, this.at_us, this.nearUs(), TRACE_BYTES_MAX);
    if (this.readonly || !this.playhead) return;
    this.source.send({ type: 'ping', n: ++this.pings, client_ms: Date.now() });
    this.source.send({ type: 'ack', branch: this.branch, to_us: this.trace.coveredUntil(this.branch, this.at_us) });
  }

  // What is asked for ------------------------------------------------------------------------------------------------

  private nearUs(): number {
    return Math.max(1e6, NEAR_S * 1e6 * this.speed);
  }

  /** Ask for what is missing: a hole before the head first, then the past for the timeline. */
  private fill(wanted_us: number): void {
    if (this.fetching || performance.now() < this.fetchAfter) return;
    const branch = this.branch;
    // Of a branch that is not the shared one nobody tells where the simulation is; it was played so far at least.
    const played_us = this.pinned === null ? 0 : (this.branches.find((one) => one.id === branch)?.played_us ?? 0);
    const head_us = this.readonly ? this.stop_us : Math.max(played_us, this.headUs.get(branch) ?? 0);
    const covered = this.trace.coveredUntil(branch, wanted_us);
    const lead_us = Math.max(200_000, LEAD_S * 1e6 * this.speed);
    const ahead = Math.min(head_us, wanted_us + lead_us);
    const alone = this.readonly || this.pinned !== null || this.connection === 'polling';
    if (covered < ahead && (this.stalledSince || covered < head_us - lead_us || alone)) {
      this.whole = false;
      void this.fetch(branch, covered, Math.min(head_us, covered + RANGE_US_MAX));
      return;
    }
    const coarse = this.coarse();
    if (coarse) {
      void this.fetch(branch, coarse.chunk.t0_us, coarse.until_us, true);
      return;
    }
    const first = this.firstHole(branch, Math.min(wanted_us, head_us));
    this.whole = first === null;
    if (first) void this.fetch(branch, first.from_us, first.to_us);
  }

  /** The latest part of the past that is not in hand, so that the timeline fills backwards from here. */
  private firstHole(branch: number, until_us: number): { from_us: number; to_us: number } | null {
    let end = until_us;
    for (const { piece } of [...this.trace.pieces(branch, until_us)].reverse()) {
      if (piece.chunk.t1_us < end) break;
      // What was let go is painted from its summary; close behind the playhead it is needed whole again.
      if (piece.light && piece.until_us > until_us - this.nearUs() / 2) break;
      end = Math.min(end, piece.chunk.t0_us);
    }
    return end > this.start_us && end < until_us ? { from_us: Math.max(0, end - RANGE_US_MAX), to_us: end } : null;
  }

  /** Where somebody stops to look, every event is worth having: an aggregate there is asked for again in full. */
  private coarse(): Piece | undefined {
    const piece = this.readonly || this.playing ? undefined : this.piece();
    return piece?.chunk.level === 'aggregate' ? piece : undefined;
  }

  private async fetch(branch: number, from_us: number, to_us: number, full = false): Promise<void> {
    this.fetching = true;
    const revision = Math.max(this.trace.revision(branch), this.branches.find((one) => one.id === branch)?.revision ?? 0);
    const any = await this.source.fetchRange(branch, revision, from_us, to_us, full).catch(() => false);
    await this.inflating;
    this.fetching = false;
    this.fetchAfter = performance.now() + (any ? 50 : 1500);
  }

  // Moving it --------------------------------------------------------------------------------------------------------

  /** Pausing names the moment that was seen: the server's answer then moves nothing. */
  play(play: boolean): void {
    this.move(play ? { play } : { play, to_us: Math.round(this.at_us) });
  }

  /** The moment on show is the last there will be. */
  get ended(): boolean {
    return this.stop_us > 0 && this.at_us >= this.stop_us;
  }

  /** Play or pause; where there is nothing more to play, from the beginning. */
  toggle(): void {
    if (this.ended) this.move({ play: true, to_us: this.start_us });
    else this.play(!this.playing);
  }

  setSpeed(speed: number): void {
    this.move({ speed });
  }

  goTo(to_us: number, branch?: number): void {
    this.move({ to_us: Math.max(0, Math.round(Math.min(to_us, this.stop_us || to_us))), ...(branch === undefined ? {} : { branch }) });
  }

  async step(direction: 1 | -1, accept: (event: TraceEvent) => boolean = isStep): Promise<void> {
    const { branch, at_us } = this;
    const event = this.trace.step(branch, at_us, direction, accept);
    if (event) {
      this.selectedEvent = event[0];
      return this.move({ play: false, to_us: event[1] });
    }
    // What comes there is only not in hand yet, unless the recording begins or ends here.
    const edge_us = direction < 0 ? this.trace.coveredFrom(branch, at_us) - 1 : this.trace.coveredUntil(branch, at_us) + 1;
    if (edge_us >= this.start_us && edge_us <= this.stop_us) {
      if (this.playing) this.play(false);
      if (await this.want(branch, Math.round(edge_us))) await this.step(direction, accept);
      return;
    }
    this.move({ play: false, to_us: direction < 0 ? this.start_us : at_us });
  }

  /** Leave the shared playhead and look around alone. */
  detach(): void {
    if (this.own || !this.shared) return;
    this.own = { ...this.shared, anchor_us: this.at_us, anchor_ms: this.clock.now(), gate_us: this.shared.gate_us };
  }

  /** Stand still apart from everybody for a while; the answer goes back to where this page was. */
  lookAlone(): () => void {
    const before = this.own;
    const at_us = this.at_us;
    this.detach();
    if (this.own) this.own = this.moved(this.own, { play: false, to_us: at_us });
    return () => void (this.own = before);
  }

  live(): void {
    if (!this.readonly) this.own = null;
    else this.goTo(this.link?.at_us ?? 0);
  }

  /** Drivers move the shared playhead; anybody else leaves it and moves their own. */
  private move(change: { play?: boolean; speed?: number; to_us?: number; branch?: number }): void {
    for (const one of this.followers) one.move(change);
    // Cut off from the others, what a driver moves is their own as well.
    if (!this.drives || this.own || !this.shared || !this.source.send({ type: 'playhead', ...change })) {
      this.detach();
      if (this.own) this.own = this.moved(this.own, change);
      return;
    }
    // Shown at once here; the server's answer carries a higher sequence and settles it.
    this.expected = Math.max(this.expected, this.shared.sequence) + 1;
    this.movedAt = performance.now();
    this.shared = { ...this.moved(this.shared, change), sequence: this.shared.sequence };
  }

  private moved(playhead: Playhead, change: { play?: boolean; speed?: number; to_us?: number; branch?: number }): Playhead {
    const now_ms = this.clock.now();
    return {
      ...playhead,
      branch: change.branch ?? playhead.branch,
      playing: change.play ?? playhead.playing,
      speed: change.speed ?? playhead.speed,
      anchor_us: change.to_us ?? (playhead.playing ? Math.min(playheadAt(playhead, now_ms, this.stop_us), Math.max(this.at_us, 0)) : playhead.anchor_us),
      anchor_ms: now_ms,
    };
  }
}
