/** The timeline's canvas: term bands with elections, one thin lane per node, faults, acknowledgements, pauses. */

import { TERM_HUES, termHue } from '../core/colour';
import type { Fault } from '../core/chunk';
import { duration } from '../core/result';
import { FAULT_ROWS, ticks, type FaultBar, type TimelineModel } from '../core/timeline';

export interface TapeLabels {
  term(epoch: number): string;
  fault(fault: Fault): string;
  noAcks(time: string): string;
  violation(check: string): string;
  time(us: number): string;
}
export interface TapeView {
  width: number;
  height: number;
  span_us: number;
  at_us: number;
  lanes: number;
  phone: boolean;
  projector: boolean;
  /** Too low for answers and their latency. */
  low: boolean;
  labels: TapeLabels;
}

const LANE = 9;
/** Less room than this says nothing. */
const CUT_ROOM = 36;
export const FAULT_HEIGHT = 18;

export function paintTape(context: CanvasRenderingContext2D, model: TimelineModel, view: TapeView): void {
  const BAND = { top: view.projector ? 14 : view.phone ? 22 : 30, height: 26 };
  const rows = view.projector ? 1 : view.phone ? 2 : FAULT_ROWS;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const x = (us: number) => (us / view.span_us) * view.width;
  const term = (epoch: number) => (termHue(epoch) < 0 ? colour('--line') : colour(`--term-${termHue(epoch) % TERM_HUES}`));
  const sans = colour('--sans');
  context.clearRect(0, 0, view.width, view.height);
  context.textBaseline = 'middle';
  const text = (words: string, at: number, y: number, fill: string, weight = 500, size = 14, align: CanvasTextAlign = 'left') => {
    context.font = `${weight} ${size}px ${sans}`;
    context.fillStyle = fill;
    context.textAlign = align;
    context.fillText(words, at, y);
  };
  const bar = (from: number, to: number, top: number, height: number, fill: string, round = 4) => {
    context.fillStyle = fill;
    context.beginPath();
    context.roundRect(x(from), top, Math.max(2, x(to) - x(from) - 1), height, round);
    context.fill();
  };

  for (const band of model.bands) {
    bar(band.from_us, band.to_us, BAND.top, BAND.height, term(band.epoch));
    const room = x(band.to_us) - x(band.from_us);
    const words = view.labels.term(band.epoch);
    if (band.epoch > 0 && room > 14) {
      context.font = `700 14px ${sans}`;
      const short = context.measureText(words).width + 14 < room ? words : String(band.epoch);
      if (context.measureText(short).width + 6 < room) text(short, x(band.from_us) + 7, BAND.top + BAND.height / 2 + 1, '#0b1220', 700);
    }
  }
  for (const at_us of model.observed_us) text('★', x(at_us), BAND.top - 9, colour('--gold'), 700, 14, 'center');
  for (const election of model.elections) triangle(context, x(election.at_us), BAND.top - 10, colour('--gold'));

  let y = BAND.top + BAND.height + 5;
  if (view.lanes) {
    for (const lane of model.lanes.slice(0, view.lanes)) {
      context.fillStyle = colour('--line');
      context.fillRect(0, y + 3, x(model.until_us), 1);
      for (const band of lane.leading) bar(band.from_us, band.to_us, y, LANE - 3, term(band.epoch), 2);
      y += LANE;
    }
  }
  y += 6;
  for (const fault of model.faults) {
    const top = y + Math.min(fault.row, rows - 1) * FAULT_HEIGHT;
    bar(fault.from_us, fault.to_us, top, FAULT_HEIGHT - 2, colour('--bad'), 3);
    if (!beginsOver(model, fault, rows)) continue;
    context.fillStyle = colour('--panel');
    context.fillRect(x(fault.from_us) - 2, top, 2, FAULT_HEIGHT - 2);
  }
  for (const fault of model.faults) {
    const row = Math.min(fault.row, rows - 1);
    const top = y + row * FAULT_HEIGHT;
    const words = view.labels.fault(fault.fault);
    context.font = `600 14px ${sans}`;
    const wide = context.measureText(words).width;
    const clear_us = clearUntil(model, fault, rows);
    const room = x(clear_us) - x(fault.from_us) - 10;
    const middle = top + FAULT_HEIGHT / 2;
    if (wide < room) text(words, x(fault.from_us) + 5, middle, colour('--on-mark'), 600);
    else if (clear_us === fault.to_us && x(fault.to_us) + wide + 8 < x(freeUntil(model, fault, rows))) text(words, x(fault.to_us) + 4, middle, colour('--muted'), 550);
    else if (room > CUT_ROOM) text(cut(context, words, room), x(fault.from_us) + 5, middle, colour('--on-mark'), 600);
  }
  for (const mark of model.marks) {
    context.fillStyle = colour('--bad');
    context.fillRect(x(mark.at_us) - 1, y - 4, 2, 4);
  }
  y += rows * FAULT_HEIGHT + 2;
  if (!view.low) paintAcknowledgements(context, model, view, y, colour('--ok'), colour('--warn'));
  for (const gap of view.low ? [] : model.gaps) {
    const words = view.labels.noAcks(duration(gap.to_us - gap.from_us));
    context.fillStyle = colour('--bad');
    context.globalAlpha = 0.22;
    context.fillRect(x(gap.from_us), y, Math.max(1, x(gap.to_us) - x(gap.from_us)), ACK_LANE);
    context.globalAlpha = 1;
    context.font = `600 14px ${sans}`;
    const wide = context.measureText(words).width + 4;
    if (x(gap.to_us) - x(gap.from_us) <= wide) continue;
    // Failed attempts lie behind the words, not across them.
    context.fillStyle = colour('--panel');
    context.fillRect(x(gap.from_us) + 1, y, wide + 2, ACK_LANE);
    text(words, x(gap.from_us) + 3, y + ACK_LANE / 2 + 1, colour('--bad'), 600);
  }
  context.fillStyle = colour('--bad');
  for (const { at_us } of model.violations) context.fillRect(x(at_us) - 1, BAND.top - 14, 2.5, y - BAND.top + (view.low ? 12 : 28));
  context.font = `700 14px ${sans}`;
  const told = together(model.violations.map((one) => ({ ...one, x: x(one.at_us) })), CUT_ROOM).map(([first, ...more]) => {
    const words = `! ${view.labels.violation(first!.check)}${more.length ? ` +${more.length}` : ''}`;
    return { x: first!.x, words, wide: context.measureText(words).width };
  });
  for (const [index, { left, room }] of besideLines(told, view.width).entries()) {
    const { words, wide } = told[index]!;
    if (room < Math.min(wide, CUT_ROOM)) continue;
    context.font = `700 14px ${sans}`;
    const short = wide <= room ? words : cut(context, words, room);
    const middle = Math.max(7, BAND.top - 20);
    // The signs of elections lie behind the words, not across them.
    context.fillStyle = colour('--panel');
    context.fillRect(left - 2, middle - 7, Math.min(wide, room) + 4, 14);
    text(short, left, middle, colour('--bad'), 700);
  }
  const axis = view.height - 8;
  for (const tick of ticks(0, view.span_us, Math.max(2, Math.floor(view.width / 110)))) {
    const words = view.labels.time(tick);
    context.font = `500 14px ${sans}`;
    const half = context.measureText(words).width / 2 + 1;
    text(words, Math.max(half, Math.min(view.width - half, x(tick))), axis, colour('--muted'), 500, 14, 'center');
  }
  paintHead(context, x(view.at_us), view.width, axis - 9, colour('--text'));
}

/** Words beside an upright line: to its right, where they fit there, else to its left. */
export function besideLine(x: number, wide: number, width: number): number {
  return x + 5 + wide <= width - 10 ? x + 5 : Math.max(2, x - 5 - wide);
}

/** Marks nearer than `apart` to the first of them have one word together. */
export function together<T extends { x: number }>(marks: readonly T[], apart: number): T[][] {
  const groups: T[][] = [];
  for (const one of marks) {
    const group = groups.at(-1);
    if (group && one.x - group[0]!.x < apart) group.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** Where the words beside upright lines begin, from left to right, and how much room each has before the next. */
export function besideLines(lines: readonly { x: number; wide: number }[], width: number): { left: number; room: number }[] {
  let limit = width;
  return [...lines].reverse().map(({ x, wide }, index) => {
    const left = index ? x + 5 : besideLine(x, wide, width);
    const room = limit - left - (index ? 8 : 0);
    limit = Math.min(limit, left, x);
    return { left, room };
  }).reverse();
}

type Faults = Pick<TimelineModel, 'faults' | 'until_us'>;
const sharing = (model: Faults, fault: FaultBar, rows: number): FaultBar[] =>
  model.faults.filter((one) => one !== fault && Math.min(one.row, rows - 1) === Math.min(fault.row, rows - 1));

/** More faults than rows share the last one: whether this one begins over another. A gap then tells where. */
function beginsOver(model: Faults, fault: FaultBar, rows: number): boolean {
  return sharing(model, fault, rows).some((one) => one.from_us <= fault.from_us && one.to_us > fault.from_us);
}

/** Until when nothing else stands in the row of a fault after its end. */
export function freeUntil(model: Faults, fault: FaultBar, rows: number): number {
  return Math.min(model.until_us, ...sharing(model, fault, rows).filter((one) => one.to_us > fault.to_us).map((one) => one.from_us));
}

/** Until when a fault has its row for itself: its end, or where the next one begins over it. */
export function clearUntil(model: Faults, fault: FaultBar, rows: number): number {
  const place = model.faults.indexOf(fault);
  const over = sharing(model, fault, rows).filter((one) => one.from_us >= fault.from_us && model.faults.indexOf(one) > place);
  return Math.min(fault.to_us, ...over.map((one) => one.from_us));
}

/** As much of the words as there is room for. */
function cut(context: CanvasRenderingContext2D, words: string, room: number): string {
  let length = words.length;
  while (length > 1 && context.measureText(`${words.slice(0, length)}…`).width > room) length--;
  return `${words.slice(0, length).trimEnd()}…`;
}

function triangle(context: CanvasRenderingContext2D, x: number, y: number, fill: string): void {
  context.fillStyle = fill;
  context.beginPath();
  context.moveTo(x - 5, y);
  context.lineTo(x + 5, y);
  context.lineTo(x, y + 8);
  context.fill();
}

/** One stroke for each pixel column that holds an answer: the longer it took, the taller. Failures fill the lane. */
function paintAcknowledgements(context: CanvasRenderingContext2D, model: TimelineModel, view: TapeView, top: number, ok: string, failed: string): void {
  const stroke = (at_us: number, height: number, columns: Map<number, number>) => {
    const column = Math.floor((at_us / view.span_us) * view.width * 0.5) * 2;
    columns.set(column, Math.max(height, columns.get(column) ?? 0));
  };
  const answered = new Map<number, number>();
  const failures = new Map<number, number>();
  model.acknowledged_us.forEach((at, index) => stroke(at, latencyHeight(model.latency_us[index] ?? 0), answered));
  for (const at of model.failed_us) stroke(at, ACK_LANE, failures);
  for (const [columns, fill] of [[answered, ok], [failures, failed]] as const) {
    context.fillStyle = fill;
    for (const [column, height] of columns) context.fillRect(column, top + ACK_LANE - height, 1.4, height);
  }
}

export const ACK_LANE = 20;
/** On a scale of tenfold steps: 1 ms and less at the foot, 1 s and more fill the lane. */
export function latencyHeight(latency_us: number): number {
  const share = Math.log10(Math.max(1, latency_us / 1000)) / 3;
  return 3 + (ACK_LANE - 3) * Math.min(1, share);
}

const KNOB = 6;
/** The playhead; at either end of the tape its knob stays whole. */
function paintHead(context: CanvasRenderingContext2D, x: number, width: number, bottom: number, colour: string): void {
  context.fillStyle = colour;
  context.fillRect(Math.max(0, Math.min(width - 2, x - 1)), 12, 2, bottom - 12);
  context.beginPath();
  context.arc(Math.max(KNOB, Math.min(width - KNOB, x)), 9, KNOB, 0, 2 * Math.PI);
  context.fill();
}
