/** Keys: one table, printed on the controls, changeable, and never stolen from a field somebody types in. */

import type { ActionId } from '../core/actions';
import type { MessageKey } from '../i18n/index.svelte';
import { SPEEDS } from '../core/playhead';
import type { BoardView } from './board.svelte';
import type { Session } from './session.svelte';
import { lens } from './lens.svelte';
import { ui } from './ui.svelte';

export type KeyAction =
  | ActionId | 'play' | 'forward' | 'back' | 'slower' | 'faster' | 'live' | 'fork' | 'client' | 'help' | 'projector' | 'draw' | 'lasso' | 'undo' | 'nearer' | 'farther' | 'whole';

export const DEFAULT_KEYS: Partial<Record<KeyAction, string>> = {
  play: ' ', forward: 'ArrowRight', back: 'ArrowLeft', slower: '[', faster: ']', live: 'l', fork: 'f', kill: 'k', restart: 'r',
  freeze: 'z', slow: 's', isolate: 'i', clock: 't', partition: 'p', heal: 'h', one_way: 'o', hold: 'q', client: 'c', help: '?',
  projector: 'j', draw: 'd', lasso: 'g', undo: 'u', kill_leader: 'x', nearer: '+', farther: '-', whole: '0',
};

export const KEY_LABELS: Partial<Record<KeyAction, MessageKey>> = {
  play: 'keep.key_play', forward: 'time.step_forward', back: 'time.step_back', slower: 'keep.key_slower', faster: 'keep.key_faster',
  live: 'keep.key_live', fork: 'keep.fork', kill: 'break.kill', restart: 'break.restart', freeze: 'break.freeze', slow: 'break.slow',
  isolate: 'break.isolate', clock: 'break.clock', partition: 'break.partition', heal: 'break.heal', one_way: 'break.one_way',
  hold: 'break.hold', client: 'break.client_write', help: 'common.help', projector: 'common.projector', draw: 'break.draw_partition', lasso: 'links.lasso',
  undo: 'common.undo', kill_leader: 'break.kill_leader',
  nearer: 'lens.nearer', farther: 'lens.farther', whole: 'lens.whole',
};

const STORE = 'platform-lab.keys';
/** Keys that move the focus, press what has it, or leave: no action may take them. */
const RESERVED = new Set(['Tab', 'Enter', 'Escape', 'ArrowUp', 'ArrowDown', 'ContextMenu']);

function load(): Partial<Record<KeyAction, string>> {
  try {
    return { ...DEFAULT_KEYS, ...(JSON.parse(localStorage.getItem(STORE) ?? '{}') as Partial<Record<KeyAction, string>>) };
  } catch {
    return { ...DEFAULT_KEYS };
  }
}

class Keys {
  table = $state(load());

  /** Why an action cannot have this key: it is kept for the page, or another action has it; null when it can. */
  refusal(action: KeyAction, key: string): { reserved: true } | { taken: KeyAction } | null {
    if (RESERVED.has(key)) return { reserved: true };
    const other = (Object.keys(this.table) as KeyAction[]).find((one) => one !== action && this.table[one] === key);
    return other ? { taken: other } : null;
  }
  set(action: KeyAction, key: string): boolean {
    if (this.refusal(action, key)) return false;
    this.table[action] = key;
    this.save();
    return true;
  }
  reset(): void {
    this.table = { ...DEFAULT_KEYS };
    this.save();
  }
  private save(): void {
    try {
      localStorage.setItem(STORE, JSON.stringify(this.table));
    } catch {
      // The keys then last as long as the page.
    }
  }
}
export const keys = new Keys();

const NAMES: Record<string, string> = { Backspace: '⌫', Delete: '⌦', Home: '⇱', End: '⇲', ' ': '␣', ArrowRight: '→', ArrowLeft: '←', ArrowUp: '↑', ArrowDown: '↓' };

/** How a key is printed on its control. */
export function keyOf(action: KeyAction): string {
  const key = keys.table[action];
  return key === undefined ? '' : printed(key);
}
export const printed = (key: string): string => NAMES[key] ?? key.toUpperCase();
/** What of a key press is kept: letters without their case. */
export const keyIn = (event: KeyboardEvent): string => (event.key.length === 1 ? event.key.toLowerCase() : event.key);

const TYPED_IN = 'input:not([type="range"]):not([type="checkbox"]), textarea, select, [contenteditable="true"], dialog';

export function handleKey(event: KeyboardEvent, session: Session, board: BoardView): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  const target = event.target as HTMLElement | null;
  if (event.key === 'Escape') {
    ui.menu = null;
    ui.drawing = false;
    ui.lasso = false;
    session.group = [];
    return;
  }
  // The element, not `ui.dialog`: a dialog tells that it closed only a task after it is gone.
  if (target?.closest(TYPED_IN) || document.querySelector('dialog[open]')) return;
  const range = target?.closest('input[type="range"], [role="slider"], [role="tab"]');
  if (range && event.key.startsWith('Arrow')) return;
  const pressed = keyIn(event);
  // Space presses the button that has the focus.
  if (pressed === ' ' && target?.closest('button, a, summary')) return;
  const action = (Object.entries(keys.table) as [KeyAction, string][]).find(([, key]) => key === pressed)?.[0];
  if (!action) return;
  event.preventDefault();
  chooseFocused(target, action, session, board);
  perform(action, event.shiftKey, session, board);
}

/** Who goes from node to node by Tab means the one that has the focus, not the one chosen before. */
function chooseFocused(target: HTMLElement | null, action: KeyAction, session: Session, board: BoardView): void {
  const node = target?.closest<HTMLElement>('[data-node]')?.dataset.node;
  if (node && action in board.actions) session.selected = node;
}

function perform(action: KeyAction, shift: boolean, session: Session, board: BoardView): void {
  switch (action) {
    case 'play': return session.toggle();
    case 'forward': return void session.step(1, shift ? sameKind(session) : undefined);
    case 'back': return void session.step(-1, shift ? sameKind(session) : undefined);
    case 'slower': return session.setSpeed(neighbour(session.speed, -1));
    case 'faster': return session.setSpeed(neighbour(session.speed, 1));
    case 'live': return session.live();
    case 'fork': return void session.fork();
    case 'client': return session.clientWrite();
    case 'help': ui.dialog = 'keys'; return;
    case 'projector': return ui.toggleProjector();
    case 'lasso': ui.startLasso(!board.blocked); return;
    case 'draw': ui.drawing = !ui.drawing && !board.blocked; return;
    case 'undo': return session.undo();
    case 'nearer': case 'farther': case 'whole': return void lens.camera?.[action]();
    default: if (!board.act(action)) board.sayWhy(action);
  }
}

function sameKind(session: Session): (event: readonly unknown[]) => boolean {
  const kind = session.lastEvent()?.[2];
  return (event) => kind === undefined || event[2] === kind;
}

function neighbour(speed: number, direction: 1 | -1): number {
  const at = SPEEDS.findIndex((step) => step >= speed * 0.999);
  return SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, (at < 0 ? SPEEDS.length - 1 : at) + direction))]!;
}
