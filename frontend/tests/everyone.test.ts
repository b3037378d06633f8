import { beforeEach, describe, expect, it } from 'vitest';

import { cutSayings, nodeParts } from '../src/core/inWords';
import { sidesOf } from '../src/core/reach';
import type { NodeScene } from '../src/core/scene';
import { language } from '../src/i18n/index.svelte';
import { checkWords, metricWords, resultWords, timerWords } from '../src/i18n/names';
import { DEFAULT_KEYS, KEY_LABELS, keyOf, keys } from '../src/state/keys.svelte';

describe('keys', () => {
  beforeEach(() => keys.reset());
  it('are one for each action, and every action is listed', () => {
    const used = Object.values(DEFAULT_KEYS);
    expect(new Set(used).size).toBe(used.length);
    expect(Object.keys(KEY_LABELS).sort()).toEqual(Object.keys(DEFAULT_KEYS).sort());
  });
  it('are changed, printed as they are now, and kept', () => {
    expect(keys.set('kill', 'm')).toBe(true);
    expect(keyOf('kill')).toBe('M');
    expect(JSON.parse(localStorage.getItem('platform-lab.keys')!)).toMatchObject({ kill: 'm' });
  });
  it('of another action, and those that move the focus, are refused with the reason', () => {
    expect(keys.refusal('kill', 'h')).toEqual({ taken: 'heal' });
    expect(keys.refusal('kill', 'Tab')).toEqual({ reserved: true });
    expect(keys.set('kill', 'h')).toBe(false);
    expect([keyOf('kill'), keyOf('heal')]).toEqual(['K', 'H']);
    expect(keys.set('kill', 'k')).toBe(true);
  });
});

describe('the map in words', () => {
  const scene = (of: Partial<NodeScene>): NodeScene => ({
    id: 'n1', state: 'up', slow: false, disk: '', process: 'n1', descriptor: undefined, role: undefined, roleName: '', epoch: 1, leading: false, hasVote: true, badges: [],
    log: null, committed: null, hash: '', votes: [], timer: null, others: [], ...of,
  });
  it('says the log, the votes and the state of a node that runs', () => {
    const log = { first: 1, last: 9, entries: [] } as unknown as NonNullable<NodeScene['log']>;
    expect(nodeParts(scene({ log, committed: 7, votes: ['n1', 'n2'], hash: '53f9aa', slow: true })).map((part) => part.key))
      .toEqual(['words.log', 'words.votes', 'words.hash', 'words.slow']);
    expect(nodeParts(scene({ log, state: 'down' }))).toEqual([]);
  });
  it('says each side of a partition, each link cut one way and each that holds', () => {
    const calm = { links: [], groups: [], walls: [] };
    const cuts: [string, string][] = [['n1', 'n2'], ['n2', 'n1'], ['n1', 'n3'], ['n3', 'n1']];
    const sides = sidesOf(['n1', 'n2', 'n3'], new Set(['n1', 'n2', 'n3']), { ...calm, cuts, holds: [] });
    expect(cutSayings({ ...calm, cuts, holds: [] }, sides, 3).map((one) => one.parts[0]!.key)).toEqual(['words.side_cannot', 'words.side_decides']);
    expect(cutSayings({ ...calm, cuts: [['n1', 'n2']], holds: [['n2', 'n3']] }, [], 3).map((one) => [one.parts[0]!.key, one.parts[0]!.values]))
      .toEqual([['words.cut', { from: 'n1', to: 'n2' }], ['words.held', { from: 'n2', to: 'n3' }]]);
  });
});

describe('names of what is judged and measured', () => {
  it('are words with units in English, and Chinese in Chinese', () => {
    expect(metricWords('read_latency_ms')).toBe('read latency, ms');
    expect(checkWords('old_tail_gives_way')).toBe('old tail gives way');
    expect(timerWords('semi_sync 3')).toBe('semi sync 3');
    language.current = 'zh';
    expect(metricWords('read_latency_ms')).toBe('读延迟（毫秒）');
    expect(resultWords('leader_changes = 1 (from 5 s)')).toBe('领导者变更次数 = 1 (从 5 秒起)');
    expect(timerWords('semi_sync 3')).toBe('半同步 3');
    language.current = 'en';
  });
});
