/** The canvas of the space-time diagram: time runs to the right, a line per process. */

import { KIND } from '../core/chunk';
import { TERM_HUES, termHue } from '../core/colour';
import { COLUMNS, type Mark, type SpaceArrow, type SpaceTime } from '../core/spacetime';
import type { Band } from '../core/timeline';
import { insideLanes, paintTimeAxis, prepared, timeX } from './canvas';

export { timeX, xTime } from './canvas';

export const AXIS = 26;
const LANE_MIN = 34;
const LANE_MAX = 84;
/** Lines share the height there is, within reason. */
export const laneHeight = (lanes: number, height: number): number => Math.min(LANE_MAX, Math.max(LANE_MIN, (height - AXIS) / Math.max(1, lanes)));

export interface SpaceView {
  width: number;
  height: number;
  gutter: number;
  from_us: number;
  to_us: number;
  /** Nothing after it has been shown as present yet: it is drawn pale. */
  cursor_us: number;
  /** The moment that is pointed at, here or in another view. */
  hover_us: number | null;
  top: number;
  lane: number;
  chosen: number | null;
  before: ReadonlySet<number>;
  after: ReadonlySet<number>;
  /** Per lane: when its process led, and in which epoch. */
  leading: readonly (readonly Band[])[];
  /** Per lane: until when it lies in the past of the chosen event, from when in its future. */
  past: readonly (number | undefined)[];
  future: readonly (number | undefined)[];
  timeText(us: number): string;
}
type Colours = Record<`term-${number}` | 'panel' | 'panel2' | 'line' | 'line2' | 'text' | 'muted' | 'acc' | 'ok' | 'warn' | 'bad', string>;
const NAMES = [...Array.from({ length: TERM_HUES }, (_, at) => `term-${at}` as const), 'panel', 'panel2', 'line', 'line2', 'text', 'muted', 'acc', 'ok', 'warn', 'bad'] as const;

export const laneY = (lane: number, view: Pick<SpaceView, 'lane' | 'top'>): number => AXIS + view.lane * (lane + 0.5) - view.top;

export function paintSpaceTime(canvas: HTMLCanvasElement, picture: SpaceTime, view: SpaceView): void {
  const ready = prepared(canvas, view, NAMES);
  if (!ready) return;
  const { context, colour, font } = ready;
  insideLanes(context, view, AXIS, () => {
    paintCone(context, picture, view, colour);
    paintLines(context, picture, view, colour);
    if (picture.density) paintDensity(context, picture, view, colour);
    for (const arrow of picture.arrows) paintArrow(context, arrow, view, colour);
    for (const mark of picture.marks) paintMark(context, mark, view, colour);
  });
  font(14);
  paintTimeAxis(context, view, colour, { top: 4, height: 10, text: 15 }, view.timeText);
}

/** Epochs have the same hues in every view. */
const hue = (epoch: number, colour: Colours, none: string): string => colour[`term-${termHue(epoch)}`] ?? none;

/** The light cone of the chosen event: what could have led to it, and what it could have led to. */
function paintCone(context: CanvasRenderingContext2D, picture: SpaceTime, view: SpaceView, colour: Colours): void {
  context.globalAlpha = 0.13;
  for (let lane = 0; lane < picture.lanes.length; lane++) {
    const [past, future] = [view.past[lane], view.future[lane]];
    const top = laneY(lane, view) - view.lane * 0.36;
    context.fillStyle = colour.acc;
    if (past !== undefined) context.fillRect(view.gutter, top, Math.max(0, timeX(view, past) - view.gutter), view.lane * 0.72);
    context.fillStyle = colour.warn;
    if (future !== undefined) context.fillRect(timeX(view, future), top, view.width, view.lane * 0.72);
  }
  context.globalAlpha = 1;
}

function paintLines(context: CanvasRenderingContext2D, picture: SpaceTime, view: SpaceView, colour: Colours): void {
  context.fillStyle = colour.line2;
  for (let lane = 0; lane < picture.lanes.length; lane++) context.fillRect(view.gutter, laneY(lane, view) - 1, view.width, 2);
  for (const [lane, bands] of view.leading.entries()) {
    for (const band of bands) {
      context.fillStyle = hue(band.epoch, colour, colour.line2);
      const left = timeX(view, band.from_us);
      context.fillRect(left, laneY(lane, view) - 3, Math.max(0, timeX(view, Math.min(band.to_us, view.cursor_us)) - left), 6);
    }
  }
  for (const down of picture.downs) {
    const [left, right] = [timeX(view, down.from_us), timeX(view, down.to_us)];
    const y = laneY(down.lane, view);
    context.fillStyle = colour.panel;
    context.fillRect(left, y - 2, right - left, 4);
    context.strokeStyle = colour.bad;
    context.setLineDash([3, 5]);
    context.lineWidth = 1.5;
    segment(context, left, y, right, y);
    context.setLineDash([]);
    cross(context, left, y, 6);
  }
}

function paintDensity(context: CanvasRenderingContext2D, picture: SpaceTime, view: SpaceView, colour: Colours): void {
  const most = Math.max(1, ...picture.density!.map((counts) => Math.max(...counts)));
  const wide = (view.width - view.gutter) / COLUMNS;
  context.fillStyle = colour.acc;
  for (const [lane, counts] of picture.density!.entries()) {
    const y = laneY(lane, view);
    for (const [column, count] of counts.entries()) {
      const tall = (count / most) * (view.lane - 10);
      if (count) context.fillRect(view.gutter + column * wide, y - tall / 2, Math.max(1, wide - 0.5), tall);
    }
  }
}

function paintArrow(context: CanvasRenderingContext2D, arrow: SpaceArrow, view: SpaceView, colour: Colours): void {
  const [x0, y0] = [timeX(view, arrow.depart_us), laneY(arrow.from, view)];
  const [x1, y1] = [timeX(view, arrow.arrive_us), laneY(arrow.to, view)];
  const led = view.chosen !== null && (arrow.number === view.chosen || view.before.has(arrow.number));
  const came = view.chosen !== null && (arrow.cause === view.chosen || view.after.has(arrow.number));
  // Something on its way is drawn as far as the moment on show; what lies after it stays pale.
  const seen = Math.min(1, Math.max(0, (view.cursor_us - arrow.depart_us) / Math.max(1, arrow.arrive_us - arrow.depart_us)));
  const quiet = view.chosen !== null && !led && !came;
  context.strokeStyle = context.fillStyle = arrow.lost ? colour.bad : led ? colour.acc : came ? colour.warn : hue(arrow.epoch, colour, colour.muted);
  context.lineWidth = led || came ? 2.5 : 1.3;
  context.globalAlpha = (quiet ? 0.25 : 1) * (seen > 0 ? 1 : 0.3);
  context.setLineDash(arrow.through ? [6, 4] : []);
  const end = arrow.lost ? 0.82 : 1;
  const [x, y] = [x0 + (x1 - x0) * end, y0 + (y1 - y0) * end];
  segment(context, x0, y0, x, y);
  context.setLineDash([]);
  if (arrow.lost) cross(context, x, y, 4);
  else head(context, x0, y0, x, y);
  context.globalAlpha = 1;
}

function paintMark(context: CanvasRenderingContext2D, mark: Mark, view: SpaceView, colour: Colours): void {
  const y = laneY(mark.lane, view);
  const [left, right] = [timeX(view, mark.at_us), timeX(view, mark.until_us)];
  const chosen = mark.number === view.chosen;
  context.globalAlpha = mark.at_us > view.cursor_us ? 0.3 : view.chosen === null || chosen || view.before.has(mark.number) || view.after.has(mark.number) ? 1 : 0.45;
  context.fillStyle = chosen ? colour.acc : mark.kind === KIND.command || mark.kind === KIND.start ? colour.warn : mark.noted ? colour.text : colour.muted;
  if (mark.count > 1) {
    context.fillRect(left - 3, y - 4, right - left + 6, 8);
    if (right - left > 22) paintCount(context, mark.count, (left + right) / 2, y, colour);
  } else if (mark.kind === KIND.timer) {
    context.fillRect(left - 3.5, y - 3.5, 7, 7);
  } else {
    context.beginPath();
    context.arc(left, y, mark.noted ? 5 : 3.5, 0, 2 * Math.PI);
    context.fill();
  }
  if (chosen) {
    context.strokeStyle = colour.acc;
    context.lineWidth = 2;
    context.strokeRect(left - 8, y - 9, right - left + 16, 18);
  }
  context.globalAlpha = 1;
}

function paintCount(context: CanvasRenderingContext2D, count: number, x: number, y: number, colour: Colours): void {
  context.fillStyle = colour.panel;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(String(count), x, y + 0.5);
}

/** The message whose arrow runs within a few pixels of a place. */
export function arrowAt(picture: SpaceTime, x: number, y: number, view: SpaceView): SpaceArrow | null {
  let found: SpaceArrow | null = null;
  let nearest = 7;
  for (const arrow of picture.arrows) {
    const [x0, y0] = [timeX(view, arrow.depart_us), laneY(arrow.from, view)];
    const [dx, dy] = [timeX(view, arrow.arrive_us) - x0, laneY(arrow.to, view) - y0];
    const share = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
    const gap = Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
    if (gap < nearest) [found, nearest] = [arrow, gap];
  }
  return found;
}

function segment(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function cross(context: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  segment(context, x - size, y - size, x + size, y + size);
  segment(context, x - size, y + size, x + size, y - size);
}

function head(context: CanvasRenderingContext2D, x0: number, y0: number, x: number, y: number): void {
  const angle = Math.atan2(y - y0, x - x0);
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - 8 * Math.cos(angle - 0.4), y - 8 * Math.sin(angle - 0.4));
  context.lineTo(x - 8 * Math.cos(angle + 0.4), y - 8 * Math.sin(angle + 0.4));
  context.fill();
}
