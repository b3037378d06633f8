/** The HTTP side of sweeps and of searches for the smallest failing case. */

import type { Choices, Failure, Settings, ShrinkState, SweepState } from '../core/sweep';
import { request } from './api';

const get = async <T>(path: string): Promise<T> => (await (await request(path)).json()) as T;
const post = async <T>(path: string, body: unknown = {}): Promise<T> =>
  (await (await request(path, { method: 'POST', body: JSON.stringify(body) })).json()) as T;

export interface NewSweep {
  experiment?: string; run?: string; first_seed: number; seeds: number; set?: Settings; grid?: Record<string, unknown[]>;
  metrics?: string[] | null; checks?: string[] | null;
}
export interface Mine { code: string; reference: string; title: { en: string; zh: string }; state: string; runs: number; created_at: string }

export const startSweep = (body: NewSweep) => post<{ code: string; url: string }>('/api/sweeps', body);
export const mySweeps = async () => (await get<{ sweeps: Mine[] }>('/api/sweeps')).sweeps;
export const sweepState = (code: string) => get<SweepState>(`/api/sweeps/${code}`);
export const cancelSweep = (code: string) => post<SweepState>(`/api/sweeps/${code}/cancel`);
export const resumeSweep = (code: string) => post<SweepState>(`/api/sweeps/${code}/resume`);
export const sweepFailures = async (code: string, check: string) =>
  (await get<{ failures: Failure[] }>(`/api/sweeps/${code}/failures?check=${encodeURIComponent(check)}`)).failures;
export const openRun = (code: string, failure: Failure) =>
  post<{ code: string; url: string }>(`/api/sweeps/${code}/open`, { seed: failure.seed, set: failure.set ?? {} });
export const sweepChoices = (query: string) => get<Choices>(`/api/sweeps/choices?${query}`);
export const startShrink = (body: { check: string; sweep?: string; run?: string; seed?: number; set?: Settings }) =>
  post<ShrinkState>('/api/shrinks', body);
export const shrinkState = (code: string) => get<ShrinkState>(`/api/shrinks/${code}`);
export const cancelShrink = (code: string) => post<ShrinkState>(`/api/shrinks/${code}/cancel`);
