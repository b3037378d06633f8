/** What the processes noted up to a moment, in the order in which it happened. Pure. */

import type { Values } from './chunk';
import type { Trace } from './trace';

export interface NoteAt { at_us: number; process: string; id: string; values: Values }

export function notesUntil(trace: Trace, branch: number, until_us: number): NoteAt[] {
  const found: NoteAt[] = [];
  for (const { piece, until_us: end_us } of trace.pieces(branch, until_us + 1)) {
    for (const [, at_us, , process, , , , notes] of piece.chunk.events) {
      if (at_us > Math.min(until_us, end_us)) break;
      for (const [id, values, , by] of notes ?? []) found.push({ at_us, process: by ?? process, id, values });
    }
  }
  return found;
}
