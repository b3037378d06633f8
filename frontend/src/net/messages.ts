/** Messages of the socket, both ways, as docs/protocol.md lists them. */

import type { Json } from '../core/chunk';
import type { Experiment, FaultLine } from '../core/experiment';
import type { Playhead } from '../core/playhead';

export type RoleName = 'owner' | 'controller' | 'viewer';
export interface Command {
  seq: number;
  at_us: number;
  do: { do: string; [argument: string]: Json };
  by?: string;
  key?: string;
}
export interface Branch {
  id: number;
  parent: number | null;
  fork_us: number;
  revision: number;
  head_us?: number;
  title: string | null;
  commands: Command[];
  played_us: number;
  /** A script of its own, where it does not follow the experiment's. */
  faults?: FaultLine[];
}
/** A role handed out by a one-time link; `taken`: somebody opened it. */
export interface Grant {
  id: number;
  role: RoleName;
  taken: boolean;
}
export interface RunState {
  code: string;
  title: Json;
  experiment: Experiment;
  seed: number;
  engine: number | string;
  role: RoleName;
  you: string;
  viewers: number;
  branches: Branch[];
  playhead: Playhead;
  server_ms: number;
  stop_us: number;
  /** Everybody who comes may drive. */
  open_control?: boolean;
  /** What it is a fork of. */
  origin?: { run?: string; branch?: number; link?: string; at_us?: number } | null;
  /** Its trace is kept though nobody watches. */
  pinned?: boolean;
  shared_with?: Grant[];
  limits?: Record<string, Json>;
  head_us?: number;
  /** Only in answers to a poll: who may drive, of those with a socket. */
  drivers?: { id: string; name: string }[];
  /** Only in answers to a poll: what the run waits for, when the simulation is behind the playhead. */
  waiting?: Omit<Waiting, 'type'> | null;
}
export interface LinkState extends RunState {
  slug: string;
  at_us: number;
  branch: number;
  reproduces: boolean | null;
  /** What was recorded; the link plays within it. */
  trace?: { from_us: number; to_us: number; complete: boolean };
}
export interface BilingualText {
  en: string;
  zh: string;
}
export type Condition = 'election' | 'commit' | 'violation' | { field: string; process?: string; op: string; value: Json };

export type ToServer =
  | { type: 'hello'; have: { branch: number; to_us: number } | null }
  | { type: 'command'; key: string; branch: number; at_us: number; do: Command['do'] }
  | { type: 'undo'; key: string }
  | { type: 'playhead'; play?: boolean; speed?: number; to_us?: number; branch?: number }
  | { type: 'until'; condition: Condition }
  | { type: 'ack'; branch: number; to_us: number }
  | { type: 'want'; branch: number; from_us: number }
  | { type: 'ping'; n: number; client_ms: number };

/** `runs`: those that share the machine, this one among them. */
export interface Waiting {
  type: 'waiting';
  for: 'server' | 'worker' | 'version' | 'queue' | 'simulation';
  text: BilingualText;
  runs: number;
}

export type FromServer =
  | ({ type: 'welcome' } & RunState)
  | ({ type: 'welcome'; state: RunState })
  | { type: 'playhead'; playhead?: Playhead }
  | { type: 'branches'; branches: Branch[] }
  | { type: 'accepted'; key: string; branch: number; seq?: number; at_us: number; do?: Command['do']; by?: string }
  | { type: 'refused'; key: string; reason: string; text?: BilingualText; allowed?: Json; offer?: 'fork' | 'script' }
  | { type: 'heartbeat'; branch: number; revision: number; head_us: number; playhead: Playhead; viewers: number; server_ms: number; true_speed?: number | null }
  | { type: 'presence'; viewers: number; drivers: { id: string; name: string }[] }
  | { type: 'role'; role: RoleName }
  | { type: 'lagging'; from_us: number }
  | Waiting
  | { type: 'limit'; text: BilingualText | string }
  | { type: 'until_result'; found: boolean; at_us: number | null; event?: number | null; reason?: string | null }
  | { type: 'pong'; n: number; client_ms: number; server_ms: number }
  | { type: 'error'; field: string; message: string; message_zh?: string; status?: number };
