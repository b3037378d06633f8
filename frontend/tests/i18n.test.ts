import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'svelte/compiler';
import { describe, expect, it, vi } from 'vitest';

import en from '../src/i18n/en';
import { fill, language, lookup, t } from '../src/i18n/index.svelte';
import { jsonTrouble } from '../src/i18n/json';
import zh from '../src/i18n/zh';
import { request } from '../src/net/api';

type Flat = Record<string, string>;
const flat = (catalogue: Record<string, Record<string, string>>): Flat => Object.fromEntries(
  Object.entries(catalogue).flatMap(([area, messages]) => Object.entries(messages).map(([key, text]) => [`${area}.${key}`, text])));
const english = flat(en);
const chinese = flat(zh);
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

const SOURCE = join(__dirname, '..', 'src');
const filesIn = (folder: string, end: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith(end)).map((name) => join(folder, name));

/** Chinese texts that need no Chinese character: names. Text made of places and signs alone needs none either. */
const SAME_IN_CHINESE = new Set(['common.product', 'common.switch_language']);
const onlySigns = (text: string) => !/\p{L}/u.test(text.replace(/\{\w+\}/g, ''));

/** Places where numbers stand that something is counted with. */
const COUNTS = ['all', 'count', 'done', 'events', 'factor', 'faults', 'limit', 'lines', 'lost', 'messages', 'nodes', 'of', 'operations', 'points',
  'rate', 'runs', 'seeds', 'tests', 'time', 'voters'];

describe('the message catalogue', () => {
  it('has the same keys in both languages', () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });
  it('has the same places in both languages', () => {
    for (const [key, text] of Object.entries(english)) expect(places(chinese[key]!), key).toEqual(places(text));
  });
  it('is Chinese in Chinese and never empty', () => {
    for (const [key, text] of Object.entries(chinese)) {
      expect(text.trim(), key).not.toBe('');
      if (!SAME_IN_CHINESE.has(key) && !onlySigns(text)) expect(/[\u4e00-\u9fff]/.test(text), `${key}: ${text}`).toBe(true);
    }
  });
  it('has no Chinese in English, but for the name of the language', () => {
    const mixed = Object.entries(english).filter(([key, text]) => /[\u4e00-\u9fff]/.test(text) && !key.startsWith('common.switch_language'));
    expect(mixed).toEqual([]);
  });
  it('takes the form for one where the number is one', () => {
    const differ = (count: unknown, nodes: unknown) => t('compare.states', { count, nodes });
    expect(differ(5, 1)).toBe('5 fields differ on 1 node');
    expect(differ(1, 2)).toBe('1 field differs on 2 nodes');
    expect(differ(0, '1,000')).toBe('0 fields differ on 1,000 nodes');
    expect(fill('{a|one|many}')).toBe('{a|one|many}');
  });
  it('has no message that nothing says', () => {
    const files = [...filesIn(SOURCE, '.svelte'), ...filesIn(SOURCE, '.ts')].filter((file) => !/i18n\/(en|zh)\//.test(file));
    const code = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    const said = new Set(code.match(/\b\w+\.\w+\b/g));
    const begun = [...code.matchAll(/`(\w+\.\w*)\$\{/g)].map((match) => match[1]!);
    expect(begun).toContain('history.verdict_');
    const silent = Object.keys(english).filter((key) => !said.has(key) && !begun.some((start) => key.startsWith(start)));
    expect(silent).toEqual([]);
  });
  it('says nothing in English like "1 nodes"', () => {
    const ofOne = Object.fromEntries(COUNTS.map((name) => [name, 1]));
    const plural = /\b1 (?:more |acknowledged |scripted |dashed )?(?!is\b|ms\b|follows\b|shows\b)\w+s\b/;
    expect(plural.test(fill('on {nodes} nodes', ofOne))).toBe(true);
    const wrong = Object.entries(english).flatMap(([key, text]) => plural.exec(fill(text, ofOne))?.[0].concat(` (${key})`) ?? []);
    expect(wrong).toEqual([]);
  });
  it('lists several values as each language does', () => {
    expect(t('map.result_down', { nodes: ['n1', 'n2'] })).toBe('Down: n1, n2.');
    language.current = 'zh';
    expect(t('map.result_down', { nodes: ['n1', 'n2'] })).toBe('宕机：n1、n2。');
    language.current = 'en';
  });
  it('fills places, follows the switch, and refuses a key that is not there', () => {
    expect(fill('{a} of {b}, {c}', { a: 1, b: 2 })).toBe('1 of 2, {c}');
    language.current = 'zh';
    expect(t('break.kill')).toBe('宕机');
    language.current = 'en';
    expect(t('break.kill')).toBe('Kill');
    expect(() => lookup('en', 'break.nothing_of_the_kind')).toThrow('break.nothing_of_the_kind');
  });
});

interface Node {
  type: string;
  name?: string;
  data?: string;
  value?: unknown;
  [key: string]: unknown;
}

/** Attributes whose value a person reads or hears. */
const SPOKEN = new Set(['aria-label', 'title', 'placeholder', 'alt', 'aria-description', 'aria-valuetext', 'label']);
/** A word: two letters or more. Units and signs are the same in every language. */
const WORD = /[A-Za-z]{2,}|[\u4e00-\u9fff]/;
const UNITS = /\b(ms|px|x)\b/g;

function literals(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) node.forEach((one) => literals(one, found));
  else if (node && typeof node === 'object') {
    const { type, name, data, value } = node as Node;
    if (type === 'Text' && WORD.test(String(data).replace(UNITS, ''))) found.push(String(data).trim());
    if (type === 'StyleDirective' || type === 'ClassDirective') return found;
    if (type === 'Attribute') {
      if (SPOKEN.has(String(name))) literals(value, found);
      return found;
    }
    for (const child of Object.values(node)) literals(child, found);
  }
  return found;
}

describe('components', () => {
  const components = filesIn(SOURCE, '.svelte');
  it('are found', () => expect(components.length).toBeGreaterThan(25));
  it('finds a literal where there is one', () => {
    const made = parse('<p title="Read me">Hello {name}</p><b class="lots of words">1 ms</b>', { modern: true });
    expect(literals(made.fragment)).toEqual(['Read me', 'Hello']);
  });
  it.each(components.map((file) => [file.slice(SOURCE.length + 1), file]))('%s has no text of its own', (_, file) => {
    expect(literals(parse(readFileSync(file, 'utf8'), { modern: true }).fragment)).toEqual([]);
  });
});

describe('what went wrong', () => {
  const sources = [...filesIn(SOURCE, '.svelte'), ...filesIn(SOURCE, '.ts')];
  it.each([
    ['the English half of what the server says', /\{\w*(?:problem|refusal|one)\.message\}/],
    ['an error with its English name in front', /String\(error\)/],
    ['a choice between the halves outside the one place for it', /'zh' && \w*\.?message_zh/],
  ])('is never shown as %s', (_, pattern) => {
    const found = sources.filter((file) => !file.endsWith('net/api.ts') && pattern.test(readFileSync(file, 'utf8')));
    expect(found.map((file) => file.slice(SOURCE.length + 1))).toEqual([]);
  });
  it.each([
    ['[1 2]', 'Expected \',\' or \']\' after array element in JSON at position 3', '问题在第 1 行第 4 列'],
    ['[1,\n2 3]', 'Expected \',\' in JSON at position 6 (line 2 column 3)', '问题在第 2 行第 3 列'],
    ['[1,\n2 3]', 'Expected \',\' in JSON at position 6', '问题在第 2 行第 3 列'],
    ['', 'Unexpected end of JSON input', '内容不完整'],
    ['hello', 'Unexpected token \'h\', "hello" is not valid JSON', '无法解析'],
  ])('in %j is told in Chinese, whatever the browser says', (text, message, chinese) => {
    language.current = 'zh';
    expect(jsonTrouble(new SyntaxError(message), text)).toBe(chinese);
    language.current = 'en';
  });
  it('is a whole sentence: of bad input the field is its subject', async () => {
    language.current = 'zh';
    const fetched = vi.spyOn(globalThis, 'fetch');
    const answer = (status: number, field: string, message_zh: string) => new Response(JSON.stringify({ error: { field, message: '', message_zh } }), { status });
    fetched.mockResolvedValueOnce(answer(400, 'seeds', '应为不大于 20000 的整数'));
    await expect(request('/api/sweeps')).rejects.toThrow('seeds：应为不大于 20000 的整数');
    fetched.mockResolvedValueOnce(answer(404, 'run', '没有这个运行'));
    await expect(request('/api/runs/x')).rejects.toThrow(/^没有这个运行$/);
    fetched.mockRestore();
    language.current = 'en';
  });
  it('is told in Chinese where no server answers, or something else in its place', async () => {
    language.current = 'zh';
    const fetched = vi.spyOn(globalThis, 'fetch');
    fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    await expect(request('/api/systems')).rejects.toThrow('无法连接服务器');
    fetched.mockResolvedValueOnce(new Response('<h1>Bad Gateway</h1>', { status: 502, statusText: 'Bad Gateway' }));
    await expect(request('/api/systems')).rejects.toThrow('服务器返回了状态码 502');
    fetched.mockRejectedValueOnce(new DOMException('aborted', 'AbortError'));
    await expect(request('/api/systems')).rejects.toThrow('aborted');
    fetched.mockRestore();
    language.current = 'en';
  });
});

describe('numbers and lists', () => {
  const TYPED = ['editor/distribution.ts', 'editor/values.ts', 'panels/InstructionForm.svelte'];
  const sources = [...filesIn(SOURCE, '.svelte'), ...filesIn(SOURCE, '.ts')].filter((file) => !/i18n\/en\/|net\/wire/.test(file));
  it.each([
    ['a comma of English between values, but in what people type', /\.join\(', '\)/, TYPED],
    ['a unit of English', /\} (?:ms|s|min)(?![\w(=])/, []],
    ['an abbreviated rate of English', /\}\/s\b/, []],
  ])('are never shown with %s', (_, pattern, but: string[]) => {
    const found = sources.filter((file) => pattern.test(readFileSync(file, 'utf8'))).map((file) => file.slice(SOURCE.length + 1));
    expect(found.sort()).toEqual(but);
  });
});

describe('the code', () => {
  it('names no system: everything is drawn from descriptors', () => {
    const files = [...filesIn(SOURCE, '.svelte'), ...filesIn(SOURCE, '.ts')]
      // The gallery groups cards by what the concepts are called; that is text, not drawing.
      .filter((file) => !/i18n\/|pages\//.test(file));
    const code = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    expect(/['"](raft|paxos|zab|echo)['".]/i.exec(code)?.[0] ?? null).toBeNull();
  });
});
