/**
 * What moves on the map, painted on a canvas: timers, messages as dots, messages as flows. A few alike things share a
 * path: one path each costs a call, one path for all costs a processor that paints far more (each edge against all).
 */

import { TERM_HUES, termHue } from '../core/colour';
import { along, type Dot, type Places } from '../core/flight';
import { countText, thickness, type Flow } from '../core/flows';
import { occupied, type Box, type Layout, type Point } from '../core/layout';
import type { NodeScene } from '../core/scene';
import { unitWords } from '../i18n/names';

export interface Palette {
  terms: string[];
  none: string;
  bad: string;
  disc: string;
  muted: string;
  line: string;
  text: string;
  ground: string;
  sans: string;
}
type Context = CanvasRenderingContext2D;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    terms: Array.from({ length: TERM_HUES }, (_, at) => read(`--term-${at}`)), none: read('--muted'), bad: read('--bad'), disc: read('--disc'),
    muted: read('--muted'), line: read('--line'), text: read('--text'), ground: read('--bg'), sans: read('--sans'),
  };
}

const termColour = (epoch: number, colours: Palette): string => colours.terms[termHue(epoch)] ?? colours.none;
const PATH_SHARE = 16;
/** Fill or stroke all of a list, a few to a path. */
function batched<T>(context: Context, list: readonly T[], trace: (one: T) => void, paint: () => void): void {
  for (let from = 0; from < list.length; from += PATH_SHARE) {
    context.beginPath();
    for (let at = from; at < Math.min(list.length, from + PATH_SHARE); at++) trace(list[at]!);
    paint();
  }
}

/** Things round a disc stand nearer to a small one. */
export const ringGap = (radius: number): number => Math.max(3, Math.min(8, radius * 0.25));

/** The arcs round the discs: what is left until each timer comes due. */
export function paintTimers(context: Context, scenes: readonly NodeScene[], ground: Layout, at_us: number, colours: Palette): void {
  if (ground.radius < 9) return;
  const radius = ground.radius + ringGap(ground.radius);
  const shown = scenes.flatMap((scene) => {
    const at = ground.nodes.get(scene.id);
    return at && scene.timer && !scene.leading ? [{ at, timer: scene.timer }] : [];
  });
  context.lineWidth = ground.radius < 24 ? 2 : 3.5;
  context.lineCap = 'round';
  arcs(context, colours.line, shown.map(({ at }) => ({ at, share: 1 })), radius);
  arcs(context, colours.muted, shown.map(({ at, timer: [set_us, due_us] }) => (
    { at, share: Math.max(0, Math.min(1, (due_us - at_us) / Math.max(1, due_us - set_us))) })), radius);
}

function arcs(context: Context, colour: string, list: { at: Point; share: number }[], radius: number): void {
  const top = -Math.PI / 2;
  context.strokeStyle = colour;
  batched(context, list, ({ at, share }) => {
    context.moveTo(at.x, at.y - radius);
    context.arc(at.x, at.y, radius, top, top + 2 * Math.PI * share);
  }, () => context.stroke());
}

/** With more dots than this they are small and plain. */
const CROWD = 300;
const TAIL = 24;

/** `still`: nothing moves, so that arrows say where to. `calm`: no tails, for who wants less motion. */
export function paintDots(context: Context, dots: readonly Dot[], radius: number, colours: Palette, { still, calm }: { still: boolean; calm: boolean }): void {
  const crowded = dots.length > CROWD;
  const size = Math.max(3, Math.min(crowded ? 4 : 6.5, radius * 0.3));
  const groups = new Map<string, Dot[]>();
  for (const dot of dots) {
    if (dot.burst !== null) continue;
    const colour = dot.doomed ? colours.bad : termColour(dot.epoch, colours);
    const group = groups.get(colour);
    if (group) group.push(dot);
    else groups.set(colour, [dot]);
  }
  context.lineCap = 'butt';
  for (const [colour, group] of groups) {
    if (!calm && !crowded) tails(context, group, size, colour);
    if (crowded) specks(context, group, size * 0.75, colour, colours.disc);
    else discs(context, group, size, colour, colours.disc);
    if (size > 5) signs(context, group, colour);
    if (still && !crowded) arrows(context, group, size, colour);
  }
  for (const dot of dots) if (dot.burst !== null) paintBurst(context, dot, size / 6.5, colours.bad);
}

function tails(context: Context, dots: readonly Dot[], size: number, colour: string): void {
  const before = context.globalAlpha;
  context.globalAlpha = before * 0.35;
  context.strokeStyle = colour;
  context.lineWidth = size * 0.38;
  batched(context, dots, (dot) => {
    context.moveTo(dot.x - Math.cos(dot.angle) * TAIL, dot.y - Math.sin(dot.angle) * TAIL);
    context.lineTo(dot.x, dot.y);
  }, () => context.stroke());
  context.globalAlpha = before;
}

/** A request is filled, a reply hollow. */
function discs(context: Context, dots: readonly Dot[], size: number, colour: string, inside: string): void {
  const circle = (dot: Dot) => {
    context.moveTo(dot.x + size, dot.y);
    context.arc(dot.x, dot.y, size, 0, 2 * Math.PI);
  };
  const [requests, replies] = [dots.filter((dot) => !dot.reply), dots.filter((dot) => dot.reply)];
  context.fillStyle = colour;
  batched(context, requests, circle, () => context.fill());
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1.4, size * 0.33);
  context.fillStyle = inside;
  batched(context, replies, circle, () => {
    context.fill();
    context.stroke();
  });
}

/** In a crowd a dot is a few pixels: squares tell as much as circles for a fraction of the work. */
function specks(context: Context, dots: readonly Dot[], size: number, colour: string, inside: string): void {
  context.fillStyle = colour;
  for (const { x, y } of dots) context.fillRect(x - size, y - size, 2 * size, 2 * size);
  context.fillStyle = inside;
  const hole = size - 1.5;
  for (const { x, y, reply } of dots) if (reply) context.fillRect(x - hole, y - hole, 2 * hole, 2 * hole);
}

/** + or - in a reply: what it says. */
function signs(context: Context, dots: readonly Dot[], colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  batched(context, dots.filter((dot) => dot.reply && dot.good !== null), (dot) => {
    context.moveTo(dot.x - 3.2, dot.y);
    context.lineTo(dot.x + 3.2, dot.y);
    if (!dot.good) return;
    context.moveTo(dot.x, dot.y - 3.2);
    context.lineTo(dot.x, dot.y + 3.2);
  }, () => context.stroke());
}

function arrows(context: Context, dots: readonly Dot[], size: number, colour: string): void {
  context.fillStyle = colour;
  batched(context, dots, (dot) => head(context, dot, dot.angle, size + 2, size * 0.7), () => context.fill());
}

/** A triangle that points along an angle, `away` from a point. */
function head(context: Context, at: Point, angle: number, away: number, half: number): void {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const corner = (along: number, aside: number): [number, number] => [at.x + c * along - s * aside, at.y + s * along + c * aside];
  context.moveTo(...corner(away + half * 1.45, 0));
  context.lineTo(...corner(away, half));
  context.lineTo(...corner(away, -half));
  context.closePath();
}

function paintBurst(context: Context, dot: Dot, times: number, colour: string): void {
  const grown = dot.burst!;
  const before = context.globalAlpha;
  context.globalAlpha = before * (1 - grown);
  context.strokeStyle = colour;
  context.lineWidth = 2.2;
  context.beginPath();
  for (let ray = 0; ray < 8; ray++) {
    const angle = (ray * Math.PI) / 4;
    const [inner, outer] = [(4 + grown * 8) * times, (9 + grown * 13) * times];
    context.moveTo(dot.x + Math.cos(angle) * inner, dot.y + Math.sin(angle) * inner);
    context.lineTo(dot.x + Math.cos(angle) * outer, dot.y + Math.sin(angle) * outer);
  }
  context.stroke();
  context.globalAlpha = before;
}

// Flows ---------------------------------------------------------------------------------------------------------------

/** A flow with its way on the map. */
export interface Stream extends Flow {
  start: Point;
  stop: Point;
  angle: number;
  colour: string;
  width: number;
}
/** More lines than this hide each other; the busiest are drawn. */
export const STREAMS_MAX = 400;

export function streamsOf(flows: readonly Flow[], places: Places, colours: Palette): Stream[] {
  return flows.slice(0, STREAMS_MAX).flatMap((flow) => {
    const [a, b] = [places.at(flow.from), places.at(flow.to)];
    if (!a || !b) return [];
    const wall = places.wall(flow.from, flow.to);
    const [start, stop] = [0, wall ?? 1].map((share) => along(a, b, places.radius(flow.from), places.radius(flow.to), share));
    const dead = wall !== null || flow.lost > flow.rate / 2;
    return [{ ...flow, start: start!, stop: stop!, angle: start!.angle, colour: dead ? colours.bad : termColour(flow.epoch, colours), width: thickness(flow.rate) }];
  });
}

/** Lines are thinner and paler where there are many of them. */
const thinning = (streams: readonly Stream[]): number => Math.max(0.4, Math.min(1, 80 / Math.max(1, streams.length)));

/** The lines, thickest first, each with a head where it arrives. They stand still: `paintBeads` shows that they flow. */
export function paintStreams(context: Context, streams: readonly Stream[]): void {
  context.lineCap = 'butt';
  const before = context.globalAlpha;
  const thin = thinning(streams);
  for (const stream of streams) {
    context.globalAlpha = before * 0.6 * thin;
    context.strokeStyle = context.fillStyle = stream.colour;
    context.lineWidth = Math.max(1, stream.width * thin);
    context.beginPath();
    context.moveTo(stream.start.x, stream.start.y);
    context.lineTo(stream.stop.x, stream.stop.y);
    context.stroke();
    context.globalAlpha = before;
    context.beginPath();
    head(context, stream.stop, stream.angle, -6 - stream.width * 0.4, Math.max(2.5, stream.width * 0.75 * thin));
    context.fill();
  }
  context.globalAlpha = before;
}

/** Beads that travel along the lines, more of them where more messages do. `phase` counts how often the first bead went all the way. */
export function paintBeads(context: Context, streams: readonly Stream[], phase: number): void {
  const thin = thinning(streams);
  streams.forEach((stream, at) => {
    const beads = Math.max(1, Math.round(stream.width / 3));
    const size = Math.max(1.8, stream.width * 0.5 * thin);
    context.fillStyle = stream.colour;
    for (let bead = 0; bead < beads; bead++) {
      const share = (phase + bead / beads + at * 0.618034) % 1;
      const [x, y] = [stream.start.x + (stream.stop.x - stream.start.x) * share, stream.start.y + (stream.stop.y - stream.start.y) * share];
      context.fillRect(x - size, y - size, 2 * size, 2 * size);
    }
  });
}

/** A number on the map: the messages of one link, or of all links between two regions. */
export interface Count {
  /** Where it may stand, the best place first. */
  spots: Point[];
  text: string;
  colour: string;
}
const COUNT = { height: 20, gap: 4 };

const SHARES = [0.6, 0.5, 0.7, 0.4, 0.3, 0.8];
export const linkCounts = (streams: readonly Stream[]): Count[] => streams.map(({ start, stop, rate, colour }) => (
  { spots: SHARES.map((share) => ({ x: start.x + (stop.x - start.x) * share, y: start.y + (stop.y - start.y) * share })), text: countText(rate) + unitWords('/s'), colour }));

/** One number for all that goes from one region to another, in the middle of where it goes. */
export function regionCounts(flows: readonly Flow[], places: Places, regionOf: (id: string) => string, colours: Palette): Count[] {
  const sums = new Map<string, { rate: number; x: number; y: number; epoch: number }>();
  for (const { from, to, rate, epoch } of flows) {
    const [a, b] = [places.at(from), places.at(to)];
    const [here, there] = [regionOf(from), regionOf(to)];
    if (!a || !b || here === there || !here || !there) continue;
    const key = `${here}>${there}`;
    const sum = sums.get(key) ?? { rate: 0, x: 0, y: 0, epoch: 0 };
    sums.set(key, { rate: sum.rate + rate, x: sum.x + (a.x * 0.4 + b.x * 0.6) * rate, y: sum.y + (a.y * 0.4 + b.y * 0.6) * rate, epoch: Math.max(sum.epoch, epoch) });
  }
  return [...sums.values()].sort((a, b) => b.rate - a.rate).map(({ rate, x, y, epoch }) => (
    { spots: [{ x: x / rate, y: y / rate }], text: countText(rate) + unitWords('/s'), colour: termColour(epoch, colours) }));
}

/** Where a number stands on nothing and hides no other one; undefined where there is no such place. */
export function freeSpot(spots: readonly Point[], w: number, taken: readonly Box[]): Point | undefined {
  const [x, y] = [w / 2 + COUNT.gap, COUNT.height / 2 + COUNT.gap];
  return spots.find((at) => !taken.some((box) => at.x + x > box.x && at.x - x < box.x + box.w && at.y + y > box.y && at.y - y < box.y + box.h));
}

/** Numbers that hide no other number and stand on nothing that has words; the first ones given go first. */
export function paintCounts(context: Context, counts: readonly Count[], ground: Layout, colours: Palette): void {
  const taken = occupied(ground);
  context.font = `600 14px ${colours.sans}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const { spots, text, colour } of counts) {
    const w = context.measureText(text).width + 14;
    const at = freeSpot(spots, w, taken);
    if (!at) continue;
    taken.push({ x: at.x - w / 2, y: at.y - COUNT.height / 2, w, h: COUNT.height });
    context.fillStyle = colours.ground;
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    context.roundRect(at.x - w / 2, at.y - COUNT.height / 2, w, COUNT.height, COUNT.height / 2);
    context.fill();
    context.stroke();
    context.fillStyle = colours.text;
    context.fillText(text, at.x, at.y + 1);
  }
}
