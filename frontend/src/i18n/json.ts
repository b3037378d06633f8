/** Why a text is no JSON, in the reader's language: browsers say it in English, each in its own words. */

import { t } from './index.svelte';

export function jsonTrouble(error: unknown, text: string): string {
  const { message } = error as Error;
  const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? placeAt(text, /position (\d+)/.exec(message)?.[1]);
  if (line) return t('common.json_at', { line, column });
  return t(/\bend of\b/i.test(message) ? 'common.json_ends' : 'common.json_bad');
}

/** [, line, column] of a position in a text, both from 1. */
function placeAt(text: string, position: string | undefined): (string | number)[] {
  if (position === undefined) return [];
  const lines = text.slice(0, Number(position)).split('\n');
  return ['', lines.length, lines.at(-1)!.length + 1];
}
