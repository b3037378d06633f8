/** Sending a history and asking for its answer (docs/protocol.md). */

import type { HistoryAnswer } from '../core/history';
import { request } from './api';

export const MOST_BYTES = 8 * 1024 * 1024;
const LONG_S = 8;
const GIVE_UP_S = 180;

export interface Malformed { line: number | null; reason: string; reason_zh: string }
export class HistoryError extends Error {}

/** Keep a history on the server; the id under which its answer will be. */
export async function send(body: string | Blob, options: { format: string; model: string; initial: string }): Promise<string> {
  const query = new URLSearchParams(Object.entries(options).filter(([, value]) => value !== ''));
  const response = await request(`/api/histories?${query}`, { method: 'POST', body: new Blob([body], { type: 'text/plain' }) });
  return ((await response.json()) as { id: string }).id;
}

/** Ask until the answer is there, less and less often; null when nobody wants it any more. HistoryError when no worker comes. */
export async function ask(id: string, progress: (long: boolean) => void, unwanted: () => boolean): Promise<HistoryAnswer | { error: Malformed } | null> {
  const began = performance.now();
  for (let pause_ms = 100; ; pause_ms = Math.min(1500, pause_ms * 1.4)) {
    const response = await request(`/api/histories/${encodeURIComponent(id)}`);
    if (response.status === 200) return (await response.json()) as HistoryAnswer | { error: Malformed };
    const waited_s = (performance.now() - began) / 1000;
    if (waited_s > GIVE_UP_S) throw new HistoryError();
    progress(waited_s > LONG_S);
    await new Promise((resolve) => setTimeout(resolve, pause_ms));
    if (unwanted()) return null;
  }
}
