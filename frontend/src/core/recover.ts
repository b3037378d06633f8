/** What it takes to give a majority back: links healed, frozen nodes thawed, and as few dead ones restarted as that needs. Pure. */

import type { FaultCommand } from './actions';
import type { Network } from './chunk';
import type { MessageKey } from '../i18n/index.svelte';
import { sidesOf } from './reach';
import type { NodeScene } from './scene';

export function healingCommands(scenes: readonly NodeScene[], network: Network): FaultCommand[] {
  const voters = scenes.filter((scene) => scene.process !== null);
  const needed = Math.floor(voters.length / 2) + 1;
  const found: FaultCommand[] = [];
  if (network.cuts.length || network.links.length) found.push({ do: 'heal', links_too: true });
  if (network.holds.length) found.push({ do: 'release' });
  const paused = voters.filter((scene) => scene.state === 'paused').map((scene) => scene.id);
  if (paused.length) found.push({ do: 'resume', target: paused });
  const alive = voters.filter((scene) => scene.state !== 'down').length;
  const dead = voters.filter((scene) => scene.state === 'down').map((scene) => scene.id).slice(0, Math.max(0, needed - alive));
  if (dead.length) found.push({ do: 'restart', target: dead });
  return found;
}

/** What keeps a cluster from committing, the plainest reason first. */
export interface Blocker {
  key: MessageKey;
  values?: Record<string, string | number | readonly string[]>;
}

export function blockerOf(scenes: readonly NodeScene[], network: Network, world: { byHand: boolean; clients: number }): Blocker {
  const voters = scenes.filter((scene) => scene.process !== null);
  const all = voters.length;
  const needed = Math.floor(all / 2) + 1;
  const running = new Set(voters.filter((scene) => scene.state === 'up').map((scene) => scene.id));
  const stopped = voters.filter((scene) => scene.state !== 'up').map((scene) => scene.id);
  if (running.size < needed) return { key: 'time.blocked_down', values: { nodes: stopped, needed, all } };
  const best = Math.max(0, ...sidesOf(voters.map((scene) => scene.id), running, network).map((side) => (side.decides ? side.voters : 0)));
  if (best < needed) return { key: network.holds.length ? 'time.blocked_held' : 'time.blocked_cut', values: { needed, all } };
  if (world.byHand) return { key: 'time.blocked_by_hand' };
  if (!scenes.some((scene) => scene.leading)) return { key: 'time.blocked_leader' };
  return world.clients ? { key: 'time.blocked_unknown' } : { key: 'time.blocked_client' };
}
