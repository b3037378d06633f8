/** Where this tab looked, so that a reload comes back to it. The shared playhead is the server's; this is what only the page knows. */

import type { Playhead } from '../core/playhead';

export interface Moment {
  branch: number;
  at_us: number;
  speed: number;
  playing: boolean;
  /** It had left the shared playhead, or there is none. */
  alone: boolean;
  selected: string | null;
}

const keyOf = (page: string): string => `platform-lab.moment.${page}`;

export function keepMoment(page: string, moment: Moment): void {
  try {
    sessionStorage.setItem(keyOf(page), JSON.stringify(moment));
  } catch {
    // Private windows may refuse; a reload then opens the page as anybody sees it.
  }
}

/** What was kept, when this page was loaded again and not opened anew. */
export function recallMoment(page: string, storage: Storage = sessionStorage, again = loadedAgain()): Moment | null {
  if (!again) return null;
  try {
    return JSON.parse(storage.getItem(keyOf(page)) ?? 'null') as Moment | null;
  } catch {
    return null;
  }
}

function loadedAgain(): boolean {
  const [entry] = (performance.getEntriesByType?.('navigation') ?? []) as PerformanceNavigationTiming[];
  return entry?.type === 'reload' || entry?.type === 'back_forward';
}

/** A playhead of the page's own at the moment that was kept. */
export const playheadOf = (moment: Moment, like: Playhead, now_ms: number): Playhead => ({
  ...like, branch: moment.branch, playing: moment.playing, speed: moment.speed, anchor_us: moment.at_us, anchor_ms: now_ms,
});
