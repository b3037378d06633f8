/** What every painted view of lanes does: a sharp canvas in the page's colours, a time axis, faults behind, labels that fit. */

import { marks } from '../core/history';
import type { Point } from '../core/layout';

export type Context = CanvasRenderingContext2D;

/** How much larger an element is shown than it is laid out: a projector shows whole views larger. */
export const shownTimes = (element: HTMLElement): number => element.getBoundingClientRect().width / element.offsetWidth || 1;

/** Where a pointer is, in the pixels that an element is laid out in. */
export function within(element: HTMLElement, event: MouseEvent): Point {
  const box = element.getBoundingClientRect();
  const times = shownTimes(element);
  return { x: (event.clientX - box.left) / times, y: (event.clientY - box.top) / times };
}

/** The canvas at the screen's own resolution, cleared to the panel's colour; null where it cannot be drawn on. */
export function prepared<Name extends string>(canvas: HTMLCanvasElement, { width, height }: { width: number; height: number }, names: readonly Name[]) {
  const context = canvas.getContext('2d');
  if (!context) return null;
  const ratio = (devicePixelRatio || 1) * shownTimes(canvas);
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  const colour = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<Name, string>;
  const font = (size: number, weight = 500) => (context.font = `${weight} ${size}px ${style.fontFamily}`);
  context.fillStyle = style.getPropertyValue('--panel').trim();
  context.fillRect(0, 0, width, height);
  return { context, colour, font };
}

/** Draw only right of the gutter and below the axis. */
export function insideLanes(context: Context, { gutter, width, height }: { gutter: number; width: number; height: number }, axis: number, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(gutter, axis, width - gutter, height - axis);
  context.clip();
  draw();
  context.restore();
}

/** As much of a text as there is room for, but no less than `least` letters. */
export function shortened(context: Context, text: string, room: number, least: number): string {
  let fits = text;
  while (fits.length > least && context.measureText(fits).width > room) fits = `${fits.slice(0, -2)}…`;
  return fits;
}

export interface TimeAxis {
  gutter: number;
  width: number;
  from_us: number;
  to_us: number;
}
export const timeX = (view: TimeAxis, us: number): number => view.gutter + ((us - view.from_us) / Math.max(1, view.to_us - view.from_us)) * (view.width - view.gutter);
export const xTime = (view: TimeAxis, x: number): number => view.from_us + ((x - view.gutter) / Math.max(1, view.width - view.gutter)) * (view.to_us - view.from_us);

interface OnClock extends TimeAxis {
  height: number;
  cursor_us: number;
  hover_us: number | null;
}
/** Ticks with their times, the moment on show and the one pointed at. */
export function paintTimeAxis(
  context: Context, view: OnClock, colour: Record<'line2' | 'muted' | 'acc', string>, tick: { top: number; height: number; text: number }, timeText: (us: number) => string,
): void {
  const scale = (view.width - view.gutter) / Math.max(1, view.to_us - view.from_us);
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  for (const at of marks(view.from_us, view.to_us, scale, 110)) {
    const x = timeX(view, at);
    context.fillStyle = colour.line2;
    context.fillRect(x, tick.top, 1, tick.height);
    context.fillStyle = colour.muted;
    const words = timeText(at);
    // A time that would be cut at the edge is not written.
    if (x + 4 + context.measureText(words).width <= view.width) context.fillText(words, x + 4, tick.text);
  }
  for (const [at_us, wide, fill] of [[view.hover_us, 1, colour.muted], [view.cursor_us, 2, colour.acc]] as const) {
    const x = at_us === null ? -1 : timeX(view, at_us);
    if (x < view.gutter || x > view.width) continue;
    context.fillStyle = fill;
    context.fillRect(x - wide / 2, 0, wide, view.height);
  }
}

/** Stretches during which a fault was in force, with its name where there is room for it. */
export function paintFaultBands(
  context: Context, bands: Iterable<{ from: number; to: number; text: string }>, { width, height }: { width: number; height: number }, axis: number, bad: string,
): void {
  let free = -Infinity;
  for (const { from, to, text } of bands) {
    context.fillStyle = bad;
    context.globalAlpha = 0.13;
    context.fillRect(from, axis, to - from, height - axis);
    context.globalAlpha = 1;
    context.fillRect(from, axis - 3, to - from, 3);
    if (from < free) continue;
    context.textBaseline = 'alphabetic';
    context.textAlign = 'left';
    const words = shortened(context, `⚡ ${text}`, width - from - 6, 2);
    context.fillText(words, from + 2, axis - 7);
    free = from + context.measureText(words).width + 12;
  }
}

export interface GutterRow {
  label: string;
  /** The upper edge of its lane. */
  y: number;
  fill: string;
}
/** The names of the lanes at the left, each at the middle of a row. */
export function paintGutter(
  context: Context, { gutter, height }: { gutter: number; height: number }, colour: Record<'panel2' | 'line2', string>, rows: Iterable<GutterRow>, row: number, axis: number,
): void {
  context.fillStyle = colour.panel2;
  context.fillRect(0, 0, gutter, height);
  context.fillStyle = colour.line2;
  context.fillRect(gutter - 1, 0, 1, height);
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  for (const { label, y, fill } of rows) {
    if (y < axis - row / 2) continue;
    context.fillStyle = fill;
    context.fillText(shortened(context, label, gutter - 14, 2), 8, y + row / 2);
  }
  context.fillStyle = colour.panel2;
  context.fillRect(0, 0, gutter - 1, axis);
}

/** The frame of a bar that is chosen or impossible. */
export function paintFrame(context: Context, left: number, y: number, width: number, height: number, stroke: string): void {
  context.strokeStyle = stroke;
  context.lineWidth = 2;
  context.strokeRect(left - 1, y - 1, width + 2, height + 2);
}

/** The sign and the word stand beside a bar however narrow it is. */
export function paintImpossible(context: Context, x: number, y: number, label: string, colour: Record<'bad' | 'on-mark', string>): void {
  const text = `! ${label}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillStyle = colour.bad;
  context.fillRect(x, y - 9, context.measureText(text).width + 10, 18);
  context.fillStyle = colour['on-mark'];
  context.fillText(text, x + 5, y);
}

/** What a bar is about, inside it, where there is room for more than a letter or two. */
export function paintBarText(context: Context, text: string, bar: { left: number; width: number; gutter: number; y: number }, fill: string, halo: string): void {
  const start = Math.max(bar.left, bar.gutter) + 6;
  const room = bar.left + bar.width - start - 5;
  if (room < 18) return;
  const fits = shortened(context, text, room, 1);
  if (fits.length < 3 && fits !== text) return;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  // Where an operation takes effect lies behind its words.
  context.strokeStyle = halo;
  context.lineWidth = 4;
  context.lineJoin = 'round';
  context.strokeText(fits, start, bar.y);
  context.fillStyle = fill;
  context.fillText(fits, start, bar.y);
}

/** Where an operation takes effect. */
export function paintDiamond(context: Context, x: number, y: number, size: number): void {
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.fill();
}
