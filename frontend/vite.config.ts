import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

import { switchFont } from './switchFont';

// The page is built into ../static/build; Django finds the hashed names through the manifest.
export default defineConfig(({ mode }) => ({
  plugins: [svelte(), switchFont()],
  base: '/static/build/',
  build: {
    outDir: '../static/build',
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    assetsInlineLimit: 0,
    // What every page begins with is one file: `$initial` is all that main.ts imports statically.
    rolldownOptions: { input: 'src/main.ts', output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  resolve: mode === 'test' ? { conditions: ['browser'] } : {},
  // One environment for all files: making a new one for each took most of the time.
  test: { environment: 'jsdom', include: ['tests/**/*.test.ts'], setupFiles: ['tests/setup.ts'], css: false, testTimeout: 60_000, isolate: false },
}));
