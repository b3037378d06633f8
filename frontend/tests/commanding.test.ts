/** When a command is meant to happen. */

import { expect, it } from 'vitest';

import type { RunState, ToServer } from '../src/net/messages';
import { Session } from '../src/state/session.svelte';
import type { Source } from '../src/state/source';
import { bytesOf, chunk, tides } from './helpers';

const run = (playing: boolean): RunState => ({
  code: 'abcdef', title: 'Shore', seed: 4, engine: 1, role: 'owner', you: '', viewers: 1, head_us: 100_000,
  branches: [{ id: 0, parent: null, fork_us: 0, revision: 0, head_us: 1e5, title: null, commands: [], played_us: 1e5 }],
  playhead: { branch: 0, playing, speed: 0.001, anchor_us: 700_000, anchor_ms: Date.now(), sequence: 1, gate_us: null },
  server_ms: Date.now(), stop_us: 1_500_000,
  experiment: { format: 1, id: 'shore', title: { en: 'Shore', zh: '海岸' }, system: 'tides', seed: 4, stop_s: 1.5, topology: { nodes: [{ id: 'n1' }] } },
});

/** The moment that a command names, given on a page that still shows the start. */
function named(playing: boolean): number {
  const sent: ToServer[] = [];
  const session = new Session('abcdef', { systems: { tides }, faults: {} }, null, (): Source => ({
    open: () => undefined, close: () => undefined, fetchRange: () => Promise.resolve(false),
    send: (message) => sent.push(message) > 0,
  }));
  session.state(run(playing));
  session.frame(bytesOf(chunk(0, 100_000)));
  session.command({ do: 'kill', target: 'n1' });
  const [command] = sent;
  return command?.type === 'command' ? command.at_us : NaN;
}

it('is now for everybody, also on a page that lags behind', () => {
  expect(named(true)).toBeGreaterThanOrEqual(700_000);
});

it('is what is seen while time stands still', () => {
  expect(named(false)).toBe(0);
});
