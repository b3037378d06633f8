/** Recorded frames of a catalogue entry (no run is made for them), played round and round. */

import type { Chunk } from '../core/chunk';
import type { Topology } from '../core/experiment';
import { Trace } from '../core/trace';
import { Cursor, type World } from '../core/world';
import { range } from '../net/api';
import { readFrame, splitRange } from '../net/wire';
import type { Card } from './gallery';

/** How much of an entry is shown, in seconds on the wall at its own speed. */
const SHOWN_S = 15;
/** Previews are fetched one after another: the first one of an entry costs a simulation. */
let turn: Promise<unknown> = Promise.resolve();

export class Film {
  chunk: Chunk | null = null;
  readonly topology: Topology;
  private readonly trace: Trace;
  private readonly until_us: number;
  private readonly speed: number;
  private cursor: Cursor | null = null;

  constructor(trace: Trace, topology: Topology, until_us: number, speed: number) {
    this.trace = trace;
    this.topology = topology;
    this.until_us = until_us;
    this.speed = speed;
  }
  get middle_us(): number {
    return this.until_us / 2;
  }
  at(wall_s: number): number {
    return Math.round((wall_s * this.speed * 1e6) % Math.max(1, this.until_us));
  }
  seek(at_us: number): World | null {
    const piece = this.trace.at(0, at_us);
    if (!piece) return null;
    if (this.cursor?.chunk !== piece.chunk) this.cursor = new Cursor(piece.chunk);
    this.chunk = piece.chunk;
    this.cursor.seek(at_us);
    return this.cursor.world;
  }
}

export function openFilm(card: Card): Promise<Film | null> {
  const next = turn.then(() => fetchFilm(card)).catch(() => null);
  turn = next;
  return next;
}

async function fetchFilm(card: Card): Promise<Film | null> {
  const to_us = Math.round(Math.min(card.stop_s, SHOWN_S * card.speed) * 1e6);
  const { bytes } = await range(`/api/catalogue/${card.id}/range`, { from_us: 0, to_us });
  const trace = new Trace();
  for (const frame of splitRange(bytes)) trace.add(await readFrame(frame));
  const first = trace.at(0, 0)?.chunk;
  if (!first) return null;
  const nodes = Object.keys(first.keyframe.nodes).map((id) => ({ id }));
  return new Film(trace, { nodes }, Math.min(to_us, trace.coveredUntil(0, 0)), card.speed);
}
