/** Which component draws which template (data-page). The front page and a run come with the first script: every
 * further file would be a request that a class of 200 makes at the same moment. The others are fetched where they are shown. */

import type { Component } from 'svelte';

import HomePage from './HomePage.svelte';
import RunPage from './RunPage.svelte';

type Loader = () => Promise<{ default: Component }>;

/** GalleryPage.svelte draws data-page="gallery", and so on; a run and a saved link share one. */
const found = import.meta.glob<{ default: Component }>(['./*Page.svelte', '!./HomePage.svelte', '!./RunPage.svelte']) as Record<string, Loader>;
export const pages: Record<string, Loader> = {
  ...Object.fromEntries(Object.entries(found).map(([path, loader]) => [path.slice(2, -'Page.svelte'.length).toLowerCase(), loader])),
  home: () => Promise.resolve({ default: HomePage }),
  run: () => Promise.resolve({ default: RunPage }),
  link: () => Promise.resolve({ default: RunPage }),
};
