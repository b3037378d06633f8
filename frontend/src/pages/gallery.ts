/** The catalogue's cards (GET /api/catalogue). */

import type { Text } from '../core/descriptor';
import { request } from '../net/api';

export interface Card {
  id: string;
  title: Text;
  question: Text | null;
  system: string;
  nodes: number;
  variants: { id: string; title: Text; available?: boolean }[];
  rows: string[];
  group: string;
  stop_s: number;
  speed: number;
  available: boolean;
}

/** In the order of the catalogue. */
export const GROUPS = ['RA', 'PX', 'ZK', 'CAP', 'BA', 'MS', 'SN', 'AM', 'MC', 'HS', 'CO', 'DR', 'GF', 'EL', 'PBS'] as const;

/** The rows of the article's list of concepts, by part. */
export const PARTS = [
  { id: 'aims', from: 1, to: 9 }, { id: 'theory', from: 10, to: 19 }, { id: 'paxos', from: 20, to: 25 }, { id: 'raft', from: 26, to: 33 },
  { id: 'zookeeper', from: 34, to: 43 }, { id: 'patterns', from: 44, to: 49 },
] as const;
export const rowsOf = (part: { from: number; to: number }): string[] =>
  Array.from({ length: part.to - part.from + 1 }, (_, at) => `S${part.from + at}`);

export const fetchCards = async (): Promise<Card[]> => (await (await request('/api/catalogue')).json()) as Card[];

/** Every word must be somewhere: in an id, a system, a title or a question, in either language. */
export function matches(card: Card, words: string): boolean {
  const variants = card.variants.flatMap((one) => [one.id, one.title.en, one.title.zh]);
  const text = [card.id, card.system, card.title.en, card.title.zh, card.question?.en, card.question?.zh, ...variants].join(' ').toLowerCase();
  return words.toLowerCase().split(/\s+/).filter(Boolean).every((word) => text.includes(word));
}

/** A row of the article: what it says, what holds, where that is from. */
export interface Concept { id: string; says: Text; holds: Text; sources: string[];
  /** The article's own words, as far as they are quoted. */
  words?: string;
}
/** Part of an experiment -> its judged lines, as the tests found them last. */
export type Verdicts = Record<string, Record<string, [name: string, verdict: string, expected: string][]>>;
export const fetchConcepts = async (): Promise<{ rows: Concept[]; verdicts: Verdicts }> =>
  (await (await request('/api/concepts')).json()) as { rows: Concept[]; verdicts: Verdicts };

/** How many checks of an experiment came out as expected, of how many. */
export function score(verdicts: Verdicts, id: string): { passed: number; all: number } {
  const lines = Object.values(verdicts[id] ?? {}).flat();
  return { passed: lines.filter(([, verdict, expected]) => verdict === expected).length, all: lines.length };
}
