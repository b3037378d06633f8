/** What a page says while it waits, is cut off, or has no socket. */

import { afterEach, expect, it, vi } from 'vitest';

import { language } from '../src/i18n/index.svelte';
import type { FromServer, RunState, ToServer, Waiting } from '../src/net/messages';
import { Session } from '../src/state/session.svelte';
import { LiveSource } from '../src/state/source';
import { bytesOf, chunk, tides } from './helpers';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

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

it('says of bad input which field it is about, as errors over HTTP do', () => {
  const { session } = opened();
  const error = { type: 'error', field: 'speed', message: 'is out of range', message_zh: '超出范围' } as const;
  language.current = 'zh';
  session.message({ ...error, status: 400 });
  session.message({ ...error, field: 'role', message_zh: '只有所有者和控制者可以移动共享播放头', status: 403 });
  language.current = 'en';
  session.message({ ...error, status: 400 });
  expect(session.notices.map((notice) => notice.values!.message)).toEqual(['speed：超出范围', '只有所有者和控制者可以移动共享播放头', 'speed: is out of range']);
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

it('says that a command has not left, and offers a fork where it was meant when that is over', () => {
  const { session, line, sent } = opened(false);
  line.sends = false;
  session.command({ do: 'kill', target: 'n1' }, 40_000);
  expect(said(session)).toEqual(['break.unsent']);
  line.sends = true;
  session.message({ type: 'refused', key: 'somebody else', reason: 'past', offer: 'fork' });
  expect(session.notices.at(-1)!.there).toBeUndefined();
  session['everySecond']();
  const command = sent.find((one) => one.type === 'command')!;
  session.message({ type: 'refused', key: (command as { key: string }).key, reason: 'past', offer: 'fork' });
  expect(session.notices.at(-1)!.there).toEqual({ branch: 0, at_us: 40_000 });
});

it('leaves the shared playhead when it is moved while nobody can be told', () => {
  const { session, line } = opened();
  line.sends = false;
  session.play(false);
  expect(session.detached).toBe(true);
  expect([session.playing, session.shared!.playing]).toEqual([false, true]);
  line.sends = true;
  session.live();
  expect([session.detached, session.playing]).toEqual([false, true]);
});

class Wire {
  static all: Wire[] = [];
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  readyState = 0;
  onopen?: () => void;
  onclose?: () => void;
  constructor() {
    Wire.all.push(this);
  }
  send(): void {}
  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }
}

const sources: LiveSource[] = [];
afterEach(() => sources.splice(0).forEach((source) => source.close()));

/** A page of a live run with sockets of the test's own; `poll` answers what is asked by HTTP. */
function live(poll: (url: string) => Promise<Response>): { states: string[]; source: LiveSource; told: FromServer[] } {
  vi.useFakeTimers();
  Wire.all = [];
  vi.stubGlobal('WebSocket', Wire);
  vi.stubGlobal('location', { protocol: 'http:', host: 'lab', pathname: '/r/abcdef', href: 'http://lab/r/abcdef' });
  vi.stubGlobal('fetch', poll);
  const states: string[] = [];
  const told: FromServer[] = [];
  const source = new LiveSource('abcdef', {
    state: () => undefined, message: (message) => told.push(message), frame: () => undefined, have: () => null,
    connected: (state) => states.push(state),
  });
  source.open();
  sources.push(source);
  return { states, source, told };
}
const refuse = async (times: number): Promise<void> => {
  for (let count = 0; count < times; count++) {
    Wire.all.at(-1)!.close();
    await vi.advanceTimersByTimeAsync(12_000);
  }
};
const json = (data: unknown): Promise<Response> => Promise.resolve(new Response(JSON.stringify(data), { headers: { 'Content-Type': 'application/json' } }));
const answered = (): Promise<Response> => json({ after: '1-0' });

it('polls also when a socket had been open before, and stops when one opens again', async () => {
  const { states } = live(answered);
  Wire.all[0]!.opens();
  await refuse(6);
  expect(states.at(-1)).toBe('polling');
  Wire.all.at(-1)!.opens();
  expect(states.at(-1)).toBe('open');
  await vi.advanceTimersByTimeAsync(3000);
  expect(states.at(-1)).toBe('open');
});

it('asks a server that is gone three times for each try of a socket, and no more', async () => {
  let asked = 0;
  const { states } = live(() => (asked++, Promise.reject(new Error('gone'))));
  await refuse(3);
  const tried = Wire.all.length;
  asked = 0;
  await refuse(4);
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThanOrEqual(3 * (Wire.all.length - tried + 1));
  expect(states.at(-1)).not.toBe('polling');
});

it('is told once without a socket which field is wrong', async () => {
  const wrong = new Response(JSON.stringify({ error: { field: 'speed', message: 'is out of range' } }), { status: 400 });
  const { source, told } = live((url) => (url.endsWith('/messages') ? Promise.resolve(wrong) : answered()));
  await refuse(4);
  source.send({ type: 'playhead', speed: 0 });
  await vi.advanceTimersByTimeAsync(0);
  const { session } = opened();
  session.message(told[0]!);
  expect(session.notices[0]!.values).toEqual({ message: 'speed: is out of range' });
});

it('is told without a socket that a search was lost, once, and of none that nobody can tell or that was answered', async () => {
  const found = { type: 'until_result', found: true, at_us: 7 };
  const server: { searching: boolean | null; messages: unknown[] } = { searching: false, messages: [] };
  const { source, told } = live((url) => json(url.endsWith('/messages') ? { messages: [] } : { after: '1-0', ...server }));
  await refuse(4);
  expect(told).toEqual([]);
  source.send({ type: 'until', condition: 'violation' });
  for (server.searching of [true, null]) await vi.advanceTimersByTimeAsync(5000);
  expect(told).toEqual([]);
  server.searching = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect(told).toEqual([{ type: 'until_result', found: false, at_us: null, reason: 'lost' }]);
  source.send({ type: 'until', condition: 'violation' });
  server.messages = [found];
  await vi.advanceTimersByTimeAsync(1000);
  server.messages = [];
  await vi.advanceTimersByTimeAsync(5000);
  expect(told.slice(1)).toEqual([found]);
});

it('is told without a socket that a search of somebody else was lost, and of none that was answered', async () => {
  const found = { type: 'until_result', found: true, at_us: 7 };
  const server: { searching: boolean; messages: unknown[] } = { searching: true, messages: [] };
  const { told } = live(() => json({ after: '1-0', ...server }));
  await refuse(4);
  await vi.advanceTimersByTimeAsync(2000);
  server.messages = [found]; // its end came between the look for it and the look for what was told
  await vi.advanceTimersByTimeAsync(1000);
  Object.assign(server, { searching: false, messages: [] });
  await vi.advanceTimersByTimeAsync(5000);
  expect(told).toEqual([found]);
  server.searching = true;
  await vi.advanceTimersByTimeAsync(1000);
  server.searching = false;
  await vi.advanceTimersByTimeAsync(5000);
  expect(told.slice(1)).toEqual([{ type: 'until_result', found: false, at_us: null, reason: 'lost' }]);
});

it('tries at once when the network is back', async () => {
  live(answered);
  Wire.all[0]!.opens();
  Wire.all[0]!.close();
  const before = Wire.all.length;
  dispatchEvent(new Event('online'));
  expect(Wire.all.length).toBe(before + 1);
});
