/** A stretch of a run as a GIF, frame by frame from the same picture that SVG and PNG are made of. */

import { GIFEncoder, applyPalette, quantize } from 'gifenc';

import { svgOf } from './picture';

export interface Order {
  from_us: number;
  to_us: number;
  /** Virtual seconds in a second of the film. */
  speed: number;
  /** Pictures in a second of the film. */
  rate: number;
  /** Pixels. */
  width: number;
}
/** A film longer than this is a file nobody can send. */
export const FRAMES_MAX = 300;
const COLOURS = 256;

/** The moments that are painted: at least two, at most FRAMES_MAX, both ends among them. */
export function momentsOf({ from_us, to_us, speed, rate }: Order): number[] {
  const wanted = Math.round(((to_us - from_us) / 1e6 / speed) * rate) + 1;
  const count = Math.max(2, Math.min(FRAMES_MAX, wanted));
  return Array.from({ length: count }, (_, at) => Math.round(from_us + ((to_us - from_us) * at) / (count - 1)));
}

/**
 * Paint the element at every moment. `show` brings a moment on the screen; `told` hears of each picture (a share of 1).
 * AbortError when the signal says so.
 */
export async function animate(
  element: HTMLElement, order: Order, show: (at_us: number) => Promise<void>, told: (share: number) => void, signal: AbortSignal,
): Promise<Blob> {
  const moments = momentsOf(order);
  const gif = GIFEncoder();
  const canvas = document.createElement('canvas');
  for (const [at, moment] of moments.entries()) {
    signal.throwIfAborted();
    await show(moment);
    const { data, width, height } = await pixelsOf(element, order.width, canvas);
    const palette = quantize(data, COLOURS, { format: 'rgb444' });
    // Every 10 ms is as fine as the format tells time.
    gif.writeFrame(applyPalette(data, palette, 'rgb444'), width, height, { palette, delay: Math.round(100 / order.rate) * 10 });
    told((at + 1) / moments.length);
  }
  gif.finish();
  return new Blob([gif.bytes() as BlobPart], { type: 'image/gif' });
}

async function pixelsOf(element: HTMLElement, width: number, canvas: HTMLCanvasElement): Promise<ImageData> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgOf(element))}`;
  await image.decode();
  const scale = Math.min(1, width / image.naturalWidth);
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
