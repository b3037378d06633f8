/** What a majority needs to come back, and nothing more. */

import { describe, expect, it } from 'vitest';

import type { Network } from '../src/core/chunk';
import { blockerOf, healingCommands } from '../src/core/recover';
import type { NodeScene } from '../src/core/scene';

const calm: Network = { cuts: [], holds: [], links: [], groups: [], walls: [] };
const scene = (id: string, state: NodeScene['state']): NodeScene => ({ id, state, process: id }) as NodeScene;
const five = (...states: NodeScene['state'][]) => states.map((state, at) => scene(`n${at + 1}`, state));

describe('healing a majority', () => {
  it('does nothing to a cluster that has one', () => {
    expect(healingCommands(five('up', 'up', 'up', 'down', 'down'), calm)).toEqual([]);
  });

  it('restarts as few as it needs, and thaws what is frozen', () => {
    expect(healingCommands(five('up', 'down', 'down', 'down', 'down'), calm)).toEqual([{ do: 'restart', target: ['n2', 'n3'] }]);
    expect(healingCommands(five('up', 'paused', 'down', 'down', 'down'), calm)).toEqual([{ do: 'resume', target: ['n2'] }, { do: 'restart', target: ['n3'] }]);
  });

  it('heals the network first', () => {
    const broken: Network = { ...calm, cuts: [['n1', 'n2']], holds: [['n1', 'n3']] };
    expect(healingCommands(five('up', 'up', 'up', 'up', 'up'), broken)).toEqual([{ do: 'heal', links_too: true }, { do: 'release' }]);
  });
});

describe('what blocks recovery', () => {
  const world = { byHand: false, clients: 1 };
  const led = (scenes: NodeScene[]) => scenes.map((one, at) => ({ ...one, leading: at === 0 }));
  const up = five('up', 'up', 'up', 'up', 'up');
  const halves = up.flatMap((a, i) => up.flatMap((b, j): [string, string][] => (i < 2 === j < 2 || i === j ? [] : [[a.id, b.id]])));
  const apart = up.flatMap((a) => up.flatMap((b): [string, string][] => (a.id === b.id ? [] : [[a.id, b.id]])));

  it('names those who are missing before anything else', () => {
    expect(blockerOf(five('up', 'up', 'down', 'paused', 'down'), { ...calm, cuts: apart }, world)).toEqual({
      key: 'time.blocked_down', values: { nodes: ['n3', 'n4', 'n5'], needed: 3, all: 5 } });
  });
  it('then the network: cut, or held', () => {
    expect(blockerOf(up, { ...calm, cuts: apart }, world).key).toBe('time.blocked_cut');
    expect(blockerOf(up, { ...calm, holds: apart }, world).key).toBe('time.blocked_held');
    expect(blockerOf(led(up), { ...calm, cuts: halves }, world).key).toBe('time.blocked_unknown');
  });
  it('then who leads and who asks', () => {
    expect(blockerOf(up, calm, { ...world, byHand: true }).key).toBe('time.blocked_by_hand');
    expect(blockerOf(up, calm, world).key).toBe('time.blocked_leader');
    expect(blockerOf(led(up), calm, { ...world, clients: 0 }).key).toBe('time.blocked_client');
    expect(blockerOf(led(up), calm, world).key).toBe('time.blocked_unknown');
  });
});
