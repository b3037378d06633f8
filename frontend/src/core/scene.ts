/** What the map shows of each node at one moment, read from the world by the kinds of the descriptor's fields. */

import type { Json, LogView, NodeState, ProcessState, Timer } from './chunk';
import { isLog } from './chunk';
import { fieldOfKind, roleOf, type Descriptor, type Descriptors, type FieldKind, type Role, type Text } from './descriptor';
import type { World } from './world';

export interface Badge {
  text: Text;
  /** Only while nodes are down or cut off. */
  afterLoss: boolean;
}
export interface NodeScene {
  id: string;
  state: 'up' | 'down' | 'paused';
  slow: boolean;
  disk: string;
  process: string | null;
  descriptor: Descriptor | undefined;
  role: Role | undefined;
  roleName: string;
  epoch: number;
  leading: boolean;
  log: LogView | null;
  committed: number | null;
  hash: string;
  votes: string[];
  /** Whether it counts towards a majority. */
  hasVote: boolean;
  /** What its system wants to be seen on the map, e.g. the phase it is in. */
  badges: Badge[];
  /** The timer that the arc shows: the one of a field of kind timer, else the earliest. */
  timer: Timer | null;
  others: { process: string; role: string; system: string }[];
}

/** The system a process belongs to: the one it names, else the one whose fields it has. */
export function descriptorOf(process: ProcessState | undefined, descriptors: Descriptors): Descriptor | undefined {
  if (!process) return undefined;
  if (process.system !== undefined && descriptors[process.system]) return descriptors[process.system];
  const all = Object.values(descriptors);
  const known = (one: Descriptor) => one.fields.filter((field) => field.name in process.fields).length;
  return [...all].sort((a, b) => known(b) - known(a))[0];
}

function valueOfKind(process: ProcessState, descriptor: Descriptor | undefined, kind: FieldKind): Json | undefined {
  const field = fieldOfKind(descriptor, kind);
  return field ? process.fields[field.name] : undefined;
}

type Carried = [address: string, process: ProcessState][];

function carriedByNode(world: World): Map<string, Carried> {
  const found = new Map<string, Carried>();
  for (const entry of Object.entries(world.processes)) {
    const carried = found.get(entry[1].node);
    if (carried) carried.push(entry);
    else found.set(entry[1].node, [entry]);
  }
  return found;
}

/** The scenes of all nodes. One that looks as `before` is the same object, so that nothing of it is drawn again. */
export function scenesOf(ids: readonly string[], world: World, descriptors: Descriptors, before: NodeScene[] = []): NodeScene[] {
  const carried = carriedByNode(world);
  const scenes = ids.map((id, at) => {
    const made = nodeScene(id, world, descriptors, carried.get(id) ?? []);
    const old = before[at];
    return old && looksSame(old, made) ? old : made;
  });
  return scenes.length === before.length && scenes.every((scene, at) => scene === before[at]) ? before : scenes;
}

function looksSame(one: NodeScene, other: NodeScene): boolean {
  return (Object.keys(one) as (keyof NodeScene)[]).every((name) => one[name] === other[name] || sameList(one[name], other[name]));
}
const sameList = (one: unknown, other: unknown): boolean => Array.isArray(one) && Array.isArray(other) && one.length === other.length
  && one.every((item, at) => item === other[at] || (typeof item === 'object' && JSON.stringify(item) === JSON.stringify(other[at])));

export function nodeScene(id: string, world: World, descriptors: Descriptors, carried: Carried = carriedByNode(world).get(id) ?? []): NodeScene {
  const node: NodeState = world.nodes[id] ?? { state: 'down', life: 0 };
  const main = carried.find(([address]) => address === id) ?? carried[0];
  const process = main?.[1];
  const descriptor = descriptorOf(process, descriptors);
  const state = node.state === 'down' || node.state === 'paused' ? node.state : 'up';
  const scene: NodeScene = {
    id, state, slow: Boolean(node.slow) && node.slow !== 1, disk: node.disk ?? 'ok', process: main?.[0] ?? null, descriptor,
    role: undefined, roleName: '', epoch: 0, leading: false, log: null, committed: null, hash: '', votes: [], hasVote: true, badges: [],
    timer: null, others: [],
  };
  if (process) describe(scene, process, descriptor);
  scene.others = carried.filter(([address]) => address !== scene.process).map(([address, other]) => ({
    process: address, role: String(valueOfKind(other, descriptorOf(other, descriptors), 'role') ?? ''),
    system: descriptorOf(other, descriptors)?.name ?? other.kind,
  }));
  return scene;
}

function describe(scene: NodeScene, process: ProcessState, descriptor: Descriptor | undefined): void {
  scene.roleName = String(valueOfKind(process, descriptor, 'role') ?? '');
  scene.role = roleOf(descriptor, scene.roleName);
  scene.epoch = numberIn(valueOfKind(process, descriptor, 'epoch'));
  scene.leading = scene.state === 'up' && Boolean(scene.role?.crown);
  const log = valueOfKind(process, descriptor, 'log');
  scene.log = isLog(log) ? log : null;
  const committed = valueOfKind(process, descriptor, 'index');
  scene.committed = typeof committed === 'number' ? committed : null;
  const hash = valueOfKind(process, descriptor, 'hash');
  scene.hash = typeof hash === 'string' || typeof hash === 'number' ? String(hash) : (scene.log?.hash ?? '');
  scene.votes = idsIn(valueOfKind(process, descriptor, 'votes'));
  scene.hasVote = valueOfKind(process, descriptor, 'voter') !== false;
  scene.badges = scene.state === 'up' ? badgesOf(process, descriptor) : [];
  const named = fieldOfKind(descriptor, 'timer');
  const timers = Object.entries(process.timers);
  const shown = timers.find(([name]) => name === named?.name) ?? timers.sort((a, b) => a[1][1] - b[1][1])[0];
  scene.timer = scene.state === 'up' && shown ? shown[1] : null;
}

function badgesOf(process: ProcessState, descriptor: Descriptor | undefined): Badge[] {
  return (descriptor?.fields ?? []).flatMap((field) => {
    const text = field.badge ? badgeText(process.fields[field.name], field.words ?? {}) : null;
    return text ? [{ text, afterLoss: field.badge === 'after_loss' }] : [];
  });
}

/** Of a map the newest entry. */
function badgeText(value: Json | undefined, words: Record<string, Text>): Text | null {
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    return badgeText(Object.values(value).at(-1), words);
  }
  if (value === undefined || value === null || value === '') return null;
  return words[String(value)] ?? { en: String(value), zh: String(value) };
}

/** An epoch may be a number, or a ballot like [3, "n2"]: its first number counts. */
export function numberIn(value: Json | undefined): number {
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) return numberIn(value[0]);
  return 0;
}

/** Ids in a set or map of votes: a list, or a map from id to whether it was granted. */
export function idsIn(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.map((one) => String(Array.isArray(one) ? one[0] : one));
  if (value && typeof value === 'object') return Object.entries(value).filter(([, held]) => held).map(([id]) => id);
  return [];
}

/** The entries of a log to draw: the last `count`, aligned by index with the other nodes' when `until` is theirs. */
export function logCells(
  log: LogView | null, committed: number | null, count: number, until: number,
): { index: number; epoch: number; label: string; state: 'committed' | 'stored' | 'missing' }[] {
  if (!log) return [];
  const start = Math.max(log.first, until - count + 1, 1);
  const offset = log.last - log.entries.length + 1;
  const cells: ReturnType<typeof logCells> = [];
  for (let index = start; index <= until; index++) {
    const entry = log.entries[index - offset];
    if (index > log.last || !entry) cells.push({ index, epoch: 0, label: '', state: 'missing' });
    else {
      const state = committed === null || index <= committed ? 'committed' : 'stored';
      cells.push({ index, epoch: numberIn(entry[0]), label: String(entry[1] ?? ''), state });
    }
  }
  return cells;
}
