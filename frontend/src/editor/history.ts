/** Undo and redo over values that are never changed in place. */

export interface History<T> {
  past: readonly T[];
  present: T;
  future: readonly T[];
  /** What the last change was about: typing on in the same field stays one step. */
  about: string | null;
}

const STEPS_MAX = 200;

export const begin = <T>(present: T): History<T> => ({ past: [], present, future: [], about: null });

/** A change; with the same non-null `about` as the one before it replaces that one's result. */
export function record<T>(history: History<T>, present: T, about: string | null = null): History<T> {
  if (present === history.present) return history;
  if (about !== null && about === history.about) return { ...history, present, future: [] };
  return { past: [...history.past, history.present].slice(-STEPS_MAX), present, future: [], about };
}

export function undo<T>(history: History<T>): History<T> {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return { past: history.past.slice(0, -1), present: before, future: [history.present, ...history.future], about: null };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.present], present: next, future, about: null };
}
