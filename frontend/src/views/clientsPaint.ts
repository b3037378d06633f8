/** The canvas of the client history on the clock of the run: a bar per operation, faults behind, where each takes effect. */

import type { Judgement, TimeBar, TimeLane } from '../core/clientHistory';
import { marks } from '../core/history';
import type { FaultBar } from '../core/timeline';

export const ROW = 30;
export const AXIS = 40;

export interface ClientsView {
  width: number;
  height: number;
  gutter: number;
  from_us: number;
  to_us: number;
  cursor_us: number;
  hover_us: number | null;
  top: number;
  chosen: number | null;
  judged: Judgement | null;
  faults: readonly FaultBar[];
  labels: { impossible: string; fault(bar: FaultBar): string; time(us: number): string };
}
type Colours = Record<'panel' | 'panel2' | 'line' | 'line2' | 'text' | 'muted' | 'acc' | 'ok' | 'warn' | 'bad' | 'on-mark', string>;
const NAMES = ['panel', 'panel2', 'line', 'line2', 'text', 'muted', 'acc', 'ok', 'warn', 'bad', 'on-mark'] as const;
type Axis = Pick<ClientsView, 'gutter' | 'width' | 'from_us' | 'to_us'>;

export const timeX = (view: Axis, us: number): number => view.gutter + ((us - view.from_us) / Math.max(1, view.to_us - view.from_us)) * (view.width - view.gutter);
export const xTime = (view: Axis, x: number): number => view.from_us + ((x - view.gutter) / Math.max(1, view.width - view.gutter)) * (view.to_us - view.from_us);

export function paintClients(canvas: HTMLCanvasElement, lanes: readonly TimeLane[], view: ClientsView): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(view.width * ratio)) canvas.width = Math.round(view.width * ratio);
  if (canvas.height !== Math.round(view.height * ratio)) canvas.height = Math.round(view.height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  const colour = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colours;
  const font = (size: number, weight = 500) => (context.font = `${weight} ${size}px ${style.fontFamily}`);
  context.fillStyle = colour.panel;
  context.fillRect(0, 0, view.width, view.height);
  font(12, 600);
  paintFaults(context, view, colour);
  context.save();
  context.beginPath();
  context.rect(view.gutter, AXIS, view.width - view.gutter, view.height - AXIS);
  context.clip();
  font(12.5, 550);
  for (const [index, lane] of lanes.entries()) {
    const top = AXIS + index * ROW - view.top;
    if (top < AXIS - ROW || top > view.height) continue;
    context.fillStyle = colour.line;
    context.fillRect(view.gutter, top + ROW - 0.5, view.width, 0.5);
    for (const bar of lane.bars) paintBar(context, bar, top, view, colour);
    for (const bar of lane.bars) paintPoint(context, bar, top, view, colour);
  }
  context.restore();
  font(13, 600);
  paintGutter(context, lanes, view, colour);
  font(12);
  paintAxis(context, view, colour);
}

function paintFaults(context: CanvasRenderingContext2D, view: ClientsView, colour: Colours): void {
  let free = -Infinity;
  for (const fault of view.faults) {
    const from = Math.max(view.gutter, timeX(view, fault.from_us));
    const to = Math.min(view.width, timeX(view, Math.min(fault.to_us, view.cursor_us)));
    if (to <= from) continue;
    context.fillStyle = colour.bad;
    context.globalAlpha = 0.13;
    context.fillRect(from, AXIS, to - from, view.height - AXIS);
    context.globalAlpha = 1;
    context.fillRect(from, AXIS - 3, to - from, 3);
    if (from < free) continue;
    const text = `⚡ ${view.labels.fault(fault)}`;
    context.textBaseline = 'alphabetic';
    context.textAlign = 'left';
    context.fillText(text, from + 2, AXIS - 7);
    free = from + context.measureText(text).width + 12;
  }
}

function paintBar(context: CanvasRenderingContext2D, bar: TimeBar, top: number, view: ClientsView, colour: Colours): void {
  const left = timeX(view, bar.from_us);
  const right = timeX(view, bar.to_us ?? view.cursor_us);
  const width = Math.max(3, right - left);
  const [y, height] = [top + 4, ROW - 10];
  const open = bar.to_us === null;
  const impossible = view.judged?.impossible === bar.id;
  const hue = impossible ? colour.bad : bar.outcome === 'ok' ? colour.ok : open ? colour.muted : colour.warn;
  context.fillStyle = hue;
  context.globalAlpha = impossible ? 0.42 : 0.26;
  context.fillRect(left, y, width, height);
  context.globalAlpha = 1;
  context.fillRect(left, y, Math.min(3, width), height);
  // Nobody knows how it ended: the bar has no end of its own.
  if (!open && bar.outcome !== 'unknown') context.fillRect(left + width - Math.min(3, width), y, Math.min(3, width), height);
  if (impossible || bar.id === view.chosen) {
    context.strokeStyle = bar.id === view.chosen ? colour.acc : colour.bad;
    context.lineWidth = 2;
    context.strokeRect(left - 1, y - 1, width + 2, height + 2);
  }
  if (impossible) paintImpossible(context, left + width + 4, y + height / 2, view, colour);
  const start = Math.max(left, view.gutter) + 6;
  const room = left + width - start - 5;
  if (room < 18) return;
  let text = bar.text;
  while (text.length > 1 && context.measureText(text).width > room) text = `${text.slice(0, -2)}…`;
  if (text.length < 3 && text !== bar.text) return;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillStyle = colour.text;
  context.fillText(text, start, y + height / 2);
}

/** The sign and the word stand beside the bar however narrow it is. */
function paintImpossible(context: CanvasRenderingContext2D, x: number, y: number, view: ClientsView, colour: Colours): void {
  const text = `! ${view.labels.impossible}`;
  context.fillStyle = colour.bad;
  context.fillRect(x, y - 9, context.measureText(text).width + 10, 18);
  context.fillStyle = colour['on-mark'];
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillText(text, x + 5, y);
}

function paintPoint(context: CanvasRenderingContext2D, bar: TimeBar, top: number, view: ClientsView, colour: Colours): void {
  const at_us = view.judged?.points.get(bar.id);
  if (at_us === undefined) return;
  const x = timeX(view, at_us);
  const y = top + ROW - 8;
  const size = Math.min(4.5, Math.max(2, (timeX(view, bar.to_us ?? view.cursor_us) - timeX(view, bar.from_us)) / 3));
  context.fillStyle = colour.text;
  if (size > 4) context.fillRect(x - 0.75, top + 2, 1.5, ROW - 8);
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.fill();
}

function paintGutter(context: CanvasRenderingContext2D, lanes: readonly TimeLane[], view: ClientsView, colour: Colours): void {
  context.fillStyle = colour.panel2;
  context.fillRect(0, 0, view.gutter, view.height);
  context.fillStyle = colour.line2;
  context.fillRect(view.gutter - 1, 0, 1, view.height);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillStyle = colour.text;
  for (const [index, lane] of lanes.entries()) {
    const y = AXIS + index * ROW - view.top;
    if (!lane.first || y < AXIS - ROW / 2) continue;
    let text = lane.client;
    while (text.length > 2 && context.measureText(text).width > view.gutter - 14) text = `${text.slice(0, -2)}…`;
    context.fillText(text, 8, y + ROW / 2);
  }
  context.fillStyle = colour.panel2;
  context.fillRect(0, 0, view.gutter - 1, AXIS);
}

function paintAxis(context: CanvasRenderingContext2D, view: ClientsView, colour: Colours): void {
  const scale = (view.width - view.gutter) / Math.max(1, view.to_us - view.from_us);
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  for (const at of marks(view.from_us, view.to_us, scale, 110)) {
    const x = timeX(view, at);
    context.fillStyle = colour.line2;
    context.fillRect(x, 0, 1, 8);
    context.fillStyle = colour.muted;
    context.fillText(view.labels.time(at), x + 4, 14);
  }
  for (const [at_us, wide, fill] of [[view.hover_us, 1, colour.muted], [view.cursor_us, 2, colour.acc]] as const) {
    const x = at_us === null ? -1 : timeX(view, at_us);
    if (x < view.gutter || x > view.width) continue;
    context.fillStyle = fill;
    context.fillRect(x - wide / 2, 0, wide, view.height);
  }
}
