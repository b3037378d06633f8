/** The trace as it comes from the server: docs/protocol.md in types. Times are integer microseconds. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Values = Record<string, Json>;

export interface NodeState {
  state: 'up' | 'down' | 'paused' | string;
  life: number;
  slow?: Json;
  clock_offset_us?: number;
  clock_rate?: number;
  disk?: string;
}

/** A timer: when it was set and when it comes due. */
export type Timer = [set_at_us: number, deadline_us: number];

export interface ProcessState {
  node: string;
  system?: string;
  kind: string;
  fields: Values;
  timers: Record<string, Timer>;
}

/** A replicated log as the page sees it: at most the last 64 entries. */
export interface LogView {
  first: number;
  last: number;
  hash: string;
  entries: [epoch: number, label: string][];
}

export interface LogDiff {
  first: number;
  last: number;
  hash: string;
  keep: number;
  add: [epoch: number, label: string][];
}

export interface ClientState {
  at: string;
  waiting: number;
  oldest_us: number | null;
  ok: number;
  fail: number;
  unknown: number;
}

export interface Spread {
  kind: string;
  values: Json[];
}
/** The links between these ends (none: all), both ways unless `one_way`. */
export interface LinkSpan {
  from_: string[];
  to: string[];
  one_way: boolean;
}
/** What one fault did to the links of a span, but for those that were mended since. */
export interface LinkChange extends LinkSpan {
  fault: number;
  spared?: LinkSpan[];
  latency?: Spread | null;
  extra?: Spread | null;
  loss?: number | null;
  duplicate?: number | null;
  reorder?: number | null;
  bandwidth_mbit?: number | null;
}

export interface Wall {
  id: Json;
  groups?: string[][];
  pairs?: [string, string][];
  since_us: number;
  shape?: string;
}

export interface Network {
  cuts: [from: string, to: string][];
  holds: [from: string, to: string][];
  links: LinkChange[];
  groups: string[][];
  walls: Wall[];
}

export interface Fault {
  id: Json;
  do: string;
  target: Json;
  since_us: number;
  until_us?: number | null;
}

export type Verdict = 'holds' | 'violated' | 'unknown';
/** `observed`: said by a check that looks on from outside, not by the process. */
/** Holds and fails again and again while writes are under way: what it says on the way is no news. */
export const isPassing = (check: string): boolean => check === 'replicas_equal';

/** `by`: whose note it is, where the event is a command's and so nobody's. */
export type NoteRef = [id: string, values: Values, observed?: boolean, by?: string];

export interface CheckState {
  verdict: Verdict;
  judged: number;
  event: number | null;
  at_us: number | null;
  note: NoteRef | null;
}

export interface Keyframe {
  at_us: number;
  number: number;
  nodes: Record<string, NodeState>;
  processes: Record<string, ProcessState>;
  clients: Record<string, ClientState>;
  flight: Send[];
  network: Network;
  checks: Record<string, CheckState>;
  metrics: Record<string, number>;
  faults: Fault[];
}

export const FATE = { onItsWay: 0, lost: 1, cut: 2, held: 3 } as const;

export type Send = [
  number: number,
  cause: number,
  depart_us: number,
  arrive_us: number,
  from: string,
  to: string,
  fate: number,
  type: string,
  fields: Json[],
];

export const KIND = { deliver: 0, timer: 1, disk: 2, request: 3, command: 4, start: 5, drop: 6 } as const;

/** Versions of a chunk's form that the page reads: 1 told maps and logs whole or as a log's diff, 2 by what changed in them. */
export const CHUNK_VERSIONS: readonly number[] = [1, 2];

/** A log that only grew: its last index and hash now, and the entries that were added. */
export type Growth = [last: number, hash: string, added: [epoch: number, label: string][]];

export interface Diff {
  fields?: Values;
  /** Of fields that are maps: keys that are new or have another value. */
  maps?: Record<string, Values>;
  /** Of fields that are maps: keys that are gone. */
  gone?: Record<string, string[]>;
  grown?: Record<string, Growth>;
  /** A number is the deadline of a timer that was set by this very event. */
  timers?: Record<string, Timer | number | null>;
  node?: Record<string, NodeState>;
  network?: Network;
  faults?: Fault[];
  processes?: Record<string, ProcessState>;
}

export type TraceEvent = [
  number: number,
  at_us: number,
  kind: number,
  process: string,
  cause: number,
  detail: Json,
  diff: Diff | null,
  notes: NoteRef[] | null,
];

export type Operation = [
  id: number,
  client: string,
  kind: string,
  key: string | null,
  argument: Json,
  invoked_us: number,
  returned_us: number | null,
  outcome: 'ok' | 'fail' | 'unknown' | 'pending' | string,
  result: Json,
  process: string | null,
];

export type CheckChange = [at_us: number, name: string, state: CheckState];

export interface Chunk {
  v: number;
  engine: number | string;
  t0_us: number;
  t1_us: number;
  level: 'full' | 'aggregate';
  keyframe: Keyframe;
  sends: Send[];
  events: TraceEvent[];
  operations: Operation[];
  checks: CheckChange[];
  rates?: [from: string, to: string, message: string, count: number][];
}

export interface FrameHeader {
  run: string;
  branch: number;
  revision: number;
  index: number;
  t0_us: number;
  t1_us: number;
  previous_hash: string;
  hash: string;
  level: 'full' | 'aggregate';
}

export interface Frame {
  header: FrameHeader;
  chunk: Chunk;
  /** Size of the chunk before it was decoded; 0 when unknown. */
  bytes?: number;
}

export const isLog = (value: Json | undefined): value is Json & LogView & { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'entries' in value && 'last' in value;

export const isLogDiff = (value: Json | undefined): value is Json & LogDiff & { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'keep' in value && 'add' in value;
