/** The run of a page, for every component below it. */

import { getContext, setContext } from 'svelte';

import type { BoardView } from './board.svelte';
import type { Session } from './session.svelte';

const KEY = Symbol('run');

export interface Run {
  session: Session;
  board: BoardView;
  /** Which of several this is, where several stand beside each other. */
  label?: string;
}
export const provideRun = (run: Run): Run => setContext(KEY, run);
export const useRun = (): Run => getContext<Run>(KEY);
