/** Whether the reader asked for less motion; asked again at every look, because it can be changed while the page is open. */
const wish = typeof matchMedia === 'function' ? matchMedia('(prefers-reduced-motion: reduce)') : null;

export const reducedMotion = (): boolean => wish?.matches ?? false;

/** With less motion the scene goes on in steps: the same scene, one look every so often. */
export const STEP_MS = 500;
