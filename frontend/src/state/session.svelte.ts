/** One run on this page: what a person does to it, and what they are answered. What it is and shows: `received`, `watched`. */

import { isByHand, type Experiment } from '../core/experiment';
import { blockerOf } from '../core/recover';
import type { Playhead } from '../core/playhead';
import { createRun, refusalSentence, type Systems } from '../net/api';
import type { Condition, FromServer, LinkState, ToServer } from '../net/messages';
import { newKey, type Connection } from '../net/socket';
import { withCommand } from '../core/commands';
import { Preload } from './preload.svelte';
import type { Receiver, Source } from './source';
import type { BranchMoment, Notice } from './notices.svelte';
import { Watched } from './watched.svelte';

export type Refused = Extract<FromServer, { type: 'refused' }>;
type UntilResult = Extract<FromServer, { type: 'until_result' }>;
/** Why a search ended without an answer. */
const STOPPED: Record<string, string> = { cancelled: 'time.until_cancelled', limit: 'time.until_limit', lost: 'time.until_lost' };
/** Beside others: hears what is given to all, and tells itself who refused it when it says so. */
export interface Witness {
  gave(line: { do: string }, keys: readonly string[]): void;
  refused(side: Session, message: Refused): boolean;
}

/** Wall time by which a command for several runs is given ahead: more than the server adds for one. */
const COMMON_LEAD_S = 0.5;

export class Session extends Watched {
  pending = $state(0);
  running = $state(false);
  /** Nodes picked together, for what is done to all of them. */
  group = $state.raw<readonly string[]>([]);
  /** Hears what is given to this one and its followers. */
  witness: Witness | null = null;
  readonly preload: Preload;
  private unanswered = new Map<string, Extract<ToServer, { type: 'command' | 'undo' }>>();
  private recovering = false;

  constructor(code: string, systems: Systems, link: LinkState | null = null, source: ((receiver: Receiver) => Source) | null = null) {
    super(code, systems, link, source);
    this.preload = new Preload(code);
  }

  override stop(): void {
    super.stop();
    this.preload.stop();
  }

  /** What was not answered yet is asked again. */
  protected override everySecond(): void {
    super.everySecond();
    if (this.readonly || !this.playhead) return;
    for (const message of this.unanswered.values()) this.source.send(message);
  }

  // What a person does -----------------------------------------------------------------------------------------------

  /** In or out of the group. */
  toggleInGroup(id: string): void {
    this.group = this.group.includes(id) ? this.group.filter((one) => one !== id) : [...this.group, id];
  }

  command(line: { do: string; [argument: string]: unknown }, at_us = this.commonMoment()): void {
    const keys = [this, ...this.followers].map((one) => one.give(line, at_us));
    this.witness?.gave(line, keys);
  }

  private give(line: { do: string }, at_us: number): string {
    const message = { type: 'command', key: newKey(), branch: this.branch, at_us, do: line } as Extract<ToServer, { type: 'command' }>;
    this.ask(message);
    return message.key;
  }

  /** Until it is answered it is asked again. */
  private ask(message: Extract<ToServer, { type: 'command' | 'undo' }>): void {
    this.unanswered.set(message.key, message);
    this.pending = this.unanswered.size;
    if (!this.source.send(message)) this.notify({ tone: 'bad', key: 'break.unsent' });
  }

  /**
   * Now: where the shared playhead is, also when this page shows it late, else the moment on show. With followers far
   * enough ahead of the one that is furthest, so that it comes at the same virtual time to all of them.
   */
  private commonMoment(): number {
    if (!this.playing) return Math.round(this.at_us);
    const furthest_us = Math.max(this.at_us, ...[this, ...this.followers].map((one) => (one.own ? 0 : one.sharedAt())));
    return Math.round(furthest_us + (this.followers.length ? COMMON_LEAD_S * 1e6 * this.speed : 0));
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
    this.ask({ type: 'undo', key: newKey() });
  }

  /** When what was given last acted; before everything when nothing was given. */
  private get lastCommand_us(): number {
    const given = [...this.commands].sort((a, b) => a.seq - b.seq);
    return given.at(-1)?.at_us ?? -1;
  }

  /** Give a majority back, then see whether anything is committed again. */
  recover(commands: { do: string; [argument: string]: unknown }[]): void {
    for (const line of commands) this.command(line);
    this.recovering = true;
    this.until('commit');
  }

  private recoveryNotice(message: UntilResult): Omit<Notice, 'id'> {
    if (!message.found || message.at_us === null) return { tone: 'bad', key: 'time.recovers_not', because: this.blocker() };
    return { tone: 'info', key: 'time.recovers', values: { time: (message.at_us / 1e6).toFixed(3) } };
  }

  private blocker(): Notice['because'] {
    const network = this.world?.network;
    return network ? blockerOf(this.scenes(), network, { byHand: isByHand(this.experiment), clients: this.clientPlaces().size }) : undefined;
  }

  until(condition: Condition): void {
    this.running = this.source.send({ type: 'until', condition });
    if (!this.running) this.notify({ tone: 'bad', key: 'time.until_cut' });
  }

  /** The answer to what was asked before may have been missed. */
  override connected(state: Connection, attempts: number): void {
    super.connected(state, attempts);
    if (state === 'cut') this.running = false;
  }

  /** A write by the first client, with a value nobody wrote before. */
  clientWrite(): void {
    const client = [...this.clientPlaces().keys()][0];
    if (client && this.drives) this.command({ do: 'client', client, operation: 'put', key: 'x', value: `w${Math.round(this.at_us / 1000)}` });
  }

  // Runs of their own ------------------------------------------------------------------------------------------------

  /** A run of one's own from a moment on, that on show if no other is named; the page goes there. */
  async fork(there?: BranchMoment): Promise<void> {
    // (Before the first picture the server knows better where this is.)
    const moment = there ?? (this.loaded ? this.moment() : {});
    // What came from a file is nowhere on the server: its experiment can only begin anew.
    if (this.link?.slug === '') return this.newRun();
    try {
      const made = await createRun({ from: this.link ? { link: this.link.slug, ...moment } : { run: this.code, ...moment } });
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

  private moment(): BranchMoment {
    return { branch: this.branch, at_us: Math.round(this.at_us) };
  }

  // Answers ----------------------------------------------------------------------------------------------------------

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
      case 'waiting': return this.waitsFor(message);
      case 'limit': this.limit = message.text; return;
      case 'until_result': return this.untilResult(message);
      case 'pong': this.clock.pong(message.client_ms, message.server_ms); return;
      case 'error': this.running = false; this.notify({ tone: 'bad', key: 'common.server_error', values: { message: refusalSentence(message, message.status) } });
    }
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
    const asked = this.unanswered.get(message.key);
    this.answered(message.key);
    if (this.witness?.refused(this, message)) return;
    const text = message.text ?? { en: message.reason, zh: message.reason };
    // What was over when it came is offered where it was meant.
    const there = asked?.type === 'command' && message.reason === 'past' ? { branch: asked.branch, at_us: asked.at_us } : undefined;
    this.notify({ tone: 'bad', text, offer: message.offer, there });
  }

  private untilResult(message: UntilResult): void {
    this.running = false;
    const asked = this.recovering;
    this.recovering = false;
    const stopped = message.found ? undefined : STOPPED[message.reason ?? ''];
    if (stopped) return void this.notify({ tone: 'bad', key: stopped });
    if (asked) return void this.notify(this.recoveryNotice(message));
    if (message.found) {
      this.selectedEvent = message.event ?? null;
      this.notify({ tone: 'info', key: 'time.until_found', values: { time: ((message.at_us ?? 0) / 1e6).toFixed(3) } });
    }
    else this.notify({ tone: 'info', key: 'time.until_nothing', values: { time: ((message.at_us ?? 0) / 1e6).toFixed(3) } });
  }
}
