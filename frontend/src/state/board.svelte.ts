/** What several components show of the moment on show, worked out once. */

import { untrack } from 'svelte';

import { actionsOn, type Action, type ActionId, type FaultCommand } from '../core/actions';
import type { Network } from '../core/chunk';
import { isByHand, placeOf, rateOf } from '../core/experiment';
import { decidesByMajority, resultParts, sides, standing, voters, type Part } from '../core/result';
import type { NodeScene } from '../core/scene';
import { timelineModel, type TimelineModel } from '../core/timeline';
import type { Side } from '../core/reach';
import { t } from '../i18n/index.svelte';
import type { Session } from './session.svelte';

const CALM: Network = { cuts: [], holds: [], links: [], groups: [], walls: [] };

const SPAN_FIRST_US = 5_000_000;

export class BoardView {
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  scenes: NodeScene[] = $derived.by(() => {
    void this.session.worldVersion;
    return this.session.scenes();
  });
  byId = $derived(new Map(this.scenes.map((scene) => [scene.id, scene])));
  network: Network = $derived.by(() => {
    void this.session.worldVersion;
    return this.session.world?.network ?? CALM;
  });
  byHand = $derived.by(() => isByHand(this.session.experiment));
  /** What parts the nodes: by hand every message is held, and nobody is cut off by that. */
  private apart: Network = $derived(this.byHand ? { ...this.network, holds: [] } : this.network);
  faults = $derived.by(() => {
    void this.session.worldVersion;
    return this.session.world?.faults ?? [];
  });
  clients = $derived.by(() => {
    void this.session.slow;
    void this.session.worldVersion;
    return this.session.clients();
  });
  checks = $derived.by(() => {
    void this.session.slow;
    void this.session.worldVersion;
    return this.session.checks();
  });
  selected = $derived.by(() => (this.session.selected ? (this.byId.get(this.session.selected) ?? null) : null));
  system = $derived.by(() => this.session.experiment?.system);
  sides: Side[] = $derived(sides({ scenes: this.scenes, network: this.apart, system: this.system }));
  byMajority = $derived(decidesByMajority(this.scenes, this.system));
  /** Whether anybody is to lead, with the parameters that the experiment gives. */
  leads = $derived.by(() => {
    const { experiment, descriptors } = this.session;
    const given = experiment?.parameters ?? {};
    const without = Object.entries((experiment && descriptors[experiment.system]?.leaderless) ?? {});
    return !without.some(([name, values]) => values.includes(given[name] ?? null));
  });
  voters = $derived(voters(this.scenes, this.system).length);
  standing: Part[] = $derived(standing({ scenes: this.scenes, network: this.apart, leads: this.leads, system: this.system }));
  /** Whether nodes are down or cut off. */
  lossy = $derived(this.sides.length > 1 || this.scenes.some((scene) => scene.state === 'down'));

  /** What the timeline spans: a few seconds at first, so that the beginning of a long run can be read; it doubles. */
  span_us = $derived.by(() => {
    void this.session.slow;
    const { stop_us } = this.session;
    const played_us = this.session.playedUntil(this.session.branch);
    let span = Math.min(stop_us || Infinity, SPAN_FIRST_US);
    while (span < played_us * 1.05 && span < stop_us) span *= 2;
    return Math.max(1_000_000, Math.min(span, stop_us || span));
  });

  /** What the timeline paints; faults of it stand behind other views too. */
  timeline: TimelineModel = $derived.by(() => {
    const { session } = this;
    void session.slow;
    return timelineModel(session.trace, session.branch, session.descriptors, session.playedUntil(session.branch), 150_000);
  });

  places = $derived.by(() => {
    const topology = this.session.experiment?.topology;
    const found = new Map<string, string[]>();
    for (const node of topology?.nodes ?? []) {
      const { region, zone } = placeOf(topology!, node.id);
      for (const place of [region, zone].filter(Boolean)) found.set(place, [...(found.get(place) ?? []), node.id]);
    }
    return found;
  });

  result: Part[] = $derived.by(() => {
    void this.session.slow;
    void this.session.loaded;
    // While time runs the words change a few times a second; to who goes to a moment they are said at once.
    if (!this.session.playing) void this.session.at_us;
    return untrack(() => this.resultNow());
  });

  private resultNow(): Part[] {
    const { session } = this;
    if (!session.loaded || !this.scenes.length) return [];
    return resultParts({
      scenes: this.scenes, network: this.apart, clients: this.clients, checks: this.checks,
      metrics: session.piece()?.chunk.keyframe.metrics ?? {}, places: this.places, at_us: session.at_us,
      last_ack_us: session.trace.lastAcknowledged(session.branch, session.at_us),
      since_us: session.trace.knownFrom(session.branch, session.at_us), usual_gap_us: this.usualGap(),
      leads: this.leads, byHand: this.byHand, system: this.system,
    });
  }

  actions: Record<ActionId, Action> = $derived.by(() => actionsOn({
    scenes: this.scenes, network: this.network, faults: this.faults.length,
    topology: this.session.experiment?.topology ?? { nodes: [] }, selected: this.selected, blocked: this.blocked,
  }));

  get blocked(): { key: 'break.why_readonly' | 'break.why_viewer' | 'break.why_ended' } | null {
    if (this.session.readonly) return { key: 'break.why_readonly' };
    if (this.session.role === 'viewer') return { key: 'break.why_viewer' };
    return this.session.stop_us > 0 && this.session.at_us >= this.session.stop_us ? { key: 'break.why_ended' } : null;
  }

  /** Do an action if it can be done now; false when it cannot. */
  act(id: ActionId): boolean {
    const command = this.actions[id]?.command;
    if (command) this.session.command(command);
    return Boolean(command);
  }
  /** Why an action asked for by its key cannot be done: no button shows it to who presses keys. */
  sayWhy(id: ActionId): void {
    const { label, why } = this.actions[id];
    if (!why || this.session.notices.some((notice) => notice.because?.key === why.key)) return;
    this.session.notify({ tone: 'info', key: 'break.cannot', values: { action: t(label) }, because: why, ...(this.session.drives ? {} : { offer: 'fork' }) });
  }
  run(command: FaultCommand): void {
    if (!this.blocked) this.session.command(command);
  }

  /** Four times the mean pause between operations, at least 150 ms: longer than that is an outage. */
  private usualGap(): number {
    const experiment = this.session.experiment;
    const rate = experiment ? [...this.session.clientPlaces().keys()].reduce((sum, id) => sum + rateOf(experiment, id), 0) : 0;
    return Math.max(150_000, rate > 0 ? 4e6 / rate : 1e6);
  }
}
