/** The editor of the page, for every component below it. */

import { getContext, setContext } from 'svelte';

import type { Editor } from './state.svelte';

const KEY = Symbol('editor');
export const provideEditor = (editor: Editor): Editor => setContext(KEY, editor);
export const useEditor = (): Editor => getContext<Editor>(KEY);
