/** Where somebody stops in a stretch that was sent as an aggregate, its events are asked for. */

import { waitFor } from '@testing-library/dom';
import { expect, it } from 'vitest';

import type { Chunk } from '../src/core/chunk';
import type { RunState } from '../src/net/messages';
import { Session } from '../src/state/session.svelte';
import type { Receiver, Source } from '../src/state/source';
import { bytesOf, chunk, keyframe, process, tides } from './helpers';

const shore = { n1: { ...process({ moon: 3, phase: 'flood' }), system: 'tides' } };
const made = (level: Chunk['level']): Chunk => chunk(0, 1_000_000, {
  level, keyframe: keyframe(0, shore), events: level === 'full' ? [[5, 200_000, 1, 'n1', 0, 'pull', null, null]] : [],
});

const run = (playing: boolean): RunState => ({
  code: 'abcdef', title: 'Shore', seed: 4, engine: 1, role: 'viewer', you: '', viewers: 1, head_us: 1_000_000,
  branches: [{ id: 0, parent: null, fork_us: 0, revision: 0, head_us: 1e6, title: null, commands: [], played_us: 1e6 }],
  playhead: { branch: 0, playing, speed: 0.001, anchor_us: 250_000, anchor_ms: Date.now(), sequence: 1, gate_us: null },
  server_ms: Date.now(), stop_us: 1_000_000,
  experiment: { format: 1, id: 'shore', title: { en: 'Shore', zh: '海岸' }, system: 'tides', seed: 4, stop_s: 1, topology: { nodes: [{ id: 'n1' }] } },
});

function watched(playing: boolean): { session: Session; asked: boolean[] } {
  const asked: boolean[] = [];
  const session = new Session('abcdef', { systems: { tides }, faults: {} }, null, (receiver: Receiver): Source => ({
    open: () => undefined, close: () => undefined, send: () => true,
    fetchRange: (_branch, _revision, _from, _to, full = false) => {
      asked.push(full);
      receiver.frame(bytesOf(made(full ? 'full' : 'aggregate')));
      return Promise.resolve(true);
    },
  }));
  session.state(run(playing));
  session.frame(bytesOf(made('aggregate')));
  session.start();
  return { session, asked };
}

it('asks for every event where the playhead stands still', async () => {
  const { session, asked } = watched(false);
  await waitFor(() => expect(session.piece()?.chunk.events).toHaveLength(1), { timeout: 10_000 });
  expect(asked.filter(Boolean)).toHaveLength(1);
  session.stop();
});

it('is content with the aggregate while time runs', async () => {
  const { session, asked } = watched(true);
  await waitFor(() => expect(session.slow).toBeGreaterThan(2), { timeout: 10_000 });
  expect(session.piece()?.chunk.level).toBe('aggregate');
  expect(asked).not.toContain(true);
  session.stop();
});
