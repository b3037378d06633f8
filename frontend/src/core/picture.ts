/** A part of the page as a picture of its own: SVG with everything inside, or PNG painted from it. */

/** What is seen of an element; the rest of its style changes nothing in a still picture. */
const STYLES = [
  'display', 'position', 'left', 'top', 'right', 'bottom', 'width', 'height', 'min-width', 'min-height', 'max-width', 'margin', 'padding', 'box-sizing',
  'border', 'border-radius', 'background', 'color', 'font', 'line-height', 'letter-spacing', 'text-align', 'text-decoration', 'white-space', 'overflow',
  'opacity', 'transform', 'transform-origin', 'flex', 'flex-direction', 'flex-wrap', 'align-items', 'align-content', 'align-self', 'justify-content', 'justify-items', 'justify-self', 'gap', 'grid-template-columns',
  'grid-template-rows', 'grid-column', 'grid-row', 'z-index', 'visibility', 'list-style', 'border-collapse', 'border-spacing', 'vertical-align',
  'fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'text-anchor', 'dominant-baseline', 'paint-order', 'box-shadow', 'inset',
];

/** The element as an SVG document; canvases in it become images. */
export function svgOf(element: HTMLElement): string {
  const { width, height } = element.getBoundingClientRect();
  const copy = element.cloneNode(true) as HTMLElement;
  dress(element, copy);
  copy.setAttribute('xmlns', 'http://www.w3.org/1999/xhtml');
  copy.style.margin = '0';
  copy.style.width = `${width}px`;
  copy.style.height = `${height}px`;
  copy.style.background = getComputedStyle(document.body).backgroundColor;
  const inside = new XMLSerializer().serializeToString(copy);
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}"><foreignObject width="100%" height="100%">${inside}</foreignObject></svg>`;
}

function dress(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  (to as HTMLElement).style.cssText = STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(';');
  const originals = [...from.children];
  const copies = [...to.children];
  for (const [index, child] of originals.entries()) {
    const copy = copies[index]!;
    dress(child, copy);
    if (child instanceof HTMLCanvasElement) copy.replaceWith(imageOf(child, (copy as HTMLElement).style.cssText));
  }
}

function imageOf(canvas: HTMLCanvasElement, style: string): HTMLImageElement {
  const image = document.createElement('img');
  image.src = canvas.toDataURL('image/png');
  image.alt = '';
  image.style.cssText = style;
  return image;
}

/** The SVG painted at twice its size, for slides. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.naturalWidth * 2, image.naturalHeight * 2];
  const context = canvas.getContext('2d')!;
  context.scale(2, 2);
  context.drawImage(image, 0, 0);
  return await new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('no picture'))), 'image/png'));
}

/** Hand a file to the person. */
export function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
