/** Where a problem of the experiment is shown. */

import type { Section } from './state.svelte';

export function sectionOf(path: string): Section {
  if (path.startsWith('topology')) return 'selected';
  if (path.startsWith('workload') || path.startsWith('operations')) return 'clients';
  if (path.startsWith('faults')) return 'faults';
  if (path.startsWith('checks')) return 'checks';
  if (path.startsWith('parameters') || path === 'system' || path === 'twin') return 'system';
  return 'experiment';
}

/** The element whose path is the longest beginning of a problem's. */
export function closest(root: ParentNode, path: string): HTMLElement | null {
  const fits = [...root.querySelectorAll<HTMLElement>('[data-path]')].filter((one) => path.startsWith(one.dataset.path!));
  return fits.sort((a, b) => b.dataset.path!.length - a.dataset.path!.length)[0] ?? null;
}
