/** What part of the map is in the window: a point of the map in the middle, and how much nearer than the whole. */

import type { Point } from './layout';

export interface Camera {
  /** The middle of the window, as shares of the map's width and height. */
  x: number;
  y: number;
  /** 1 shows the whole map. */
  zoom: number;
}
export interface Size {
  w: number;
  h: number;
}

export const WHOLE: Camera = { x: 0.5, y: 0.5, zoom: 1 };
export const ZOOM_MAX = 8;

const within = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** Nothing outside the map is shown. */
export function clamped({ x, y, zoom }: Camera): Camera {
  const near = within(zoom, 1, ZOOM_MAX);
  const half = 0.5 / near;
  return { x: within(x, half, 1 - half), y: within(y, half, 1 - half), zoom: near };
}

/** The window's upper left corner on the ground, in pixels. */
export function cornerOf({ x, y, zoom }: Camera, view: Size): Point {
  return { x: view.w * (x * zoom - 0.5), y: view.h * (y * zoom - 0.5) };
}

/** Nearer or farther; what is under `at` (in the window) stays there. */
export function zoomedAt(camera: Camera, factor: number, at: Point, view: Size): Camera {
  const zoom = within(camera.zoom * factor, 1, ZOOM_MAX);
  const kept = 1 / camera.zoom - 1 / zoom;
  return clamped({ x: camera.x + (at.x / view.w - 0.5) * kept, y: camera.y + (at.y / view.h - 0.5) * kept, zoom });
}

/** The map moved under the window by so many pixels. */
export function panned(camera: Camera, dx: number, dy: number, view: Size): Camera {
  return clamped({ ...camera, x: camera.x - dx / (view.w * camera.zoom), y: camera.y - dy / (view.h * camera.zoom) });
}

/** Moved as little as needed to have a point of the ground well inside the window. */
export function showing(camera: Camera, at: Point, view: Size): Camera {
  const corner = cornerOf(camera, view);
  const room = { x: view.w * 0.15, y: view.h * 0.15 };
  const inside = at.x >= corner.x + room.x && at.x <= corner.x + view.w - room.x
    && at.y >= corner.y + room.y && at.y <= corner.y + view.h - room.y;
  return inside || camera.zoom === 1 ? camera : clamped({ ...camera, x: at.x / (view.w * camera.zoom), y: at.y / (view.h * camera.zoom) });
}
