/** What the reader points at or has chosen: one event and one moment, the same in every view. */

import { belongingOf, chainOf, type Belonging, type Chain } from '../core/why';
import { perSession } from './perSession.svelte';
import type { Session } from './session.svelte';

export interface Spot {
  number: number;
  at_us: number;
}
const NOTHING: Belonging = { past: [], operation: null, entries: null };

export class Focus {
  /** The event under the pointer or the keyboard's focus in any view. */
  hovered = $state.raw<Spot | null>(null);
  private pointed_us = $state<number | null>(null);
  /** Side by side the moment that is pointed at is the same for all. */
  peers: Focus[] = [];
  /** Where the words about what is under the pointer stand; null: nowhere. */
  tip = $state.raw<{ x: number; y: number } | null>(null);
  private selected: Spot | null = null;
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** The moment under the pointer in any view that has a time axis. */
  get hover_us(): number | null {
    return this.pointed_us;
  }
  set hover_us(at_us: number | null) {
    this.pointed_us = at_us;
    for (const one of this.peers) one.pointed_us = at_us;
  }

  /** The chosen event: what is pointed at, else what was selected. */
  chosen: number | null = $derived.by(() => this.hovered?.number ?? this.session.selectedEvent);

  selectedChain: Chain | null = $derived.by(() => {
    const number = this.session.selectedEvent;
    const known = this.selected?.number === number ? this.selected : null;
    const found = number === null ? null : this.chainAt(number, known?.at_us ?? null);
    if (found) this.selected = { number: found.number, at_us: found.at_us };
    return found;
  });
  private readonly hoveredChain: Chain | null = $derived.by(() => (this.hovered ? this.chainAt(this.hovered.number, this.hovered.at_us) : null));
  /** What led to the chosen event and what came of it. */
  chain: Chain | null = $derived.by(() => (this.hovered ? this.hoveredChain : this.selectedChain));

  belonging: Belonging = $derived.by(() => {
    const chain = this.chain;
    return chain ? belongingOf(this.session.trace, this.session.branch, chain.number, chain.at_us) : NOTHING;
  });
  /** What its chain of causes and its own messages are, by number. */
  past: ReadonlySet<number> = $derived(new Set(this.belonging.past));
  next: ReadonlySet<number> = $derived(new Set(this.chain?.sent.map((one) => one.number) ?? []));

  private chainAt(number: number, at_us: number | null): Chain | null {
    const { session } = this;
    void session.slow;
    if (!session.loaded) return null;
    const shown_us = Math.max(session.at_us, at_us ?? 0);
    return chainOf(session.trace, session.branch, number, shown_us, at_us ?? shown_us);
  }

  point(spot: Spot | null, event?: MouseEvent): void {
    // The same event stays the same object: what follows it is worked out once.
    if (spot?.number !== this.hovered?.number || spot?.at_us !== this.hovered?.at_us) this.hovered = spot;
    this.tip = spot && event ? { x: event.clientX, y: event.clientY } : null;
  }
  /** Choose an event: its moment comes on show, and every view marks it. */
  select(spot: Spot, node: string | null = null): void {
    this.selected = spot;
    this.session.selectedEvent = spot.number;
    if (node) this.session.selected = node;
    this.session.goTo(spot.at_us);
  }
  leave(): void {
    this.hovered = null;
    this.hover_us = null;
    this.tip = null;
  }
}

/** The focus of a session. */
export const focusOf = perSession((session) => new Focus(session));
