/** Stepping to where nothing is in hand yet: it is fetched, never leapt over. Moving: nothing throws it back. */

import { waitFor } from '@testing-library/dom';
import { expect, it, vi } from 'vitest';

import type { Chunk } from '../src/core/chunk';
import type { RunState } from '../src/net/messages';
import { Session } from '../src/state/session.svelte';
import type { Receiver, Source } from '../src/state/source';
import { bytesOf, changed, chunk, tides } from './helpers';

const past = chunk(0, 500_000, { events: [changed(1, 100_000, {}), changed(2, 400_000, {})] });
const present = chunk(500_000, 1_000_000, { events: [changed(3, 700_000, {})] });
const future = chunk(1_000_000, 1_500_000, { events: [changed(4, 1_200_000, {})] });

const run: RunState = {
  code: 'abcdef', title: 'Shore', seed: 4, engine: 1, role: 'owner', you: '', viewers: 1, head_us: 1_000_000,
  branches: [{ id: 0, parent: null, fork_us: 0, revision: 0, head_us: 1e6, title: null, commands: [], played_us: 1e6 }],
  playhead: { branch: 0, playing: false, speed: 0.1, anchor_us: 700_000, anchor_ms: Date.now(), sequence: 1, gate_us: null },
  server_ms: Date.now(), stop_us: 1_500_000,
  experiment: { format: 1, id: 'shore', title: { en: 'Shore', zh: '海岸' }, system: 'tides', seed: 4, stop_s: 1.5, topology: { nodes: [{ id: 'n1' }] } },
};

/** A paused run of which only the present is here; `kept` is what else the server has. */
function paused(kept: Chunk | null): Session {
  const session = new Session('abcdef', { systems: { tides }, faults: {} }, null, (receiver: Receiver): Source => ({
    open: () => undefined, close: () => undefined, send: () => true,
    fetchRange: () => {
      if (kept) receiver.frame(bytesOf(kept));
      return Promise.resolve(kept !== null);
    },
  }));
  session.state(run);
  session.frame(bytesOf(present));
  return session;
}

const at = (session: Session): number | undefined => session.playhead?.anchor_us;
async function shown(session: Session): Promise<void> {
  session.start();
  await waitFor(() => expect(session.at_us).toBe(700_000), { timeout: 10_000 });
  session.stop();
}

it('fetches what came before and steps to its last event', async () => {
  const session = paused(past);
  await shown(session);
  await session.step(-1);
  expect(at(session)).toBe(400_000);
});

it('fetches what comes next and steps to its first event', async () => {
  const session = paused(future);
  await shown(session);
  await session.step(1);
  expect(at(session)).toBe(1_200_000);
});

it('stays where it is when the past cannot be had', async () => {
  const session = paused(null);
  await shown(session);
  await session.step(-1);
  expect(at(session)).toBe(700_000);
});

it('plays from the start again where there is nothing more to play', async () => {
  const session = paused(null);
  session.state({ ...run, playhead: { ...run.playhead, anchor_us: 1_500_000, playing: true, sequence: 2 } });
  session.at_us = 1_500_000;
  expect(session.ended).toBe(true);
  session.toggle();
  expect([session.playing, at(session)]).toEqual([true, 0]);
  session.at_us = 700_000;
  session.toggle();
  expect([session.playing, at(session)]).toEqual([false, 700_000]);
});

it('is not thrown back by answers to earlier moves of its own', () => {
  const session = paused(null);
  const told = (sequence: number, anchor_us: number): void =>
    session.message({ type: 'playhead', playhead: { ...run.playhead, sequence, anchor_us } });
  for (const moment of [300_000, 500_000, 900_000]) session.goTo(moment);
  told(2, 300_000);
  told(3, 500_000);
  expect(at(session)).toBe(900_000);
  told(4, 900_000);
  told(5, 100_000); // somebody else
  expect(at(session)).toBe(100_000);
});

it('goes where the server says when it does not take a move', () => {
  const session = paused(null);
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
  const beat = (): void => session.message({
    type: 'heartbeat', branch: 0, revision: 0, head_us: 1e6, playhead: run.playhead, viewers: 1, server_ms: Date.now(), true_speed: null,
  });
  session.goTo(300_000);
  beat();
  expect(at(session)).toBe(300_000);
  now.mockReturnValue(5000);
  beat();
  expect(at(session)).toBe(700_000);
  now.mockRestore();
});
