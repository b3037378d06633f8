/** A map with many nodes: the camera, the picture at every distance, messages counted by link. */

import { describe, expect, it } from 'vitest';

import { clamped, cornerOf, panned, showing, WHOLE, zoomedAt } from '../src/core/camera';
import type { Send } from '../src/core/chunk';
import type { Places } from '../src/core/flight';
import { asFlows, CALM, countText, neighboursOf, trafficAt } from '../src/core/flows';
import { layout, roomFor, scaled } from '../src/core/layout';
import { scenesOf } from '../src/core/scene';
import { Trace } from '../src/core/trace';
import { Cursor } from '../src/core/world';
import { topologyOf } from '../src/editor/presets';
import { changed, chunk, frame, keyframe, process, tides } from './helpers';

const view = { w: 800, h: 500 };

describe('camera', () => {
  it('keeps what is under the pointer where it is', () => {
    const at = { x: 600, y: 120 };
    const ground = (camera: typeof WHOLE) => {
      const corner = cornerOf(camera, view);
      return [(corner.x + at.x) / (view.w * camera.zoom), (corner.y + at.y) / (view.h * camera.zoom)];
    };
    const near = zoomedAt({ x: 0.5, y: 0.5, zoom: 2 }, 1.5, at, view);
    expect(near.zoom).toBe(3);
    ground(near).forEach((share, axis) => expect(share).toBeCloseTo(ground({ x: 0.5, y: 0.5, zoom: 2 })[axis]!, 9));
  });
  it('shows nothing outside the map, and all of it at most', () => {
    expect(zoomedAt(WHOLE, 0.2, { x: 0, y: 0 }, view)).toEqual(WHOLE);
    expect(cornerOf(panned({ x: 0.5, y: 0.5, zoom: 2 }, 5000, 5000, view), view)).toEqual({ x: 0, y: 0 });
    expect(clamped({ x: 1, y: 1, zoom: 4 })).toEqual({ x: 0.875, y: 0.875, zoom: 4 });
  });
  it('brings a node into the window only when it is not there', () => {
    const near = { x: 0.25, y: 0.25, zoom: 2 };
    expect(showing(near, { x: 300, y: 200 }, view)).toBe(near);
    expect(showing(near, { x: 1200, y: 800 }, view)).toEqual({ x: 0.75, y: 0.75, zoom: 2 });
  });
});

describe('101 nodes over 5 regions', () => {
  const topology = topologyOf('five_regions_101');
  const pictures = [{ w: 850, h: 520 }, { w: 390, h: 270 }].map((size) => {
    const room = roomFor(101, size);
    return { size, room, base: layout(topology, new Map([['c1', 'asia']]), room, size) };
  });
  it('fit whole into a window, on a phone too, in its shape', () => {
    for (const { size, room, base } of pictures) {
      expect(room.w / room.h).toBeCloseTo(size.w / size.h, 6);
      const shown = scaled(base, size.w / room.w);
      for (const { x, y } of shown.nodes.values()) {
        expect(x).toBeGreaterThan(shown.radius);
        expect(x).toBeLessThan(size.w - shown.radius);
        expect(y).toBeLessThan(size.h - shown.radius);
      }
    }
  });
  it('show more of each node the nearer one comes, and no two discs touch on the way', () => {
    const { size, room, base } = pictures[0]!;
    const seen = [1, 1.5, 2, 3, 4, 6, 8].map((zoom) => scaled(base, (size.w / room.w) * zoom));
    expect(seen[0]!.detail).toBe('small');
    expect(seen.at(-1)!.detail).toBe('full');
    for (const { nodes, radius } of seen) {
      const spots = [...nodes.values()];
      spots.forEach((a, at) => spots.slice(at + 1).forEach((b) => expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(2 * radius)));
    }
  });
});

describe('messages counted by link', () => {
  const places: Places = { at: (id) => ({ n1: { x: 0, y: 0 }, n2: { x: 100, y: 0 }, n3: { x: 0, y: 90 } })[id], radius: () => 10, wall: () => null };
  const send = (number: number, depart_us: number, from: string, to: string, fate = 0): Send => [number, 1, depart_us, depart_us + 5000, from, to, fate, 'tides.Wave', [4, 1]];
  const many = (count: number, from_us: number, from: string, to: string) => Array.from({ length: count }, (_, at) => send(at, from_us + at, from, to));
  const traceOf = (...chunks: ReturnType<typeof chunk>[]) => {
    const trace = new Trace();
    for (const one of chunks) trace.add(frame(one));
    return trace;
  };
  it('over the window before the moment, across chunks, processes joined to their nodes', () => {
    const trace = traceOf(
      chunk(0, 1_000_000, { sends: [...many(50, 700_000, 'n1', 'n2'), ...many(9, 900_000, 'n3/pond', 'n1')].sort((a, b) => a[2] - b[2]) }),
      chunk(1_000_000, 2_000_000, { sends: [...many(30, 1_100_000, 'n1', 'n2'), send(99, 1_150_000, 'n2', 'n1', 1), ...many(40, 1_600_000, 'n1', 'n2')] }),
    );
    const { flows, rate } = trafficAt(trace, 0, 1_200_000, 400_000, places, { tides });
    expect(flows.map(({ from, to, rate: each, lost, epoch }) => [from, to, Math.round(each), Math.round(lost), epoch]))
      .toEqual([['n1', 'n2', 75, 0, 4], ['n3', 'n1', 23, 0, 4], ['n2', 'n1', 3, 3, 4]]);
    expect(Math.round(rate)).toBe(100);
    expect([...neighboursOf('n3', flows)]).toEqual(['n3', 'n1']);
  });
  it('takes the counts of an aggregate as they are, and then draws flows whatever was asked', () => {
    const trace = traceOf(chunk(0, 500_000, { level: 'aggregate', rates: [['n1', 'n2', 'tides.Wave', 100], ['n2', 'n1', 'tides.Foam', 50]] }));
    const traffic = trafficAt(trace, 0, 500_000, 250_000, places, { tides });
    expect(traffic).toMatchObject({ rate: 300, counted: true });
    expect(traffic.flows[0]).toMatchObject({ from: 'n1', to: 'n2', rate: 200 });
    expect(asFlows(traffic, 0.001, 'dots', false)).toBe(true);
  });
  it('become flows above a few hundred a second on the wall, and dots again clearly below', () => {
    const traffic = { ...CALM, rate: 1500 };
    expect(asFlows(traffic, 0.1, 'auto', false)).toBe(false);
    expect(asFlows(traffic, 0.25, 'auto', false)).toBe(true);
    expect(asFlows(traffic, 0.18, 'auto', true)).toBe(true);
    expect(asFlows(traffic, 0.15, 'auto', true)).toBe(false);
    expect(asFlows(traffic, 10, 'dots', true)).toBe(false);
    expect(asFlows(CALM, 1, 'flows', false)).toBe(true);
  });
  it('are told in few characters', () => {
    expect([0.2, 7, 340, 1234, 41_800].map(countText)).toEqual(['1', '7', '340', '1.2k', '42k']);
  });
});

describe('scenes', () => {
  const processes = { n1: process({ moon: 1, phase: 'ebb', gulls: ['n2'] }), n2: process({ moon: 1, phase: 'ebb' }, 'n2') };
  it('that look as before are the same objects', () => {
    const cursor = new Cursor(chunk(0, 100, { keyframe: keyframe(0, processes), events: [changed(1, 10, { gulls: ['n2'] }), changed(2, 20, { moon: 2 }, 'n2')] }));
    const first = scenesOf(['n1', 'n2'], cursor.world, { tides });
    cursor.seek(10);
    expect(scenesOf(['n1', 'n2'], cursor.world, { tides }, first)).toBe(first);
    cursor.seek(20);
    const later = scenesOf(['n1', 'n2'], cursor.world, { tides }, first);
    expect(later[0]).toBe(first[0]);
    expect(later[1]).toMatchObject({ id: 'n2', epoch: 2 });
  });
});
