/**
 * Happened-before (Lamport 1978): an event comes before the next one of its process, and a message is sent before it arrives. Pure.
 * What is hidden keeps its order: an edge stands for each path through hidden events that no shown path tells already.
 */

export interface Step {
  number: number;
  at_us: number;
  process: string;
  /** The event that caused it: for an arrival the one that sent the message. */
  cause: number;
  /** The line it is drawn on; -1: hidden. */
  lane: number;
  /** The message that brought it is drawn as an arrow of its own. */
  arrow: boolean;
}
export interface Edge {
  from: Step;
  to: Step;
}

/** The latest shown event of each lane that an event knows of, as places in `shown`; -1: none. */
type Clock = Int32Array;

const raise = (clock: Clock, by: Clock | undefined): void => {
  if (by) for (let lane = 0; lane < clock.length; lane++) if (by[lane]! > clock[lane]!) clock[lane] = by[lane]!;
};

/** The fewest edges that tell, together with lines and arrows on show, every order among shown events. `steps` in order of time. */
export function transitiveEdges(steps: readonly Step[], lanes: number): Edge[] {
  const known = new Map<string, Clock>();
  const toldTo = new Map<number, Clock>();
  const stamps = new Map<number, Clock>();
  const shown: { step: Step; clock: Clock }[] = [];
  const edges: Edge[] = [];
  for (const step of steps) {
    const clock = Int32Array.from(known.get(step.process) ?? new Int32Array(lanes).fill(-1));
    raise(clock, stamps.get(step.cause));
    if (step.lane >= 0) {
      const told = Int32Array.from(toldTo.get(step.lane) ?? new Int32Array(lanes).fill(-1));
      if (step.arrow) raise(told, stamps.get(step.cause));
      for (const from of untold(clock, told, step.lane, shown)) edges.push({ from, to: step });
      clock[step.lane] = shown.length;
      shown.push({ step, clock });
      toldTo.set(step.lane, clock);
    }
    known.set(step.process, clock);
    stamps.set(step.number, clock);
  }
  return edges;
}

function untold(clock: Clock, told: Clock, own: number, shown: readonly { step: Step; clock: Clock }[]): Step[] {
  const places = [...clock].filter((place, lane) => lane !== own && place > told[lane]!).sort((a, b) => b - a);
  const found: Step[] = [];
  for (const place of places) {
    const { step, clock: behind } = shown[place]!;
    // The latest first: what it knew itself needs no edge of its own.
    if (told[step.lane]! >= place) continue;
    found.push(step);
    raise(told, behind);
  }
  return found;
}

/** Of each process, until when it lies in the past of an event, and from when in its future; in between it is concurrent. */
export interface Cone {
  past: ReadonlyMap<string, number>;
  future: ReadonlyMap<string, number>;
}

type Known = readonly { number: number; at_us: number; process: string; cause: number }[];

/** The light cone of an event among the events of a window, in order of time; null when it is not one of them. */
export function coneOf(events: Known, number: number): Cone | null {
  const at = events.findIndex((one) => one.number === number);
  if (at < 0) return null;
  const past = new Map<string, number>();
  const causes = new Set<number>();
  for (let index = at; index >= 0; index--) {
    const { number: one, at_us, process, cause } = events[index]!;
    if (index !== at && !past.has(process) && !causes.has(one)) continue;
    if (!past.has(process)) past.set(process, at_us);
    causes.add(cause);
  }
  const future = new Map<string, number>();
  const reached = new Set<number>();
  for (let index = at; index < events.length; index++) {
    const { number: one, at_us, process, cause } = events[index]!;
    if (index !== at && !future.has(process) && !reached.has(cause)) continue;
    if (!future.has(process)) future.set(process, at_us);
    reached.add(one);
  }
  return { past, future };
}
