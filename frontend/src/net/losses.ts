/** The HTTP side of "When was it lost?". */

import type { LossState } from '../core/loss';
import { request } from './api';

const json = async <T>(answer: Promise<Response>): Promise<T> => (await (await answer).json()) as T;

export const askLoss = (run: string, branch: number, check: string) =>
  json<LossState>(request(`/api/runs/${run}/loss`, { method: 'POST', body: JSON.stringify({ branch, check }) }));
/** The newest answer for a branch as it is now, if somebody asked. */
export const findLoss = async (run: string, branch: number) =>
  (await json<{ loss: LossState | null }>(request(`/api/runs/${run}/loss?branch=${branch}`))).loss;
export const lossState = (code: string) => json<LossState>(request(`/api/losses/${code}`));
export const cancelLoss = (code: string) => json<LossState>(request(`/api/losses/${code}/cancel`, { method: 'POST', body: '{}' }));
