/** The canvas of a judged history. Only what lies in the window is drawn, so ten thousand operations cost no more than a screenful. */

import { between, drawnEnd, marks, symbols, type Band, type Bar, type Lane, type Picture } from '../core/history';
import { insideLanes, paintBarText, paintDiamond, paintFaultBands, paintFrame, paintGutter, paintImpossible, prepared, type GutterRow } from './canvas';

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
  const ready = prepared(canvas, view, NAMES);
  if (!ready) return;
  const { context, colour, font } = ready;
  paintPrefix(context, view, colour);
  font(14, 600);
  paintFaultBands(context, faultBands(view), view, AXIS, colour.bad);
  const first = Math.max(0, Math.floor(view.top / ROW));
  const last = Math.min(picture.lanes.length, Math.ceil((view.top + view.height - AXIS) / ROW));
  font(14, 550);
  insideLanes(context, view, AXIS, () => {
    for (let index = first; index < last; index++) paintLane(context, picture.lanes[index]!, index * ROW - view.top + AXIS, view, colour);
  });
  font(14, 600);
  paintGutter(context, view, colour, gutterRows(picture, first, last, view, colour), ROW, AXIS);
  font(14);
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

function faultBands(view: HistoryView): { from: number; to: number; text: string }[] {
  return view.faults
    .map((fault) => {
      const from = Math.max(view.gutter, placeX(view, fault.start));
      return { from, to: Math.min(view.width, fault.end === null ? view.width : Math.max(placeX(view, fault.end), from + 2)), text: fault.what };
    })
    .filter(({ from, to }) => to > Math.max(from, view.gutter));
}

function paintLane(context: CanvasRenderingContext2D, lane: Lane, top: number, view: HistoryView, colour: Colours): void {
  const from = xPlace(view, view.gutter) - 1;
  const to = xPlace(view, view.width) + 1;
  context.fillStyle = colour.line;
  context.fillRect(view.gutter, top + ROW - 0.5, view.width - view.gutter, 0.5);
  const shown = between(lane, from, to);
  if (!shown.length) return;
  const first = lane.bars.indexOf(shown[0]!);
  const right = (at: number) => placeX(view, drawnEnd(lane, first + at));
  shown.forEach((bar, at) => paintBar(context, bar, right(at), top, view, colour));
  for (const bar of shown) if (bar.point !== null) paintPoint(context, bar, top, view, colour);
  shown.forEach((bar, at) => paintWords(context, bar, right(at), top, view, colour));
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
  if (bar.impossible || bar.id === view.selected) paintFrame(context, left, y, width, height, bar.id === view.selected ? colour.acc : colour.bad);
  if (bar.impossible) paintImpossible(context, left + width + 4, y + height / 2, view.labels.impossible, colour);
}

function paintWords(context: CanvasRenderingContext2D, bar: Bar, right: number, top: number, view: HistoryView, colour: Colours): void {
  const left = placeX(view, bar.start);
  const text = view.manyKeys ? `${bar.key}: ${symbols(bar)}` : symbols(bar);
  paintBarText(context, text, { left, width: right - left, gutter: view.gutter, y: top + 4 + (ROW - 9) / 2 }, colour.text, colour.panel);
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
  paintDiamond(context, x, top + ROW - 4, size);
}

/** A lane that goes on above the window is named again at its top. */
function gutterRows(picture: Picture, first: number, last: number, view: HistoryView, colour: Colours): GutterRow[] {
  return picture.lanes.slice(first, last).flatMap((lane, at) => (
    lane.first || at === 0 ? [{ label: lane.label, y: (first + at) * ROW - view.top + AXIS, fill: lane.first ? colour.text : colour.muted }] : []));
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
