/** What the page uses of gifenc, which brings no types of its own. */
declare module 'gifenc' {
  type Format = 'rgb565' | 'rgb444' | 'rgba4444';
  export interface Encoder {
    writeFrame(index: Uint8Array, width: number, height: number, options: { palette: number[][]; delay: number }): void;
    finish(): void;
    bytes(): Uint8Array;
  }
  export function GIFEncoder(): Encoder;
  export function quantize(rgba: Uint8ClampedArray, colours: number, options?: { format: Format }): number[][];
  export function applyPalette(rgba: Uint8ClampedArray, palette: number[][], format?: Format): Uint8Array;
}
