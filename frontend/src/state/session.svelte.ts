/** One run on this page: its trace, the playhead, and everything that changes while it is watched. */

import type { CheckState, ClientState, TraceEvent } from '../core/chunk';
import type { Disaster } from '../core/operate';
import type { ConsoleCommand, Descriptors } from '../core/descriptor';
import { clientsOf, type Experiment, type FaultLine } from '../core/experiment';
import { lineWords, type Words } from '../core/lineWords';
import { blockerOf, type Blocker } from '../core/recover';
import { playheadAt, ServerClock, type Playhead } from '../core/playhead';
import { scenesOf, type NodeScene } from '../core/scene';
import { Trace, type Piece } from '../core/trace';
import { checksAt, clientsAt, Cursor, isStep, type World } from '../core/world';
import { createRun, refusalText, type FaultWord, type Systems } from '../net/api';
import type { Branch, Command, Condition, FromServer, LinkState, RoleName, RunState, ToServer } from '../net/messages';
import { newKey, type Connection } from '../net/socket';
import { withCommand } from '../core/commands';
import { readFrame, readHeader } from '../net/wire';
import { keepMoment, playheadOf, recallMoment, type Moment } from './moment';
import { reducedMotion, STEP_MS } from './motion';
import { Preload } from './preload.svelte';
import { LiveSource, SavedSource, type Receiver, type Source } from './source';
import { ui } from './ui.svelte';

/** A message for the person: a catalogue key with values, or a text that the server wrote in both languages. */
export interface Notice {
  id: number;
  tone: 'info' | 'bad';
  key?: string;
  values?: Record<string, string | number>;
  /** The reason, which stands in the text as {reason}. */
  because?: Blocker;
  text?: { en: string; zh: string };
  offer?: 'fork' | 'script';
  /** What a person can do about it; it stays until they do, or close it. */
  act?: { key: string; values: Record<string, string>; run: () => void };
}

export type Refused = Extract<FromServer, { type: 'refused' }>;
/** Beside others: hears what is given to all, and tells itself who refused it when it says so. */
export interface Witness {
  gave(line: { do: string }, keys: readonly string[]): void;
  refused(side: Session, message: Refused): boolean;
}

/** Wall time between two looks at what changes slowly: feed, result line, timeline. */
const SLOW_MS = 200;
/** The trace asked for ahead of the playhead, in wall seconds at the present speed. */
const LEAD_S = 3;
const RANGE_US_MAX = 10_000_000;
/** What the trace in hand may take of the browser's memory; more is let go and asked for again. */
const TRACE_BYTES_MAX = 64 * 1024 * 1024;
/** Kept around the playhead whatever it takes, in wall seconds at the present speed. */
const NEAR_S = 10;
/** Wall time by which a command for several runs is given ahead: more than the server adds for one. */
const COMMON_LEAD_S = 0.5;

export class Session implements Receiver {
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
  waiting = $state.raw<Extract<FromServer, { type: 'waiting' }> | null>(null);
  limit = $state.raw<{ en: string; zh: string } | string | null>(null);
  lagging = $state(false);
  notices = $state.raw<Notice[]>([]);
  pending = $state(0);
  running = $state(false);
  /** The moment on show, in virtual microseconds. */
  at_us = $state(0);
  /** Rises when the world on show changed. */
  worldVersion = $state(0);
  /** Rises about five times a second while anything moves. */
  slow = $state(0);
  /** The trace in hand does not reach the playhead yet. */
  stalled = $state(false);
  loaded = $state(false);
  selected = $state<string | null>(null);
  /** Nodes picked together, for what is done to all of them. */
  group = $state.raw<readonly string[]>([]);
  selectedEvent = $state<number | null>(null);
  link = $state.raw<LinkState | null>(null);
  /** Sessions that do whatever this one does: commands at the same virtual time, moves of the playhead. */
  followers: Session[] = [];
  witness: Witness | null = null;
  /** Where to be instead of where the playhead is: in step with others. */
  pace: (() => number) | null = null;
  /** The branch to look at from the start, apart from everybody else. */
  pinned: number | null = null;

  readonly trace = new Trace();
  readonly clock = new ServerClock();
  readonly preload: Preload;
  readonly descriptors: Descriptors;
  readonly faultWords: Record<string, FaultWord>;
  /** The same with the systems' own commands and settings, for lines in words. */
  readonly lineWords: Words;
  readonly disasters: Record<string, Disaster>;
  private cursor: Cursor | null = null;
  private source: Source;
  private lastScenes: NodeScene[] = [];
  private frameRequest = 0;
  private slowAt = 0;
  private steppedAt = -STEP_MS;
  private ackAt = 0;
  private stalledSince = 0;
  private fetching = false;
  /** Whether the past, and what is shown next, is in hand: nothing is painted anew unless time moves. */
  whole = $state(false);
  private fetchAfter = 0;
  private headUs = new Map<number, number>();
  private unanswered = new Map<string, Extract<ToServer, { type: 'command' | 'undo' }>>();
  private inflating: Promise<void> = Promise.resolve();
  private nextNotice = 1;
  private pings = 0;
  private recovering = false;
  private recalled: Moment | null = null;

  /** `source`: where frames come from when neither from a live run nor from a saved link. */
  constructor(readonly code: string, systems: Systems, link: LinkState | null = null, source: ((receiver: Receiver) => Source) | null = null) {
    this.descriptors = systems.systems;
    this.faultWords = systems.faults;
    this.lineWords = lineWords(systems);
    this.disasters = systems.disasters ?? {};
    this.link = link;
    this.preload = new Preload(code);
    this.source = source ? source(this) : link ? new SavedSource(link.slug, this) : new LiveSource(code, this);
    if (link) this.openLink(link);
  }

  get readonly(): boolean {
    return this.link !== null;
  }
  get experiment(): Experiment | null {
    return this.run?.experiment ?? null;
  }
  private get line(): Branch | undefined {
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
  private get start_us(): number {
    return this.link?.trace?.from_us ?? 0;
  }
  /** Where the run ends; a saved link ends where its recording does. */
  get stop_us(): number {
    return this.link?.trace?.to_us ?? this.run?.stop_us ?? 0;
  }

  /** The furthest moment that may be painted: what the shared playhead has shown on a branch. */
  playedUntil(branch: number): number {
    if (this.readonly) return this.stop_us;
    const line = this.branches.find((one) => one.id === branch);
    const live = this.shared?.branch === branch ? this.sharedAt() : 0;
    return Math.max(line?.played_us ?? 0, live, branch === this.branch ? this.at_us : 0);
  }

  sharedAt(): number {
    return this.shared ? playheadAt(this.shared, this.clock.now(), this.stop_us || Infinity) : 0;
  }

  /** In or out of the group. */
  toggleInGroup(id: string): void {
    this.group = this.group.includes(id) ? this.group.filter((one) => one !== id) : [...this.group, id];
  }

  // What is on show ------------------------------------------------------------------------------------------------

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
  /** What its systems let people type. */
  console(): ConsoleCommand[] {
    return (this.run?.systems ?? []).flatMap((name) => this.descriptors[name]?.console ?? []);
  }
  hasLanes(): boolean {
    return (this.run?.systems ?? []).some((name) => this.descriptors[name]?.lanes?.length);
  }
  clientPlaces(): Map<string, string> {
    return this.experiment ? clientsOf(this.experiment) : new Map();
  }

  // Life ------------------------------------------------------------------------------------------------------------

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
    this.preload.stop();
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

  private everySecond(): void {
    this.trace.evict(this.branch, this.at_us, this.nearUs(), TRACE_BYTES_MAX);
    if (this.readonly || !this.playhead) return;
    this.source.send({ type: 'ping', n: ++this.pings, client_ms: Date.now() });
    this.source.send({ type: 'ack', branch: this.branch, to_us: this.trace.coveredUntil(this.branch, this.at_us) });
    for (const message of this.unanswered.values()) this.source.send(message);
  }

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

  /** Have a moment of any branch in hand: for pictures of what is not on show. */
  async want(branch: number, at_us: number): Promise<boolean> {
    if (this.trace.at(branch, at_us)) return true;
    const revision = Math.max(this.trace.revision(branch), this.branches.find((one) => one.id === branch)?.revision ?? 0);
    await this.source.fetchRange(branch, revision, at_us, at_us + 1).catch(() => false);
    await this.inflating;
    return Boolean(this.trace.at(branch, at_us));
  }

  // Receiver --------------------------------------------------------------------------------------------------------

  state(state: RunState): void {
    this.run = state;
    this.role = state.role;
    this.viewers = state.viewers;
    this.clock.hint(state.server_ms);
    this.takeBranches(state.branches);
    this.takePlayhead(state.playhead);
    if (state.head_us !== undefined) this.headUs.set(state.playhead.branch, state.head_us);
    if (state.waiting !== undefined) this.waiting = state.waiting ? { type: 'waiting', for: 'worker' } : null;
  }

  connected(state: Connection, attempts: number): void {
    this.connection = state;
    this.attempts = attempts;
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

  message(message: FromServer): void {
    switch (message.type) {
      case 'welcome': return this.state('state' in message ? message.state : message);
      case 'playhead': return this.takePlayhead((message.playhead ?? message) as Playhead);
      case 'branches': return this.takeBranches(message.branches);
      case 'accepted': return this.accepted(message);
      case 'refused': return this.refused(message);
      case 'heartbeat': return this.heartbeat(message);
      case 'presence': this.viewers = message.viewers; this.drivers = message.drivers; return;
      case 'role': this.role = message.role; return;
      case 'lagging': this.lagging = true; return;
      case 'waiting': this.waiting = message; return;
      case 'limit': this.limit = message.text; return;
      case 'until_result': return this.untilResult(message);
      case 'pong': this.clock.pong(message.client_ms, message.server_ms); return;
      case 'error': this.notify({ tone: 'bad', key: 'common.server_error', values: { message: refusalText(message) } });
    }
  }

  private heartbeat(message: Extract<FromServer, { type: 'heartbeat' }>): void {
    this.viewers = message.viewers;
    this.trueSpeed = message.true_speed ?? null;
    this.lagging = false;
    this.clock.hint(message.server_ms);
    this.headUs.set(message.branch, message.head_us);
    if (message.playhead.sequence !== this.shared?.sequence) this.takePlayhead(message.playhead);
  }

  private takeBranches(branches: Branch[]): void {
    const known = new Set(this.branches.map((one) => one.id));
    const made = this.loaded && !this.readonly ? branches.find((one) => one.parent !== null && !known.has(one.id)) : undefined;
    if (made) this.notify({ tone: 'info', key: ui.phone ? 'views.branched_phone' : 'views.branched', values: { number: made.id + 1, time: (made.fork_us / 1e6).toFixed(2) } });
    this.branches = branches;
    this.trace.setLines(branches);
    for (const branch of branches) {
      this.headUs.set(branch.id, Math.max(branch.head_us ?? 0, this.headUs.get(branch.id) ?? 0));
    }
  }

  private takePlayhead(playhead: Playhead): void {
    if (this.shared && playhead.sequence < this.shared.sequence) return;
    this.shared = playhead;
    if (this.recalled?.alone && !this.readonly) this.own = playheadOf(this.recalled, playhead, this.clock.now());
    this.recalled = null;
    if (this.pinned !== null && !this.own) this.own = { ...playhead, branch: this.pinned, playing: false, gate_us: null };
  }

  private accepted(message: Extract<FromServer, { type: 'accepted' }>): void {
    this.preload.outdated();
    this.answered(message.key);
    this.branches = withCommand(this.branches, message);
  }

  private answered(key: string): void {
    this.unanswered.delete(key);
    this.pending = this.unanswered.size;
  }

  private refused(message: Refused): void {
    this.answered(message.key);
    if (!message.offer && this.witness?.refused(this, message)) return;
    const text = message.text ?? { en: message.reason, zh: message.reason };
    this.notify({ tone: 'bad', text, offer: message.offer });
  }

  private untilResult(message: Extract<FromServer, { type: 'until_result' }>): void {
    this.running = false;
    const asked = this.recovering;
    this.recovering = false;
    if (asked) return void this.notify(this.recoveryNotice(message));
    if (message.found) {
      this.selectedEvent = message.event ?? null;
      this.notify({ tone: 'info', key: 'time.until_found', values: { time: ((message.at_us ?? 0) / 1e6).toFixed(3) } });
    }
    else this.notify({ tone: 'info', key: 'time.until_nothing' });
  }

  /** Who says what this session has to say: beside others, the one that leads. */
  herald: ((notice: Omit<Notice, 'id'>) => number) | null = null;

  /** The number it has, by which it can be dismissed. */
  notify(notice: Omit<Notice, 'id'>): number {
    if (this.herald) return this.herald(notice);
    const made = { ...notice, id: this.nextNotice++ };
    this.notices = [...this.notices.slice(-3), made];
    if (!notice.act) setTimeout(() => this.dismiss(made.id), notice.offer ? 20_000 : 7000);
    return made.id;
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id);
  }

  // What a person does ---------------------------------------------------------------------------------------------

  command(line: { do: string; [argument: string]: unknown }, at_us = this.commonMoment()): void {
    const keys = [this, ...this.followers].map((one) => one.give(line, at_us));
    this.witness?.gave(line, keys);
  }
  private give(line: { do: string }, at_us: number): string {
    const message = { type: 'command', key: newKey(), branch: this.branch, at_us, do: line } as Extract<ToServer, { type: 'command' }>;
    this.unanswered.set(message.key, message);
    this.pending = this.unanswered.size;
    this.source.send(message);
    return message.key;
  }

  /** Now; with followers far enough ahead that it comes at the same virtual time to all of them. */
  private commonMoment(): number {
    const lead_us = this.followers.length && this.playing ? COMMON_LEAD_S * 1e6 * this.speed : 0;
    return Math.round(this.at_us + lead_us);
  }

  /** Without the last command; beside others, where it acted, and all are then where it did. */
  undo(): void {
    const all = [this, ...this.followers];
    const last_us = Math.max(...all.map((one) => one.lastCommand_us));
    const sides = all.filter((one) => one.lastCommand_us === last_us);
    for (const one of sides) one.takeBack();
    if (sides.length < all.length) this.goTo(Math.min(last_us, this.at_us));
  }
  private takeBack(): void {
    const message = { type: 'undo', key: newKey() } as const;
    this.unanswered.set(message.key, message);
    this.source.send(message);
  }
  /** When what was given last acted; before everything when nothing was given. */
  private get lastCommand_us(): number {
    const given = [...this.commands].sort((a, b) => a.seq - b.seq);
    return given.at(-1)?.at_us ?? -1;
  }

  /** Pausing names the moment that was seen: the server's answer then moves nothing. */
  play(play: boolean): void {
    this.move(play ? { play } : { play, to_us: Math.round(this.at_us) });
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

  /** Give a majority back, then see whether anything is committed again. */
  recover(commands: { do: string; [argument: string]: unknown }[]): void {
    for (const line of commands) this.command(line);
    this.recovering = true;
    this.until('commit');
  }
  private recoveryNotice(message: Extract<FromServer, { type: 'until_result' }>): Omit<Notice, 'id'> {
    if (!message.found || message.at_us === null) return { tone: 'bad', key: 'time.recovers_not', because: this.blocker() };
    return { tone: 'info', key: 'time.recovers', values: { time: (message.at_us / 1e6).toFixed(3) } };
  }

  private blocker(): Notice['because'] {
    const network = this.world?.network;
    const byHand = (this.experiment as { timers?: string } | null)?.timers === 'manual';
    return network ? blockerOf(this.scenes(), network, { byHand, clients: this.clientPlaces().size }) : undefined;
  }

  until(condition: Condition): void {
    this.running = this.source.send({ type: 'until', condition });
  }

  /** A write by the first client, with a value nobody wrote before. */
  clientWrite(): void {
    const client = [...this.clientPlaces().keys()][0];
    if (client && this.drives) this.command({ do: 'client', client, operation: 'put', key: 'x', value: `w${Math.round(this.at_us / 1000)}` });
  }

  /** A run of one's own from this moment on; the page goes there. */
  async fork(): Promise<void> {
    // What came from a file is nowhere on the server: its experiment can only begin anew.
    if (this.link?.slug === '') return this.newRun();
    try {
      const made = await createRun(this.forkRequest());
      location.assign(made.url);
    } catch (error) {
      this.notify({ tone: 'bad', key: 'common.server_error', values: { message: String((error as Error).message) } });
    }
  }

  /** The same experiment again, from the start. */
  async newRun(): Promise<void> {
    if (!this.experiment) return;
    try {
      location.assign((await createRun({ experiment: this.experiment, seed: this.run?.seed })).url);
    } catch (error) {
      this.notify({ tone: 'bad', key: 'common.server_error', values: { message: String((error as Error).message) } });
    }
  }

  /** The same again, but nothing moves unless somebody lets it: every message waits, and no timer fires by itself. */
  async byHand(): Promise<void> {
    if (!this.experiment) return;
    const { variants: _, compare: __, ...rest } = this.experiment as Experiment & Record<string, unknown>;
    const experiment = { ...rest, timers: 'manual', faults: [{ at_s: 0, do: 'hold' }], checks: [], predict: [], expect_sweep: [] } as unknown as Experiment;
    try {
      location.assign(`${(await createRun({ experiment, seed: this.run?.seed, playing: false })).url}?view=inbox`);
    } catch (error) {
      this.notify({ tone: 'bad', key: 'common.server_error', values: { message: String((error as Error).message) } });
    }
  }

  private forkRequest(): Parameters<typeof createRun>[0] {
    const moment = { branch: this.branch, at_us: Math.round(this.at_us) };
    return { from: this.link ? { link: this.link.slug, ...moment } : { run: this.code, ...moment } };
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
    if (!this.drives || this.own) {
      this.detach();
      if (this.own) this.own = this.moved(this.own, change);
      return;
    }
    if (!this.shared) return;
    this.source.send({ type: 'playhead', ...change });
    // Shown at once here; the server's answer carries a higher sequence and settles it.
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

  private openLink(link: LinkState): void {
    this.run = link;
    this.branches = link.branches ?? [];
    this.trace.setLines(this.branches);
    const speed = link.experiment.play?.speed ?? 0.1;
    const { from_us, to_us } = link.trace ?? { from_us: 0, to_us: link.stop_us };
    const anchor_us = Math.max(from_us, Math.min(to_us, link.at_us));
    this.own = { branch: link.branch ?? 0, playing: false, speed, anchor_us, anchor_ms: Date.now(), sequence: 0, gate_us: null };
  }
}
