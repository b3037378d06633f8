/** The canvas of the client history on the clock of the run: a bar per operation, faults behind, where each takes effect. */

import type { Judgement, TimeBar, TimeLane } from '../core/clientHistory';
import type { FaultBar } from '../core/timeline';
import { insideLanes, paintBarText, paintDiamond, paintFaultBands, paintFrame, paintGutter, paintImpossible, paintTimeAxis, prepared, timeX } from './canvas';

export { timeX, xTime } from './canvas';

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

export function paintClients(canvas: HTMLCanvasElement, lanes: readonly TimeLane[], view: ClientsView): void {
  const ready = prepared(canvas, view, NAMES);
  if (!ready) return;
  const { context, colour, font } = ready;
  font(14, 600);
  paintFaultBands(context, faultBands(view), view, AXIS, colour.bad);
  font(14, 550);
  insideLanes(context, view, AXIS, () => {
    for (const [index, lane] of lanes.entries()) paintLane(context, lane, AXIS + index * ROW - view.top, view, colour);
  });
  font(14, 600);
  const rows = lanes.flatMap((lane, index) => (lane.first ? [{ label: lane.client, y: AXIS + index * ROW - view.top, fill: colour.text }] : []));
  paintGutter(context, view, colour, rows, ROW, AXIS);
  font(14);
  paintTimeAxis(context, view, colour, { top: 0, height: 8, text: 14 }, view.labels.time);
}

function faultBands(view: ClientsView): { from: number; to: number; text: string }[] {
  return view.faults
    .map((fault) => ({
      from: Math.max(view.gutter, timeX(view, fault.from_us)), to: Math.min(view.width, timeX(view, Math.min(fault.to_us, view.cursor_us))), text: view.labels.fault(fault),
    }))
    .filter(({ from, to }) => to > from);
}

function paintLane(context: CanvasRenderingContext2D, lane: TimeLane, top: number, view: ClientsView, colour: Colours): void {
  if (top < AXIS - ROW || top > view.height) return;
  context.fillStyle = colour.line;
  context.fillRect(view.gutter, top + ROW - 0.5, view.width, 0.5);
  for (const bar of lane.bars) paintBar(context, bar, top, view, colour);
  for (const bar of lane.bars) paintPoint(context, bar, top, view, colour);
  for (const bar of lane.bars) paintWords(context, bar, top, view, colour);
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
  if (impossible || bar.id === view.chosen) paintFrame(context, left, y, width, height, bar.id === view.chosen ? colour.acc : colour.bad);
  if (impossible) paintImpossible(context, left + width + 4, y + height / 2, view.labels.impossible, colour);
}

function paintWords(context: CanvasRenderingContext2D, bar: TimeBar, top: number, view: ClientsView, colour: Colours): void {
  const left = timeX(view, bar.from_us);
  const width = timeX(view, bar.to_us ?? view.cursor_us) - left;
  paintBarText(context, bar.text, { left, width, gutter: view.gutter, y: top + 4 + (ROW - 10) / 2 }, colour.text, colour.panel);
}

function paintPoint(context: CanvasRenderingContext2D, bar: TimeBar, top: number, view: ClientsView, colour: Colours): void {
  const at_us = view.judged?.points.get(bar.id);
  if (at_us === undefined) return;
  const x = timeX(view, at_us);
  const y = top + ROW - 8;
  const size = Math.min(4.5, Math.max(2, (timeX(view, bar.to_us ?? view.cursor_us) - timeX(view, bar.from_us)) / 3));
  context.fillStyle = colour.text;
  if (size > 4) context.fillRect(x - 0.75, top + 2, 1.5, ROW - 8);
  paintDiamond(context, x, y, size);
}
