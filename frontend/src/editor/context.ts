/** The editor of the page, for every component below it. */

import { getContext, onDestroy, setContext } from 'svelte';

import type { Editor } from './state.svelte';

const KEY = Symbol('editor');
export function provideEditor(editor: Editor): Editor {
  onDestroy(() => editor.close());
  return setContext(KEY, editor);
}
export const useEditor = (): Editor => getContext<Editor>(KEY);
