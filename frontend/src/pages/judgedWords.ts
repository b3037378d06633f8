/** A judged line of a result in words: "rto_s: pilot_light less base", "longest_gap_ms <= 600 (from 3 s)". */

import { pick, t, type MessageKey } from '../i18n/index.svelte';
import { metricWords, resultWords } from '../i18n/names';
import type { Card } from './gallery';

const HOW = ['less', 'greater', 'equal', 'different'];

/** What a variant is called; the base has no title of its own. */
export function partWords(card: Pick<Card, 'variants'>, part: string): string {
  if (part === 'base' || part === '') return t('gallery.base');
  if (part === 'compare') return t('gallery.compared');
  const title = card.variants.find((one) => one.id === part)?.title;
  return title ? pick(title) : part;
}

export function judgedWords(card: Pick<Card, 'variants'>, line: string): string {
  const [, name, variant, how, against] = /^(\w+): (\w+) (\w+) (\w+)$/.exec(line) ?? [];
  if (!name || !HOW.includes(how!)) return resultWords(line);
  return t(`gallery.is_${how}` as MessageKey, { what: resultWords(name) || metricWords(name), one: partWords(card, variant!), other: partWords(card, against!) });
}
