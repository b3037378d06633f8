/** What the banner above a run says of what it waits for. */

import { screen } from '@testing-library/dom';
import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, it } from 'vitest';

import { language } from '../src/i18n/index.svelte';
import type { RunState, Waiting } from '../src/net/messages';
import Playground from '../src/pages/Playground.svelte';
import { BoardView } from '../src/state/board.svelte';
import { Session } from '../src/state/session.svelte';
import { bytesOf, chunk, tides } from './helpers';

const run: RunState = {
  code: 'abcdef', title: 'Shore', seed: 4, engine: 1, role: 'owner', you: '', viewers: 1, head_us: 100_000,
  branches: [{ id: 0, parent: null, fork_us: 0, revision: 0, head_us: 1e5, title: null, commands: [], played_us: 1e5 }],
  playhead: { branch: 0, playing: false, speed: 1, anchor_us: 50_000, anchor_ms: 0, sequence: 1, gate_us: null },
  server_ms: 0, stop_us: 1_500_000,
  experiment: { format: 1, id: 'shore', title: { en: 'Shore', zh: '海岸' }, system: 'tides', seed: 4, stop_s: 1.5, topology: { nodes: [{ id: 'n1' }] } },
};
const told = (cause: Waiting['for']) => ({ for: cause, text: { en: `Waits: ${cause}.`, zh: `等待：${cause}。` }, runs: 1 });

let shown: ReturnType<typeof mount> | null = null;
function opened(): Session {
  const session = new Session('abcdef', { systems: { tides }, faults: {} }, null, () => ({
    open: () => undefined, close: () => undefined, fetchRange: () => Promise.resolve(false), send: () => true,
  }));
  session.state(run);
  session.connected('open', 0);
  session.frame(bytesOf(chunk(0, 100_000)));
  shown = mount(Playground, { target: document.body, props: { session, board: new BoardView(session) } });
  return session;
}
afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  language.current = 'en';
});

/** What is said of this cause in both languages. */
function said(cause: Waiting['for']): (string | null)[] {
  return (['en', 'zh'] as const).map((code) => {
    language.current = code;
    flushSync();
    return screen.queryByText(told(cause).text[code])?.textContent ?? null;
  });
}

it.each(['socket', 'poll'])('says in both languages what the %s tells of workers of another version, whatever is in hand', (way) => {
  const session = opened();
  if (way === 'socket') session.message({ type: 'waiting', ...told('version') });
  else session.state({ ...run, waiting: told('version') });
  for (const stalled of [false, true]) {
    session.stalled = stalled;
    expect(said('version')).toEqual(['Waits: version.', '等待：version。']);
  }
  session.waiting = null;
  expect(said('version')).toEqual([null, null]);
});

it.each(['server', 'worker', 'simulation'] as const)('says that a %s is waited for once nothing is left to show', (cause) => {
  const session = opened();
  session.message({ type: 'waiting', ...told(cause) });
  session.stalled = false;
  expect(said(cause)).toEqual([null, null]);
  session.stalled = true;
  expect(said(cause)).toEqual([told(cause).text.en, told(cause).text.zh]);
});
