/** The message catalogue: one file per area and language, typed keys, `{name}` places and `{name|one|many}` forms. */

import { countsEntries, type Descriptor, type Note, type Text } from '../core/descriptor';
import en from './en';
import zh from './zh';

type Catalogue = typeof en;
export type MessageKey = { [Area in keyof Catalogue]: `${Area & string}.${keyof Catalogue[Area] & string}` }[keyof Catalogue];
export type Language = 'en' | 'zh';

const catalogues: Record<Language, Record<string, Record<string, string>>> = { en, zh };

/** A cookie of Django's, so that the pages the server renders follow the same switch. */
const COOKIE = 'django_language';

function initial(): Language {
  const stored = new RegExp(`(?:^|; )${COOKIE}=([^;]+)`).exec(document.cookie)?.[1];
  const wanted = stored ?? (document.documentElement.lang || navigator.language);
  return wanted.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

class LanguageState {
  current = $state<Language>(initial());
}
export const language = new LanguageState();

export function setLanguage(code: Language): void {
  language.current = code;
  document.cookie = `${COOKIE}=${code === 'zh' ? 'zh-hans' : 'en'}; path=/; max-age=31536000; samesite=lax`;
  applyLanguage();
}

export function applyLanguage(): void {
  document.documentElement.lang = language.current === 'zh' ? 'zh-Hans' : 'en';
  if (language.current === 'zh') chineseFont();
}

/** For a page with Chinese on it. Last in the font list, so nothing is fetched where the system has Chinese glyphs of its own. */
export const chineseFont = (): void => void import('@fontsource-variable/noto-sans-sc/index.css');

/** What people or sources wrote in Chinese is on English pages too. */
export function fontFor(...texts: (string | undefined)[]): void {
  if (texts.some((text) => /\p{Script=Han}/u.test(text ?? ''))) chineseFont();
}

/** `{count} {count|node|nodes}`: the value, then the form for one or for any other number. Several values are listed. */
export function fill(template: string, values: Record<string, unknown> = {}): string {
  return template.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (place, name: string, one?: string, many?: string) => {
    if (!(name in values)) return place;
    const given = values[name];
    const value = Array.isArray(given) ? listed(given) : String(given);
    return one === undefined ? value : value === '1' ? one : many!;
  });
}

export function lookup(code: Language, key: string): string {
  const dot = key.indexOf('.');
  const found = catalogues[code][key.slice(0, dot)]?.[key.slice(dot + 1)];
  if (found === undefined) throw new Error(`no message ${key} in ${code}`);
  return found;
}

/** A message in the present language. Reading it in a component makes the component follow the switch. */
export const t = (key: MessageKey, values?: Record<string, unknown>): string => fill(lookup(language.current, key), values);

/** A bilingual text of the server's, or a plain one. */
export function pick(text: Text | { en: string; zh: string } | string | null | undefined): string {
  if (!text) return '';
  return typeof text === 'string' ? text : text[language.current] || text.en;
}

/** What a system calls its numbers of leadership. */
export const epochWord = (descriptor: Descriptor | undefined): string => (descriptor?.epoch_word ? pick(descriptor.epoch_word) : t('time.lane_term'));

/** The number before an entry of a log: "term 3", or where it is no epoch, "number 3". */
export const entryNumber = (number: number, descriptor: Descriptor | undefined): string =>
  t('map.term', { word: countsEntries(descriptor) ? t('map.counted') : epochWord(descriptor), epoch: number });

/** What a process or a check says, with words for its values where the note has some. */
export function noteText(note: Note, values: Record<string, unknown>): string {
  const spoken = Object.entries(values).map(([name, value]) => [name, note.words?.[String(value)] ? pick(note.words[String(value)]) : value]);
  return fill(pick(note), Object.fromEntries(spoken) as Record<string, unknown>);
}

export type Translate = typeof t;

/** Items one after another, as each language lists them. */
export const listed = (items: readonly unknown[]): string => items.join(language.current === 'zh' ? '、' : ', ');

/** "team: looks for the runbook". */
export const said = (who: string, words: string): string => `${who}${language.current === 'zh' ? '：' : ': '}${words}`;
