/** A cluster as a small picture: discs with roles and terms, and messages on their way, by the same scene as the large one. */

import { TERM_HUES, termHue } from '../core/colour';
import type { Chunk } from '../core/chunk';
import type { Descriptors } from '../core/descriptor';
import { dotsAt, type Places } from '../core/flight';
import type { Layout } from '../core/layout';
import { nodeScene } from '../core/scene';
import type { World } from '../core/world';

export interface Palette {
  terms: string[];
  none: string;
  bad: string;
  disc: string;
  line: string;
  text: string;
}
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return { terms: Array.from({ length: TERM_HUES }, (_, at) => read(`--term-${at}`)), none: read('--muted'), bad: read('--bad'), disc: read('--disc'), line: read('--line'), text: read('--text') };
}

export interface SmallScene {
  world: World;
  chunk: Chunk;
  at_us: number;
  /** How long a burst of a lost message lasts, in virtual time. */
  burst_us: number;
  descriptors: Descriptors;
  place: Layout;
  colours: Palette;
}

export function paintSmallScene(canvas: HTMLCanvasElement, width: number, height: number, scene: SmallScene): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const { place, colours } = scene;
  const radius = Math.max(5, Math.min(15, place.radius * 0.72));
  drawLinks(context, scene);
  const places: Places = { at: (id) => place.nodes.get(id), radius: () => radius, wall: () => null };
  for (const dot of dotsAt(scene.chunk, scene.at_us, scene.burst_us, places, scene.descriptors)) {
    context.fillStyle = dot.doomed ? colours.bad : (colours.terms[termHue(dot.epoch)] ?? colours.none);
    ring(context, dot.x, dot.y, 2.6);
    context.fill();
  }
  for (const id of place.nodes.keys()) drawNode(context, id, radius, scene);
}

function drawLinks(context: CanvasRenderingContext2D, { place, colours, world }: SmallScene): void {
  const spots = [...place.nodes];
  if (spots.length > 9) return;
  const cut = new Set(world.network.cuts.map(([from, to]) => `${from}>${to}`));
  spots.forEach(([a, from], at) => spots.slice(at + 1).forEach(([b, to]) => {
    const dead = cut.has(`${a}>${b}`) || cut.has(`${b}>${a}`);
    context.strokeStyle = dead ? colours.bad : colours.line;
    context.setLineDash(dead ? [2, 5] : []);
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }));
  context.setLineDash([]);
}

function drawNode(context: CanvasRenderingContext2D, id: string, radius: number, { world, descriptors, place, colours }: SmallScene): void {
  const { x, y } = place.nodes.get(id)!;
  const scene = nodeScene(id, world, descriptors);
  context.fillStyle = colours.disc;
  context.strokeStyle = scene.state === 'down' ? colours.none : (colours.terms[termHue(scene.epoch)] ?? colours.none);
  context.lineWidth = 2;
  ring(context, x, y, radius);
  context.fill();
  context.stroke();
  if (scene.leading) {
    ring(context, x, y, radius + 4);
    context.stroke();
  }
  context.fillStyle = scene.state === 'down' ? colours.none : colours.text;
  context.font = `600 ${radius > 9 ? 11 : 9}px sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  if (radius > 7) context.fillText(scene.state === 'down' ? '✕' : id, x, y);
}

function ring(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
