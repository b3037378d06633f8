/** The canvas of a judged history. Only what lies in the window is drawn, so ten thousand operations cost no more than a screenful. */

import { between, drawnEnd, marks, symbols, type Band, type Bar, type Lane, type Picture } from '../core/history';

export const ROW = 32;
export const AXIS = 40;

export interface HistoryView {
  width: number;
  height: number;
  gutter: number;
  /** Pixels an event; the place of the window's left edge is left / scale. */
  scale: number;
  events: number;
  left: number;
  top: number;
  prefix: number | null;
  faults: Band[];
  selected: number | null;
  ranks: Map<number, number>;
  manyKeys: boolean;
  labels: { impossible: string; explained: string; mark(place: number): string };
}
type Colours = Record<'bg' | 'panel' | 'panel2' | 'line' | 'line2' | 'text' | 'muted' | 'acc' | 'ok' | 'warn' | 'bad' | 'on-mark', string>;
const NAMES = ['bg', 'panel', 'panel2', 'line', 'line2', 'text', 'muted', 'acc', 'ok', 'warn', 'bad', 'on-mark'] as const;

export const placeX = (view: Pick<HistoryView, 'gutter' | 'scale' | 'left'>, place: number): number => view.gutter + (place + 1) * view.scale - view.left;
export const xPlace = (view: Pick<HistoryView, 'gutter' | 'scale' | 'left'>, x: number): number => (x + view.left - view.gutter) / view.scale - 1;

export function paintHistory(canvas: HTMLCanvasElement, picture: Picture, view: HistoryView): void {
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
  paintPrefix(context, view, colour);
  font(12, 600);
  paintFaults(context, view, colour);
  const first = Math.max(0, Math.floor(view.top / ROW));
  const last = Math.min(picture.lanes.length, Math.ceil((view.top + view.height - AXIS) / ROW));
  context.save();
  context.beginPath();
  context.rect(view.gutter, AXIS, view.width - view.gutter, view.height - AXIS);
  context.clip();
  font(12.5, 550);
  for (let index = first; index < last; index++) paintLane(context, picture.lanes[index]!, index * ROW - view.top + AXIS, view, colour);
  context.restore();
  font(13, 600);
  paintGutter(context, picture, first, last, view, colour);
  font(12);
  paintAxis(context, view, colour);
}

function paintPrefix(context: CanvasRenderingContext2D, view: HistoryView, colour: Colours): void {
  if (view.prefix === null) return;
  const edge = placeX(view, view.prefix - 0.5);
  context.fillStyle = colour.ok;
  context.globalAlpha = 0.1;
  context.fillRect(view.gutter, AXIS, Math.max(0, edge - view.gutter), view.height - AXIS);
  context.globalAlpha = 1;
  if (edge > view.gutter && edge < view.width) context.fillRect(edge - 1, AXIS - 16, 1.5, view.height - AXIS + 16);
}

function paintFaults(context: CanvasRenderingContext2D, view: HistoryView, colour: Colours): void {
  let labelled = -Infinity;
  for (const fault of view.faults) {
    const from = Math.max(view.gutter, placeX(view, fault.start));
    const to = Math.min(view.width, fault.end === null ? view.width : Math.max(placeX(view, fault.end), from + 2));
    if (to <= view.gutter || from >= view.width || to <= from) continue;
    context.fillStyle = colour.bad;
    context.globalAlpha = 0.13;
    context.fillRect(from, AXIS, to - from, view.height - AXIS);
    context.globalAlpha = 1;
    context.fillRect(from, AXIS - 3, to - from, 3);
    if (from < labelled) continue;
    const text = `⚡ ${fault.what}`;
    context.textBaseline = 'alphabetic';
    context.fillText(text, from + 2, AXIS - 7);
    labelled = from + context.measureText(text).width + 12;
  }
}

function paintLane(context: CanvasRenderingContext2D, lane: Lane, top: number, view: HistoryView, colour: Colours): void {
  const from = xPlace(view, view.gutter) - 1;
  const to = xPlace(view, view.width) + 1;
  context.fillStyle = colour.line;
  context.fillRect(view.gutter, top + ROW - 0.5, view.width - view.gutter, 0.5);
  const shown = between(lane, from, to);
  if (!shown.length) return;
  let index = lane.bars.indexOf(shown[0]!);
  for (const bar of shown) paintBar(context, bar, placeX(view, drawnEnd(lane, index++)), top, view, colour);
  for (const bar of shown) if (bar.point !== null) paintPoint(context, bar, top, view, colour);
}

function paintBar(context: CanvasRenderingContext2D, bar: Bar, right: number, top: number, view: HistoryView, colour: Colours): void {
  const left = placeX(view, bar.start);
  const width = Math.max(2, right - left);
  const y = top + 4;
  const height = ROW - 9;
  const open = bar.end === null;
  const hue = bar.impossible ? colour.bad : bar.outcome === 'ok' ? colour.ok : open ? colour.muted : colour.warn;
  const fade = context.createLinearGradient(left, 0, left + width, 0);
  fade.addColorStop(0, hue);
  fade.addColorStop(1, open ? 'transparent' : hue);
  context.fillStyle = fade;
  context.globalAlpha = bar.impossible ? 0.42 : 0.26;
  context.fillRect(left, y, width, height);
  context.globalAlpha = 1;
  context.fillStyle = hue;
  const cap = Math.min(3, width / 2);
  context.fillRect(left, y, cap, height);
  if (!open) context.fillRect(left + width - cap, y, cap, height);
  if (bar.impossible || bar.id === view.selected) {
    context.strokeStyle = bar.id === view.selected ? colour.acc : colour.bad;
    context.lineWidth = 2;
    context.strokeRect(left - 1, y - 1, width + 2, height + 2);
  }
  paintText(context, bar, left, width, y + height / 2, view, colour);
}

function paintText(context: CanvasRenderingContext2D, bar: Bar, left: number, width: number, y: number, view: HistoryView, colour: Colours): void {
  const start = Math.max(left, view.gutter) + 6;
  const room = left + width - start - 5;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  if (bar.impossible) {
    // The sign and the word stand beside the bar however narrow it is.
    const text = `! ${view.labels.impossible}`;
    const wide = context.measureText(text).width + 10;
    context.fillStyle = colour.bad;
    context.fillRect(left + width + 4, y - 9, wide, 18);
    context.fillStyle = colour['on-mark'];
    context.fillText(text, left + width + 9, y);
  }
  if (room < 18) return;
  const text = view.manyKeys ? `${bar.key}: ${symbols(bar)}` : symbols(bar);
  let fits = text;
  while (fits.length > 1 && context.measureText(fits).width > room) fits = `${fits.slice(0, -2)}…`;
  if (fits.length < 3 && fits !== text) return;
  context.fillStyle = colour.text;
  context.fillText(fits, start, y);
}

function paintPoint(context: CanvasRenderingContext2D, bar: Bar, top: number, view: HistoryView, colour: Colours): void {
  const x = placeX(view, bar.point!);
  const size = Math.min(5, Math.max(1.5, view.scale / 4));
  if (bar.end === null) {
    context.strokeStyle = colour.muted;
    context.setLineDash([3, 3]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(placeX(view, bar.start), top + ROW - 4);
    context.lineTo(x, top + ROW - 4);
    context.stroke();
    context.setLineDash([]);
  }
  context.fillStyle = colour.text;
  context.fillRect(x - 0.75, top + 2, 1.5, ROW - 5);
  context.beginPath();
  context.moveTo(x, top + ROW - 4 - size);
  context.lineTo(x + size, top + ROW - 4);
  context.lineTo(x, top + ROW - 4 + size);
  context.lineTo(x - size, top + ROW - 4);
  context.fill();
}

function paintGutter(context: CanvasRenderingContext2D, picture: Picture, first: number, last: number, view: HistoryView, colour: Colours): void {
  context.fillStyle = colour.panel2;
  context.fillRect(0, 0, view.gutter, view.height);
  context.fillStyle = colour.line2;
  context.fillRect(view.gutter - 1, 0, 1, view.height);
  context.textBaseline = 'middle';
  for (let index = first; index < last; index++) {
    const lane = picture.lanes[index]!;
    const y = index * ROW - view.top + AXIS;
    if (y < AXIS - ROW / 2) continue;
    context.fillStyle = lane.first ? colour.text : colour.muted;
    let text = lane.label;
    while (text.length > 2 && context.measureText(text).width > view.gutter - 14) text = `${text.slice(0, -2)}…`;
    if (lane.first || index === first) context.fillText(text, 8, y + ROW / 2);
  }
  context.fillStyle = colour.panel2;
  context.fillRect(0, 0, view.gutter - 1, AXIS);
}

function paintAxis(context: CanvasRenderingContext2D, view: HistoryView, colour: Colours): void {
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  let free = view.gutter;
  for (const place of marks(xPlace(view, view.gutter), Math.min(view.events - 1, xPlace(view, view.width)), view.scale, 90)) {
    const x = placeX(view, place);
    if (x < free) continue;
    const text = view.labels.mark(place);
    context.fillStyle = colour.line2;
    context.fillRect(x, 0, 1, 8);
    context.fillStyle = colour.muted;
    context.fillText(text, x + 4, 14);
    free = x + context.measureText(text).width + 10;
  }
}
