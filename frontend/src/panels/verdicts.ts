/** Names and order of verdicts, shared by the lamps and the feed. */

import type { CheckState, Verdict } from '../core/chunk';
import type { Descriptors } from '../core/descriptor';
import { language, pick, t, type MessageKey } from '../i18n/index.svelte';
import { checkWords } from '../i18n/names';

export const SIGNS: Record<Verdict, string> = { holds: '✓', unknown: '?', violated: '!' };

/** A check's short name; in Chinese one without a name is told by its property's sentence. */
export function checkName(name: string, descriptors: Descriptors): string {
  const words = checkWords(name);
  return language.current === 'zh' && !/[\u4e00-\u9fff]/.test(words) ? (checkSentence(name, descriptors) || words) : words;
}

/** Checks of the clients' history or of any replicas: no system has to have them among its own. */
const GENERAL: readonly string[] = ['linearizable', 'no_lost_ack', 'convergence'];

export function checkSentence(name: string, descriptors: Descriptors): string {
  for (const descriptor of Object.values(descriptors)) {
    const property = descriptor.properties.find((one) => one.name === name);
    if (property) return pick(property.sentence);
  }
  return GENERAL.includes(name) ? t(`inspect.check_${name}` as MessageKey) : '';
}

export const verdictWord = (verdict: Verdict): string => t(`inspect.verdict_${verdict}`);
export const judgedText = (state: CheckState): string => (state.judged === 1 ? t('inspect.verdict_judged_once') : state.judged > 0 ? t('inspect.verdict_judged', { count: state.judged }) : t('inspect.verdict_nothing'));

const ORDER: Record<Verdict, number> = { violated: 0, unknown: 1, holds: 2 };
/** What is wrong first, then what is open. */
export const ordered = (checks: Record<string, CheckState>): [string, CheckState][] =>
  Object.entries(checks).sort((a, b) => ORDER[a[1].verdict] - ORDER[b[1].verdict]);
