/** The shared mapping from wall time to virtual time, and the estimate of the server's clock. */

export interface Playhead {
  branch: number;
  playing: boolean;
  speed: number;
  anchor_us: number;
  anchor_ms: number;
  sequence: number;
  gate_us: number | null;
}

/** Where the playhead is at a server time, in microseconds; never before 0 nor beyond the gate or the run's end. */
export function playheadAt(playhead: Playhead, server_ms: number, stop_us = Infinity): number {
  const moved = playhead.playing ? Math.max(0, server_ms - playhead.anchor_ms) * 1000 * playhead.speed : 0;
  const limit = Math.min(stop_us, playhead.gate_us ?? Infinity);
  return Math.max(0, Math.min(limit, Math.round(playhead.anchor_us + moved)));
}

interface Sample {
  offset_ms: number;
  round_trip_ms: number;
}

/** The server's clock by pings: of the last few answers the one that travelled shortest is the most honest. */
export class ServerClock {
  private samples: Sample[] = [];
  constructor(private readonly now_ms: () => number = () => Date.now()) {}

  pong(client_ms: number, server_ms: number): void {
    const round_trip_ms = Math.max(0, this.now_ms() - client_ms);
    this.samples.push({ offset_ms: server_ms + round_trip_ms / 2 - this.now_ms(), round_trip_ms });
    if (this.samples.length > 8) this.samples.shift();
  }

  /** A time told without being asked: good enough until the first pong. */
  hint(server_ms: number): void {
    if (!this.samples.length) this.samples.push({ offset_ms: server_ms - this.now_ms(), round_trip_ms: 1e6 });
  }

  now(): number {
    const best = this.samples.reduce<Sample | null>(
      (found, sample) => (found && found.round_trip_ms <= sample.round_trip_ms ? found : sample), null);
    return this.now_ms() + (best?.offset_ms ?? 0);
  }
}

export const SPEEDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100] as const;

/** The slider is logarithmic: 0..1 for 1/1000x to 100x. */
export const speedToSlider = (speed: number): number => (Math.log10(speed) + 3) / 5;
export function sliderToSpeed(value: number): number {
  const speed = 10 ** (value * 5 - 3);
  return SPEEDS.reduce((best, step) => (Math.abs(Math.log(step / speed)) < Math.abs(Math.log(best / speed)) ? step : best));
}
export const speedText = (speed: number): string => (speed > 0 && speed < 1 ? `1/${Math.round(1 / speed)}×` : `${speed}×`);
