/** Happened-before: the fewest edges that keep every order of what is shown, and the cone of an event. */

import { describe, expect, it } from 'vitest';

import { coneOf, transitiveEdges, type Step } from '../src/core/order';

const step = (number: number, process: string, cause: number, lane: number, arrow = false): Step => ({ number, at_us: number * 10, process, cause, lane, arrow });
const pairs = (steps: Step[], lanes: number) => transitiveEdges(steps, lanes).map(({ from, to }) => [from.number, to.number]);

/** A repeatable stream of numbers below `most` (Park and Miller). */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => (state = (state * 48271) % 2147483647) % most;
}
/** Every event that a step knows of, told by brute force: through its process and through its cause. */
function knowledge(steps: Step[], follows: (from: Step, to: Step) => boolean): Set<number>[] {
  const known: Set<number>[] = [];
  for (const [at, to] of steps.entries()) {
    const mine = new Set<number>();
    for (let before = 0; before < at; before++) {
      if (!follows(steps[before]!, to)) continue;
      mine.add(before);
      for (const one of known[before]!) mine.add(one);
    }
    known.push(mine);
  }
  return known;
}

describe('edges through what is hidden', () => {
  it('lead along the local order of a hidden process too, not only along messages', () => {
    // a tells the hidden b; later b's own timer tells c.
    expect(pairs([step(1, 'a', 0, 0), step(2, 'b', 1, -1), step(3, 'b', 0, -1), step(4, 'c', 3, 1)], 2)).toEqual([[1, 4]]);
  });
  it('are left out where a shown arrow tells the order already', () => {
    expect(pairs([step(1, 'a', 0, 0), step(2, 'c', 1, 1, true), step(3, 'b', 1, -1), step(4, 'c', 3, 1)], 2)).toEqual([]);
  });
  it('are left out where another edge tells it', () => {
    // a before b (shown arrow), both heard by the hidden h, which tells d: one edge from b is enough.
    const steps = [step(1, 'a', 0, 0), step(2, 'b', 1, 1, true), step(3, 'h', 1, -1), step(4, 'h', 2, -1), step(5, 'd', 4, 2)];
    expect(pairs(steps, 3)).toEqual([[2, 5]]);
  });
  it('keep a hidden kind of event in order: the message is gone, the order stays', () => {
    expect(pairs([step(1, 'a', 0, 0), step(2, 'b', 1, -1), step(3, 'b', 0, 1)], 2)).toEqual([[1, 3]]);
  });
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('tell exactly the order that was there (random trace %i)', (seed) => {
    const draw = numbers(seed * 7919);
    const processes = ['a', 'b', 'c', 'd'];
    const hidden = new Set([processes[draw(4)]!]);
    const lanes = processes.filter((one) => !hidden.has(one));
    const steps: Step[] = [];
    for (let number = 1; number <= 80; number++) {
      const sender = draw(3) && steps.length ? steps[draw(steps.length)]! : null;
      const process = processes[draw(4)]!;
      const lane = draw(4) ? lanes.indexOf(process) : -1;
      const arrow = Boolean(sender && sender.process !== process && lanes.includes(sender.process) && lane >= 0 && draw(2));
      steps.push(step(number, process, sender?.number ?? 0, lane, arrow));
    }
    const byNumber = new Map(steps.map((one) => [one.number, one]));
    const truth = knowledge(steps, (from, to) => from.process === to.process || to.cause === from.number);
    const edges = transitiveEdges(steps, lanes.length);
    const drawn = new Set(edges.map(({ from, to }) => `${from.number}>${to.number}`));
    // What a reader sees: lines between shown events, arrows from where their sender's line is, and the edges.
    const seen = knowledge(steps, (from, to) => (from.lane >= 0 && to.lane >= 0 && (from.lane === to.lane || drawn.has(`${from.number}>${to.number}`)))
      || (to.arrow && lanes.includes(from.process) && from.process === byNumber.get(to.cause)?.process && from.number <= to.cause && to.lane >= 0));
    for (const [at, one] of steps.entries()) {
      if (one.lane < 0) continue;
      const shown = (set: Set<number>) => [...set].filter((before) => steps[before]!.lane >= 0).sort((a, b) => a - b);
      expect(shown(seen[at]!), `${one.number}`).toEqual(shown(truth[at]!));
    }
  });
});

describe('the light cone', () => {
  const steps = [step(1, 'a', 0, 0), step(2, 'b', 0, 1), step(3, 'b', 1, 1), step(4, 'c', 0, 2), step(5, 'c', 3, 2), step(6, 'a', 0, 0)];
  it('is how far back and how soon each process is tied to the event', () => {
    const { past, future } = coneOf(steps, 3)!;
    expect([...past].sort()).toEqual([['a', 10], ['b', 30]]);
    expect([...future].sort()).toEqual([['b', 30], ['c', 50]]);
  });
  it('is unknown for what is not in the window', () => expect(coneOf(steps, 99)).toBe(null));
});
