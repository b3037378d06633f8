/** What a page says while it waits, is cut off, or has no socket. */

import { expect, it } from 'vitest';

import type { RunState, ToServer, Waiting } from '../src/net/messages';
import { Session } from '../src/state/session.svelte';
import { bytesOf, chunk, tides } from './helpers';

const run = (playing: boolean): RunState => ({
  code: 'abcdef', title: 'Shore', seed: 4, engine: 1, role: 'owner', you: '', viewers: 1, head_us: 100_000,
  branches: [{ id: 0, parent: null, fork_us: 0, revision: 0, head_us: 1e5, title: null, commands: [], played_us: 1e5 }],
  playhead: { branch: 0, playing, speed: 0.001, anchor_us: 50_000, anchor_ms: Date.now(), sequence: 1, gate_us: null },
  server_ms: Date.now(), stop_us: 1_500_000,
  experiment: { format: 1, id: 'shore', title: { en: 'Shore', zh: '海岸' }, system: 'tides', seed: 4, stop_s: 1.5, topology: { nodes: [{ id: 'n1' }] } },
});

/** A page that watches; `line.sends` says whether what it says leaves. */
function opened(playing = true): { session: Session; sent: ToServer[]; line: { sends: boolean } } {
  const sent: ToServer[] = [];
  const line = { sends: true };
  const session = new Session('abcdef', { systems: { tides }, faults: {} }, null, () => ({
    open: () => undefined, close: () => undefined, fetchRange: () => Promise.resolve(false),
    send: (message) => line.sends && sent.push(message) > 0,
  }));
  session.state(run(playing));
  session.frame(bytesOf(chunk(0, 100_000)));
  return { session, sent, line };
}

const waiting: Waiting = { type: 'waiting', for: 'worker', text: { en: 'Waiting for a worker.', zh: '正在等待。' }, runs: 1 };
const beat = (session: Session): void => session.message({
  type: 'heartbeat', branch: 0, revision: 0, head_us: 100_000, playhead: session.shared!, viewers: 1, server_ms: Date.now(),
});

it('says what a run waits for as long as the server says it, also when no new frame comes', () => {
  const { session } = opened();
  beat(session);
  session.message(waiting);
  beat(session);
  expect(session.waiting).toEqual(waiting);
  session.message(waiting);
  beat(session);
  expect(session.waiting).not.toBeNull();
  beat(session);
  expect(session.waiting).toBeNull();
});

it('forgets what was waited for when it is cut off', () => {
  const { session } = opened();
  session.message(waiting);
  session.connected('cut', 1);
  expect(session.waiting).toBeNull();
});

const answer = (session: Session, reason: string | null, found = false): void => session.message({ type: 'until_result', found, at_us: 20_000_000, event: null, reason });
const said = (session: Session): (string | undefined)[] => session.notices.map((notice) => notice.key);

it('says why a search ended, and up to where nothing was found', () => {
  const { session } = opened();
  session.until('violation');
  expect(session.running).toBe(true);
  answer(session, 'not within');
  answer(session, 'cancelled');
  answer(session, 'lost');
  expect(session.running).toBe(false);
  expect(said(session)).toEqual(['time.until_nothing', 'time.until_cancelled', 'time.until_lost']);
  expect(session.notices[0]!.values).toEqual({ time: '20.000' });
});

it('waits for no answer that it may have missed, and says when nothing was asked', () => {
  const { session, line } = opened();
  session.until('violation');
  session.connected('cut', 1);
  expect(session.running).toBe(false);
  line.sends = false;
  session.until('violation');
  expect(session.running).toBe(false);
  expect(said(session)).toEqual(['time.until_cut']);
});
