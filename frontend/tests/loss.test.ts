/** "When was it lost?": the painted curve, its words, and how the page follows the answer. */

import { describe, expect, it } from 'vitest';

import { lossCurve, lossKind, nearestPoint, type LossPoint, type LossState } from '../src/core/loss';
import { LossQuestion } from '../src/state/loss.svelte';

const point = (at_us: number, share: number): LossPoint =>
  ({ at_us, share, lost: share * 50, runs: 50, low: Math.max(0, share - 0.1), high: Math.min(1, share + 0.1) });
const result = (shares: number[]): LossState['result'] => {
  const points = shares.map((share, index) => point(index * 1e6, share));
  const rise = (index: number) => shares[index + 1]! - shares[index]!;
  const at = shares.slice(1).reduce((best, _, index) => (rise(index) > rise(best) ? index : best), 0);
  const step = shares.length > 1 && rise(at) > 0 ? { from_us: at * 1e6, to_us: (at + 1) * 1e6, before: shares[at]!, after: shares[at + 1]! } : null;
  return { check: 'no_lost_ack', points, step, failed: 0 };
};
const AREA = { per_us: 100 / 4e6, top: 30, height: 60 };

describe('the curve over the timeline', () => {
  it('runs from the bottom for 0 to the top for 1, at the moments of its points', () => {
    const { points, step } = result([0, 0.5, 1]);
    const curve = lossCurve(points, step, AREA);
    expect(curve.line).toEqual([[0, 90], [25, 60], [50, 30]]);
    expect(curve.step).toEqual({ from: [0, 90], to: [25, 60] });
  });
  it('has the interval around it, along one side and back along the other', () => {
    const { points } = result([0.5, 0.5]);
    const { band } = lossCurve(points, null, AREA);
    expect(band.map(([x]) => x)).toEqual([0, 25, 25, 0]);
    expect(band.map(([, y]) => Math.round(y))).toEqual([54, 54, 66, 66]);
  });
  it('says what it shows', () => {
    expect(lossKind(result([0.2, 0.2, 1, 1]))).toBe('step');
    expect(lossKind(result([0.2, 0.4, 0.6, 0.8]))).toBe('slow');
    expect(lossKind(result([1, 1]))).toBe('always');
    expect(lossKind(result([0, 0]))).toBe('never');
    expect(lossKind(result([]))).toBe('empty');
  });
  it('tells of the point nearest to a moment', () => {
    const { points } = result([0, 0.5, 1]);
    expect([nearestPoint(points, -1)?.at_us, nearestPoint(points, 1_400_000)?.at_us, nearestPoint(points, 9e9)?.at_us]).toEqual([0, 1e6, 2e6]);
    expect(nearestPoint([], 5)).toBe(null);
  });
});

const state = (changes: Partial<LossState> = {}): LossState =>
  ({ code: 'abc234', state: 'running', yours: true, points: 40, seeds: 50, runs: 2000, done: 0, quarantined: 0, result: result([]), ...changes });

function question(answers: (LossState | Error)[]): { asked: LossQuestion; said: string[] } {
  const said: string[] = [];
  const answer = (what: string) => {
    said.push(what);
    const next = answers.shift()!;
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const net = {
    ask: (run: string, branch: number, check: string) => answer(`ask ${run} ${branch} ${check}`), find: (run: string, branch: number) => answer(`find ${run} ${branch}`),
    look: (code: string) => answer(`look ${code}`), cancel: (code: string) => answer(`cancel ${code}`),
  };
  return { asked: new LossQuestion('run234', net), said };
}

describe('the question', () => {
  it('is asked of a branch and a check, and can be cancelled', async () => {
    const { asked, said } = question([state({ done: 20 }), state({ state: 'cancelled', done: 20 })]);
    const answered = asked.ask(1, 'no_lost_ack');
    expect(asked.running).toBe(true);
    await answered;
    expect([asked.running, asked.state?.done]).toEqual([true, 20]);
    await asked.cancel();
    expect([asked.running, asked.state?.state]).toEqual([false, 'cancelled']);
    expect(said).toEqual(['ask run234 1 no_lost_ack', 'cancel abc234']);
  });
  it('says what the server refused', async () => {
    const { asked } = question([new Error('too many')]);
    await asked.ask(0, 'linearizable');
    expect([asked.problem, asked.running]).toEqual(['too many', false]);
  });
  it('is quiet when nobody can say whether it was asked before', async () => {
    const { asked } = question([new Error('offline')]);
    await asked.find(0);
    expect([asked.problem, asked.state]).toEqual(['', null]);
  });
  it('drops an answer about what is no longer shown', async () => {
    const { asked } = question([state({ state: 'done' })]);
    const answered = asked.find(0);
    asked.forget();
    await answered;
    expect(asked.state).toBeNull();
  });
});
