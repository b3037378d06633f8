/** Hues: terms cycle through these; faults and violations own pink, verdicts blue, orange and pink. */

import { countsEntries, type Descriptor } from './descriptor';

/** Number of term hues in styles/theme.css (--term-0 ..). */
export const TERM_HUES = 6;

/** The index of a term's hue; term 0, before any election, is grey (-1). */
export const termHue = (epoch: number): number => (epoch > 0 ? (epoch - 1) % TERM_HUES : -1);

export const termVariable = (epoch: number): string => (epoch > 0 ? `var(--term-${termHue(epoch)})` : 'var(--term-none)');

/** Entries have the hue of their epoch; where the number before them only counts, all have one. */
export const entryVariable = (number: number, descriptor: Descriptor | undefined): string => (countsEntries(descriptor) ? 'var(--entry)' : termVariable(number));

/** A state hash in 4 characters, as the chip under a node shows it. */
export const shortHash = (hash: string): string => hash.slice(0, 4);
