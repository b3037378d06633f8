/** The page starts here: the template says which page it is. */

import '@fontsource-variable/inter/index.css';
import 'virtual:switch-font.css';
import './styles/theme.css';

import { mount } from 'svelte';

import { applyLanguage } from './i18n/index.svelte';
import { pages } from './pages';
import MissingPart from './panels/MissingPart.svelte';

applyLanguage();
// A page from before an update asks for parts that the server no longer has.
addEventListener('vite:preloadError', () => mount(MissingPart, { target: document.body }), { once: true });
const target = document.getElementById('app');
const page = pages[document.body.dataset.page ?? ''];
if (target && page) {
  void page().then(({ default: component }) => {
    target.replaceChildren();
    mount(component, { target });
  });
}
