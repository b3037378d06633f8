/** Chunks of every branch in one store: what is at a time, what is missing, what comes next. */

import type { Chunk, Frame, FrameHeader, Keyframe, Operation, TraceEvent } from './chunk';
import { summarise, type Summary } from './summary';
import { countAtOrBefore } from './world';

export interface Piece {
  chunk: Chunk;
  /** Where it stops to count: its end, or earlier when a later frame replaced its rest. */
  until_us: number;
  index: number;
  hash: string;
  previous_hash: string;
  summary: Summary;
  /** Memory it takes, estimated; 0 once its events were let go and only the summary for the timeline is left. */
  bytes: number;
  light: boolean;
}

/** Decoded objects take about so many times the bytes of their msgpack form. */
const DECODED_TIMES = 4;

export interface BranchLine {
  id: number;
  parent: number | null;
  fork_us: number;
}

/** The pieces of one branch, ordered and without overlap. */
class BranchTrace {
  revision = -1;
  pieces: Piece[] = [];

  /**
   * Take a frame. It cuts what covers its beginning; a higher revision drops everything after it, the same one keeps
   * what follows unless its state is another. What the same revision tells of a moment within the frame is the truth from
   * there on: a chunk that was simulated before a command holds until the command only.
   */
  add({ header, chunk, bytes }: Frame): boolean {
    if (header.revision < this.revision) return false;
    const { t0_us, t1_us } = chunk;
    const before = this.pieces.filter((piece) => piece.chunk.t0_us < t0_us)
      .map((piece) => (piece.until_us > t0_us ? { ...piece, until_us: t0_us } : piece));
    let after = this.pieces.filter((piece) => piece.chunk.t0_us >= t1_us || (piece.chunk.t0_us > t0_us && !piece.light && piece.chunk.level === chunk.level));
    const follows = after[0];
    const other = follows && follows.chunk.t0_us === t1_us && follows.previous_hash !== header.hash;
    if (header.revision > this.revision || other) after = [];
    this.revision = header.revision;
    const made = pieceOf(header, chunk, bytes ?? 0);
    made.until_us = Math.min(made.until_us, after[0]?.chunk.t0_us ?? Infinity);
    this.pieces = [...before, made, ...after];
    return true;
  }

  at(at_us: number): Piece | undefined {
    let low = 0;
    let high = this.pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.pieces[middle]!.chunk.t0_us <= at_us) low = middle + 1;
      else high = middle;
    }
    const piece = this.pieces[low - 1];
    return piece && !piece.light && at_us <= piece.until_us ? piece : undefined;
  }
}

function pieceOf(header: FrameHeader, chunk: Chunk, bytes: number): Piece {
  const { index, hash, previous_hash } = header;
  return { chunk, until_us: chunk.t1_us, index, hash, previous_hash, summary: summarise(chunk), bytes: bytes * DECODED_TIMES, light: false };
}

/** What is left of a piece far away: its span and its summary. The rest is asked for again when somebody goes there. */
function lightened(piece: Piece): Piece {
  const chunk = { ...piece.chunk, sends: [], events: [], operations: [], checks: [], keyframe: NO_KEYFRAME };
  return { ...piece, chunk, bytes: 0, light: true };
}

const NO_KEYFRAME: Keyframe = {
  at_us: 0, number: 0, nodes: {}, processes: {}, clients: {}, flight: [], checks: {}, metrics: {}, faults: [],
  network: { cuts: [], holds: [], links: [], groups: [], walls: [] },
};

/** The place of the first piece that reaches a time. */
function firstReaching(pieces: readonly Piece[], from_us: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pieces[middle]!.until_us < from_us) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Trace {
  /** Rises with every frame taken. */
  version = 0;
  private branches = new Map<number, BranchTrace>();
  private lines = new Map<number, BranchLine>();

  setLines(lines: readonly BranchLine[]): void {
    this.lines = new Map(lines.map((line) => [line.id, line]));
    this.version++;
  }

  /** Take a frame; false when it is of a revision that was replaced. */
  add(frame: Frame): boolean {
    const taken = this.branch(frame.header.branch).add(frame);
    if (taken) this.version++;
    return taken;
  }

  /** Memory of all pieces, estimated. */
  get bytes(): number {
    let sum = 0;
    for (const branch of this.branches.values()) for (const piece of branch.pieces) sum += piece.bytes;
    return sum;
  }

  /**
   * Let go of what is farthest from a moment until the rest fits. Nothing within `near_us` of the moment on the
   * branch on show or its parents goes; other branches go first.
   */
  evict(branch: number, at_us: number, near_us: number, limit: number): void {
    let over = this.bytes - limit;
    if (over <= 0) return;
    const shown = this.lineage(branch);
    const far = [...this.branches].flatMap(([id, { pieces }]) => pieces.filter((piece) => !piece.light).map((piece) => {
      const distance = Math.max(0, piece.chunk.t0_us - at_us, at_us - piece.until_us);
      return { id, piece, distance: shown.has(id) ? distance : Infinity };
    }));
    const gone = new Set<Piece>();
    for (const { piece, distance } of far.sort((a, b) => b.distance - a.distance)) {
      if (over <= 0 || distance <= near_us) break;
      gone.add(piece);
      over -= piece.bytes;
    }
    for (const one of this.branches.values()) one.pieces = one.pieces.map((piece) => (gone.has(piece) ? lightened(piece) : piece));
    if (gone.size) this.version++;
  }

  private lineage(branch: number): Set<number> {
    const found = new Set<number>();
    for (let id: number | null = branch; id !== null && !found.has(id); id = this.lines.get(id)?.parent ?? null) found.add(id);
    return found;
  }

  /** Is a frame worth inflating? */
  wants(header: FrameHeader): boolean {
    const branch = this.branches.get(header.branch);
    if (!branch) return true;
    if (header.revision !== branch.revision) return header.revision > branch.revision;
    const held = branch.at(header.t0_us);
    return !(held && held.chunk.t0_us === header.t0_us && held.until_us === header.t1_us && held.hash === header.hash && held.chunk.level === header.level);
  }

  revision(branch: number): number {
    return this.branches.get(branch)?.revision ?? -1;
  }

  /** The piece that holds a time; before a branch's fork its parent's is as good. */
  at(branch: number, at_us: number): Piece | undefined {
    const own = this.branches.get(branch)?.at(at_us);
    const line = this.lines.get(branch);
    if (own || !line || line.parent === null || at_us >= line.fork_us) return own;
    return this.at(line.parent, at_us);
  }

  /** Where the unbroken trace around a time ends; `at_us` itself when nothing is there. */
  coveredUntil(branch: number, at_us: number): number {
    let until = at_us;
    for (let piece = this.at(branch, until); piece; piece = this.next(branch, piece)) {
      until = Math.max(until, this.limit(branch, piece));
    }
    return until;
  }

  /** Where the unbroken trace around a time begins; `at_us` itself when nothing is there. */
  coveredFrom(branch: number, at_us: number): number {
    let from = at_us;
    for (let piece = this.at(branch, at_us); piece; piece = this.previous(branch, piece)) from = Math.min(from, piece.chunk.t0_us);
    return from;
  }

  /** Since when answers are known without a hole up to a time, be their events in hand or only their summary. */
  knownFrom(branch: number, at_us: number): number {
    let [from, end] = [at_us, -1];
    for (const { piece, until_us } of this.pieces(branch, at_us + 1)) {
      if (piece.summary.t0_us > end) from = piece.summary.t0_us;
      end = until_us;
    }
    return end >= at_us ? from : at_us;
  }

  /**
   * Pieces of a branch in order, its parents' up to the fork first; those that end before `from_us` are not touched.
   * `until_us` is where the last one stops to count.
   */
  *pieces(branch: number, until_us = Infinity, from_us = -Infinity): Generator<{ piece: Piece; until_us: number }> {
    const line = this.lines.get(branch);
    const own = this.branches.get(branch)?.pieces ?? [];
    const ownStart = own[0]?.chunk.t0_us ?? Infinity;
    if (line && line.parent !== null && ownStart > 0 && Math.min(line.fork_us, ownStart) > from_us) {
      yield* this.pieces(line.parent, Math.min(until_us, line.fork_us, ownStart), from_us);
    }
    for (let index = firstReaching(own, from_us); index < own.length; index++) {
      const piece = own[index]!;
      if (piece.chunk.t0_us >= until_us) return;
      yield { piece, until_us: Math.min(until_us, piece.until_us) };
    }
  }

  /** The next event after a time, or before it (`direction` -1), among those `accept` takes. */
  step(branch: number, at_us: number, direction: 1 | -1, accept: (event: TraceEvent) => boolean): TraceEvent | undefined {
    return direction === 1 ? this.after(branch, at_us, accept) : this.before(branch, at_us, accept);
  }

  private after(branch: number, at_us: number, accept: (event: TraceEvent) => boolean): TraceEvent | undefined {
    for (let piece = this.at(branch, at_us); piece; piece = this.next(branch, piece)) {
      const events = piece.chunk.events;
      const end = countAtOrBefore(events, this.limit(branch, piece));
      for (let index = countAtOrBefore(events, at_us); index < end; index++) {
        if (accept(events[index]!)) return events[index];
      }
    }
    return undefined;
  }

  private before(branch: number, at_us: number, accept: (event: TraceEvent) => boolean): TraceEvent | undefined {
    let bound_us = at_us - 1;
    for (let piece = this.at(branch, at_us); piece; piece = this.previous(branch, piece)) {
      const events = piece.chunk.events;
      for (let index = countAtOrBefore(events, bound_us) - 1; index >= 0; index--) {
        if (accept(events[index]!)) return events[index];
      }
      bound_us = Math.min(bound_us, piece.chunk.t0_us);
    }
    return undefined;
  }

  /** The latest event at or before a time that `accept` takes, in the last `pieces` chunks in hand. */
  last(branch: number, at_us: number, pieces: number, accept: (event: TraceEvent) => boolean): TraceEvent | undefined {
    for (let piece = this.at(branch, at_us), left = pieces; piece && left > 0; piece = this.previous(branch, piece), left--) {
      for (let index = countAtOrBefore(piece.chunk.events, at_us) - 1; index >= 0; index--) {
        if (accept(piece.chunk.events[index]!)) return piece.chunk.events[index];
      }
    }
    return undefined;
  }

  /** When a client last got an acknowledgement at or before a time; null when none is in hand. */
  lastAcknowledged(branch: number, at_us: number): number | null {
    for (let piece = this.at(branch, at_us); piece; piece = this.previous(branch, piece)) {
      const found = piece.summary.acknowledged_us.findLast((time) => time <= at_us);
      if (found !== undefined) return found;
    }
    return null;
  }

  /** The operations that began last at or before a time, newest first; each in the latest state known by then. */
  recentOperations(branch: number, at_us: number, count: number): Operation[] {
    const found = new Map<number, Operation>();
    for (let piece = this.at(branch, at_us); piece && found.size < count; piece = this.previous(branch, piece)) {
      for (const operation of piece.chunk.operations) {
        if (operation[5] <= at_us && !found.has(operation[0])) found.set(operation[0], operation);
      }
    }
    return [...found.values()].sort((a, b) => b[5] - a[5] || b[0] - a[0]).slice(0, count);
  }

  /** An operation as it was last told of up to a time. */
  operation(branch: number, id: number, at_us: number): Operation | undefined {
    for (let piece = this.at(branch, at_us); piece; piece = this.previous(branch, piece)) {
      const found = piece.chunk.operations.find((one) => one[0] === id && one[6] !== null && one[6] <= at_us);
      if (found) return found;
    }
    return undefined;
  }

  /** Where a piece stops to count on a branch: a parent's at the fork. */
  private limit(branch: number, piece: Piece): number {
    const line = this.lines.get(branch);
    const own = this.branches.get(branch)?.at(piece.chunk.t0_us) === piece;
    return own || !line || line.parent === null ? piece.until_us : Math.min(piece.until_us, line.fork_us);
  }

  /** The piece that follows on a branch. */
  next(branch: number, piece: Piece): Piece | undefined {
    const following = this.at(branch, this.limit(branch, piece));
    return following && following !== piece && following.until_us > piece.chunk.t0_us ? following : undefined;
  }

  /** The piece before. */
  previous(branch: number, piece: Piece): Piece | undefined {
    return piece.chunk.t0_us > 0 ? this.at(branch, piece.chunk.t0_us - 1) : undefined;
  }

  private branch(id: number): BranchTrace {
    let branch = this.branches.get(id);
    if (!branch) this.branches.set(id, (branch = new BranchTrace()));
    return branch;
  }
}
