/** The two characters of the language switch, for systems without Chinese glyphs: cut out of the package's slices, within the
 * stylesheet. The other characters come with the language. */

import { readFile } from 'node:fs/promises';

import subsetFont from 'subset-font';
import type { Plugin } from 'vite';

const NAME = 'virtual:switch-font.css';
/** Which slice of @fontsource-variable/noto-sans-sc has the character. */
const SLICES: Record<string, number> = { 中: 119, 文: 118 };

async function face(character: string): Promise<string> {
  const file = `node_modules/@fontsource-variable/noto-sans-sc/files/noto-sans-sc-${SLICES[character]}-wght-normal.woff2`;
  const font = await subsetFont(await readFile(new URL(file, import.meta.url)), character, { targetFormat: 'woff2' });
  const range = `U+${character.codePointAt(0)!.toString(16).toUpperCase()}`;
  return `@font-face { font-family: "Noto Sans SC Variable"; font-weight: 100 900; unicode-range: ${range}; font-display: swap;
    src: url("data:font/woff2;base64,${font.toString('base64')}") format("woff2"); }`;
}

export function switchFont(): Plugin {
  return {
    name: 'switch-font',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
    load: async (id) => (id === `\0${NAME}` ? (await Promise.all(Object.keys(SLICES).map(face))).join('\n') : null),
  };
}
