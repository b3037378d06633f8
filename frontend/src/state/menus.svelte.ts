/** Context menus of nodes, links, places and messages: the same actions as the buttons, with the same reasons. */

import { messageSpec } from '../core/descriptor';
import { cutOff, type ActionId, type FaultCommand } from '../core/actions';
import type { Dot } from '../core/flight';
import { pick, said, t, type MessageKey } from '../i18n/index.svelte';
import type { BoardView } from './board.svelte';
import { keyOf } from './keys.svelte';
import type { Session } from './session.svelte';
import { ui, type MenuItem } from './ui.svelte';

function open(event: MouseEvent, title: string, items: MenuItem[]): void {
  event.preventDefault();
  event.stopPropagation();
  // A click by keyboard has no place of its own.
  const box = (event.currentTarget as Element | null)?.getBoundingClientRect?.();
  const byKey = event.clientX === 0 && event.clientY === 0 && box;
  const [x, y] = byKey ? [box.left + box.width / 2, box.top + box.height / 2] : [event.clientX, event.clientY];
  ui.menu = { x, y, title, items };
}

export function actionItem(id: ActionId, board: BoardView): MenuItem {
  const action = board.actions[id];
  return {
    label: t(action.label), icon: action.icon, key: keyOf(id), why: action.why ? t(action.why.key, action.why.values) : null,
    run: () => board.act(id),
  };
}

function commandItem(label: MessageKey, command: FaultCommand, board: BoardView, values = {}, icon = '▚'): MenuItem {
  return { label: t(label, values), icon, why: board.blocked ? t(board.blocked.key) : null, run: () => board.run(command) };
}

export function nodeMenu(event: MouseEvent, id: string, session: Session, board: BoardView): void {
  session.selected = id;
  const ids: ActionId[] = ['kill', 'restart', 'disk_loss', 'freeze', 'slow', 'isolate', 'one_way', 'clock'];
  open(event, t('break.menu_node', { node: id }), ids.map((one) => actionItem(one, board)));
}

/** What can be done to several nodes at once. */
export function groupMenu(event: MouseEvent, session: Session, board: BoardView): void {
  const ids = [...session.group];
  const all = board.scenes.map((scene) => scene.id);
  const rest = all.filter((id) => !ids.includes(id));
  const inState = (...states: string[]) => ids.filter((id) => states.includes(board.byId.get(id)?.state ?? ''));
  const only = (item: MenuItem, able: boolean, why: MessageKey): MenuItem => (able ? item : { ...item, why: item.why ?? t(why) });
  const [running, down, paused] = [inState('up'), inState('down'), inState('paused')];
  open(event, t('links.group_menu', { nodes: ids }), [
    only(commandItem('links.group_isolate', cutOff(ids, all), board), rest.length > 0, 'links.why_all'),
    only(commandItem('links.group_apart', { do: 'partition', groups: [...ids.map((id) => [id]), ...(rest.length ? [rest] : [])] }, board, {}, '⋮'), ids.length > 1, 'break.why_one_node'),
    only(commandItem('links.group_deaf', { do: 'cut', from: rest, to: ids, one_way: true }, board, {}, '↼'), rest.length > 0, 'links.why_all'),
    only(commandItem('links.group_mute', { do: 'cut', from: ids, to: rest, one_way: true }, board, {}, '⇀'), rest.length > 0, 'links.why_all'),
    only(commandItem('break.kill', { do: 'kill', target: [...running, ...paused] }, board, {}, '✕'), running.length + paused.length > 0, 'links.why_state'),
    only(commandItem('break.restart', { do: 'restart', target: down }, board, {}, '↻'), down.length > 0, 'links.why_state'),
    only(commandItem('break.freeze', { do: 'pause', target: running }, board, {}, '❄'), running.length > 0, 'links.why_state'),
    only(commandItem('break.thaw', { do: 'resume', target: paused }, board, {}, '☀'), paused.length > 0, 'links.why_state'),
    commandItem('break.heal', { do: 'heal', from: ids, to: all }, board, {}, '✓'),
    { label: t('links.group_clear'), icon: '○', run: () => (session.group = []) },
  ]);
}

export function linkMenu(event: MouseEvent, from: string, to: string, session: Session, board: BoardView): void {
  void session;
  open(event, t('break.menu_link', { from, to }), [
    commandItem('break.cut_link', { do: 'cut', from, to }, board),
    commandItem('break.cut_one_way', { do: 'cut', from, to, one_way: true }, board, { from, to }, '⇀'),
    commandItem('break.cut_one_way', { do: 'cut', from: to, to: from, one_way: true }, board, { from: to, to: from }, '↼'),
    commandItem('break.link_slow', { do: 'delay', from, to, extra_ms: 100 }, board, {}, '◔'),
    commandItem('break.link_loss', { do: 'loss', from, to, chance: 0.3 }, board, {}, '∴'),
    commandItem('break.hold', { do: 'hold', from, to }, board, {}, '≋'),
    commandItem('break.heal', { do: 'heal', from, to, links_too: true }, board, {}, '✓'),
  ]);
}

export function placeMenu(event: MouseEvent, place: string, session: Session, board: BoardView): void {
  const region = session.experiment?.topology.regions?.some((one) => one.id === place);
  const rest = board.scenes.length > (board.places.get(place)?.length ?? 0);
  const cut = commandItem('break.partition_of', cutOff(board.places.get(place) ?? [], board.scenes.map((scene) => scene.id)), board, { nodes: place });
  open(event, t('break.menu_place', { place }), [
    rest ? cut : { ...cut, why: t('break.why_no_region') },
    commandItem('break.fail_place', { do: region ? 'region_outage' : 'zone_outage', target: place }, board, { place }, '✕'),
    commandItem('break.heal_place', { do: 'restore_place', target: place }, board, { place }, '✓'),
  ]);
}

export function messageMenu(event: MouseEvent, dot: Dot, session: Session, board: BoardView): void {
  const items = MESSAGE_ACTIONS.map(({ label, icon, line }) => ({
    ...commandItem(label, line(dot.number), board, {}, icon), run: () => touchMessage(line(dot.number), session, board),
  }));
  open(event, said(`${dot.from} → ${dot.to}`, messageWord(dot.type, session)), items);
}

export const MESSAGE_DELAY_MS = 100;
/** What can be done to one message, named by its number. */
export const MESSAGE_ACTIONS: { id: string; label: MessageKey; short: MessageKey; icon: string; line: (number: number) => FaultCommand }[] = [
  { id: 'deliver', label: 'break.deliver_message', short: 'break.message_deliver', icon: '⇥', line: (event) => ({ do: 'deliver', match: { event } }) },
  { id: 'drop', label: 'break.drop_message', short: 'break.message_drop', icon: '✕', line: (event) => ({ do: 'drop', match: { event } }) },
  {
    id: 'duplicate', label: 'break.duplicate_message', short: 'break.message_duplicate', icon: '⇉',
    line: (event) => ({ do: 'duplicate_message', match: { event } }),
  },
  {
    id: 'delay', label: 'break.delay_message', short: 'break.message_delay', icon: '◔',
    line: (event) => ({ do: 'delay_message', match: { event }, extra_ms: MESSAGE_DELAY_MS }),
  },
];

/** A command on one message needs a moment before its arrival: playing stops first. */
export function touchMessage(line: FaultCommand, session: Session, board: BoardView): void {
  if (session.playing) session.play(false);
  board.run(line);
}

/** A message's title in the present language. */
export function messageWord(tag: string, session: Session): string {
  if (tag === 'client.Request') return t('map.client_request');
  if (tag === 'client.Reply') return t('map.client_reply');
  const spec = messageSpec(session.descriptors, tag);
  return spec ? pick(spec.title) : tag.slice(tag.indexOf('.') + 1);
}
