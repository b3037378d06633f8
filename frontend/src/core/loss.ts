/** "When was it lost?": the probability over the moments of a run, as it is painted and told. */

export interface LossPoint {
  at_us: number;
  lost: number;
  runs: number;
  share: number;
  /** Wilson's interval at 95 per cent. */
  low: number;
  high: number;
}
export interface LossStep {
  from_us: number;
  to_us: number;
  before: number;
  after: number;
}
export interface LossState {
  code: string;
  state: 'running' | 'cancelled' | 'done';
  yours: boolean;
  points: number;
  seeds: number;
  runs: number;
  done: number;
  quarantined: number;
  result: { check: string; points: LossPoint[]; step: LossStep | null; failed: number };
}

export interface Area {
  /** How many pixels one microsecond takes, from the left edge. */
  per_us: number;
  top: number;
  height: number;
}
export type Place = [x: number, y: number];
export interface LossCurve {
  line: Place[];
  /** Around the interval: along its upper side, and back along the lower one. */
  band: Place[];
  step: { from: Place; to: Place } | null;
}

/** Where the curve runs in an area: probability 0 at its bottom, 1 at its top. */
export function lossCurve(points: readonly LossPoint[], step: LossStep | null, area: Area): LossCurve {
  const place = (at_us: number, share: number): Place => [at_us * area.per_us, area.top + area.height * (1 - share)];
  return {
    line: points.map((point) => place(point.at_us, point.share)),
    band: [...points.map((point) => place(point.at_us, point.high)), ...[...points].reverse().map((point) => place(point.at_us, point.low))],
    step: step && { from: place(step.from_us, step.before), to: place(step.to_us, step.after) },
  };
}

/** The point nearest to a moment; null when there are none. */
export function nearestPoint(points: readonly LossPoint[], at_us: number): LossPoint | null {
  return points.reduce<LossPoint | null>((best, point) => (best && Math.abs(best.at_us - at_us) <= Math.abs(point.at_us - at_us) ? best : point), null);
}

/** A rise by less than this between two neighbours is no step. */
const STEP_LEAST = 0.3;

/** What the curve says: a step, a slow rise, or the same from every moment. */
export function lossKind(result: LossState['result']): 'step' | 'slow' | 'always' | 'never' | 'empty' {
  const shares = result.points.map((point) => point.share);
  if (!shares.length) return 'empty';
  if (shares.every((share) => share === 1)) return 'always';
  if (shares.every((share) => share === 0)) return 'never';
  return result.step && result.step.after - result.step.before >= STEP_LEAST ? 'step' : 'slow';
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;
export const secondsOf = (us: number): string => (us / 1e6).toFixed(2);
