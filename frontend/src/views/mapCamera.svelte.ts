/** One map's camera: wheel, two fingers, dragging and keys move it. */

import { WHOLE, cornerOf, panned, showing, zoomedAt, type Camera, type Size } from '../core/camera';
import type { Point } from '../core/layout';

const STEP = 1.4;
const WHEEL = 0.0022;
/** A pointer that moved less than this clicked. */
const SLIP = 5;

export class MapCamera {
  now = $state.raw<Camera>(WHOLE);
  dragging = $state(false);
  private readonly view: () => Size;
  private readonly chosen: () => Point | undefined;
  private fingers = new Map<number, Point>();
  private moved = 0;

  /** `chosen`: where the picked node stands on the ground; nearer means nearer to it. */
  constructor(view: () => Size, chosen: () => Point | undefined = () => undefined) {
    this.view = view;
    this.chosen = chosen;
  }

  get near(): boolean {
    return this.now.zoom > 1;
  }
  nearer = () => this.zoom(STEP, this.aim());
  farther = () => this.zoom(1 / STEP, this.aim());
  whole = () => (this.now = WHOLE);

  private aim(): Point {
    const { w, h } = this.view();
    const [at, corner] = [this.chosen(), cornerOf(this.now, { w, h })];
    const seen = at && { x: at.x - corner.x, y: at.y - corner.y };
    return seen && seen.x >= 0 && seen.x <= w && seen.y >= 0 && seen.y <= h ? seen : { x: w / 2, y: h / 2 };
  }

  zoom(factor: number, at: Point): void {
    this.now = zoomedAt(this.now, factor, at, this.view());
  }
  /** Have a point of the ground in the window. */
  show(at: Point): void {
    this.now = showing(this.now, at, this.view());
  }
  centre(x: number, y: number): void {
    this.now = panned({ ...this.now, x, y }, 0, 0, this.view());
  }

  /** `held`: the wheel belongs to this map even without a modifier, as the page itself does not scroll. */
  wheel(event: WheelEvent, at: Point, held: boolean): void {
    if (!held && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 3 : 1)), at);
  }

  down(event: PointerEvent, at: Point): void {
    if (event.button !== 0) return;
    if (!this.fingers.size) this.moved = 0;
    this.fingers.set(event.pointerId, at);
  }

  move(event: PointerEvent, at: Point): void {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.pinch(before, at, other);
    else if (this.near) this.now = panned(this.now, at.x - before.x, at.y - before.y, this.view());
    this.fingers.set(event.pointerId, at);
    this.moved += Math.hypot(at.x - before.x, at.y - before.y);
    if (this.moved <= SLIP || this.dragging || (!this.near && !other)) return;
    this.dragging = true;
    (event.currentTarget as HTMLElement).setPointerCapture?.(event.pointerId);
  }

  private pinch(before: Point, at: Point, other: Point): void {
    const apart = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.now = panned(this.now, (at.x - before.x) / 2, (at.y - before.y) / 2, this.view());
    this.zoom(apart(at) / apart(before), { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
  }

  up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (!this.fingers.size) this.dragging = false;
  }

  /** The click that ends a drag means nothing else. */
  get dragged(): boolean {
    return this.moved > SLIP && (this.near || this.dragging);
  }
}
