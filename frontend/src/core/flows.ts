/** Messages counted link by link: what is drawn as thickness and numbers where dots would be a blur. */

import { FATE, type Chunk } from './chunk';
import type { Descriptors } from './descriptor';
import { epochOf, firstDeparture, placeOfEnd, type Places } from './flight';
import type { Trace } from './trace';

export interface Flow {
  from: string;
  to: string;
  /** Messages a second of virtual time. */
  rate: number;
  /** Those of them that never arrive. */
  lost: number;
  epoch: number;
}
export interface Traffic {
  /** The busiest first. */
  flows: Flow[];
  /** Messages a second of virtual time, on all links. */
  rate: number;
  /** The trace itself has only counts here. */
  counted: boolean;
}
/** How messages are shown: dots while there are few of them, one by one whatever it costs, or counted. */
export type Drawn = 'auto' | 'dots' | 'flows';

export const CALM: Traffic = { flows: [], rate: 0, counted: false };
/** More messages than this a second on the wall are a blur. */
export const DOTS_PER_S_MAX = 300;
/** Dots come back at this share of it, so that the picture does not flicker between the two. */
const RETURN_SHARE = 0.8;
/** Messages are counted over a second on the wall, within these bounds of virtual time. */
const WINDOW_US = { least: 250_000, most: 2_000_000 };

export const windowOf = (speed: number): number => Math.max(WINDOW_US.least, Math.min(WINDOW_US.most, speed * 1e6));

/** Whether to draw flows. `before`: whether they are drawn now. */
export function asFlows(traffic: Traffic, speed: number, drawn: Drawn, before: boolean): boolean {
  if (traffic.counted) return true;
  if (drawn !== 'auto') return drawn === 'flows';
  return traffic.rate * speed > DOTS_PER_S_MAX * (before ? RETURN_SHARE : 1);
}

/** What departed in the time before a moment, by link. Without any of it in hand nothing is told. */
export function trafficAt(trace: Trace, branch: number, at_us: number, window_us: number, places: Places, descriptors: Descriptors): Traffic {
  const tally = new Tally(places, descriptors);
  let from_us = at_us;
  for (let piece = trace.at(branch, at_us); piece && from_us > at_us - window_us; piece = trace.previous(branch, piece)) {
    const until_us = from_us;
    from_us = Math.max(piece.chunk.t0_us, at_us - window_us);
    tally.take(piece.chunk, from_us, until_us);
  }
  // The first moments of a run are no window yet: their counts would be wild guesses.
  return tally.traffic(Math.max(at_us - from_us, WINDOW_US.least / 2));
}

class Tally {
  private links = new Map<string, Map<string, Flow>>();
  private all = 0;
  private counted = false;

  constructor(private readonly places: Places, private readonly descriptors: Descriptors) {}

  take(chunk: Chunk, from_us: number, until_us: number): void {
    const { sends } = chunk;
    for (let at = firstDeparture(sends, from_us + 1); at < sends.length && sends[at]![2] <= until_us; at++) {
      const [, , , , from, to, fate, type, fields] = sends[at]!;
      const flow = this.flow(from, to);
      if (!flow) continue;
      this.all++;
      flow.rate++;
      if (fate === FATE.lost || fate === FATE.cut) flow.lost++;
      flow.epoch = Math.max(flow.epoch, epochOf(type, fields, this.descriptors));
    }
    if (chunk.level !== 'aggregate') return;
    this.counted = true;
    const share = (until_us - from_us) / Math.max(1, chunk.t1_us - chunk.t0_us);
    for (const [from, to, , count] of chunk.rates ?? []) {
      const flow = this.flow(from, to);
      if (!flow) continue;
      flow.rate += count * share;
      this.all += count * share;
    }
  }

  /** The flow between two addresses; null within one place. */
  private flow(from: string, to: string): Flow | null {
    let links = this.links.get(from);
    if (!links) this.links.set(from, (links = new Map()));
    let flow = links.get(to);
    if (!flow) {
      const [a, b] = [placeOfEnd(from, this.places)?.id, placeOfEnd(to, this.places)?.id];
      links.set(to, (flow = { from: a ?? '', to: b ?? '', rate: 0, lost: 0, epoch: 0 }));
    }
    return flow.from && flow.to && flow.from !== flow.to ? flow : null;
  }

  traffic(span_us: number): Traffic {
    const a_second = 1e6 / Math.max(1, span_us);
    const merged = new Map<string, Flow>();
    for (const links of this.links.values()) {
      for (const flow of links.values()) {
        if (!flow.rate) continue;
        const key = `${flow.from}>${flow.to}`;
        const same = merged.get(key);
        if (!same) merged.set(key, { ...flow, rate: flow.rate * a_second, lost: flow.lost * a_second });
        else Object.assign(same, { rate: same.rate + flow.rate * a_second, lost: same.lost + flow.lost * a_second, epoch: Math.max(same.epoch, flow.epoch) });
      }
    }
    return { flows: [...merged.values()].sort((a, b) => b.rate - a.rate), rate: this.all * a_second, counted: this.counted };
  }
}

/** Who a node talks with, itself included. */
export function neighboursOf(node: string, flows: readonly Flow[]): Set<string> {
  const found = new Set([node]);
  for (const { from, to } of flows) {
    if (from === node) found.add(to);
    if (to === node) found.add(from);
  }
  return found;
}

/** Thickness of a flow in pixels: twice the messages are as much thicker again as half of them are thinner. */
export const thickness = (rate: number): number => Math.min(12, 1 + 1.1 * Math.log2(1 + rate / 4));

/** A count for people: 7, 340, 12k. */
export function countText(rate: number): string {
  if (rate < 1000) return String(rate < 10 ? Math.max(1, Math.round(rate)) : Math.round(rate));
  return `${(rate / 1000).toFixed(rate < 9950 ? 1 : 0)}k`;
}
