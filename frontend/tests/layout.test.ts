import { describe, expect, it } from 'vitest';

import { fitsIn, layout, occupied, roomFor, wordRoom } from '../src/core/layout';
import type { Topology } from '../src/core/experiment';
import { freeSpot } from '../src/views/mapPaint';

function cluster(perZone: number[][], names = ['east', 'west', 'south', 'north', 'mid']): Topology {
  let number = 0;
  const regions = perZone.map((zones, at) => ({
    id: names[at]!, zones: zones.map((_, zone) => ({ id: `${names[at]}-${zone}` })),
  }));
  const nodes = perZone.flatMap((zones, at) => zones.flatMap((count, zone) => Array.from(
    { length: count }, () => ({ id: `n${++number}`, zone: `${names[at]}-${zone}` }))));
  return { regions, nodes };
}
const plain = (count: number): Topology => ({ nodes: Array.from({ length: count }, (_, at) => ({ id: `n${at + 1}` })) });

const shapes: [string, Topology][] = [
  ['3 nowhere', plain(3)], ['5 nowhere', plain(5)], ['9 nowhere', plain(9)], ['1 nowhere', plain(1)], ['2 nowhere', plain(2)],
  ['5 over 3 regions', cluster([[1, 1], [1, 1], [1]])], ['7 over 3', cluster([[2, 1], [2], [2]])],
  ['101 over 5', cluster([[11, 10], [10, 10], [20], [20], [20]])],
];
const sizes = [{ w: 850, h: 560 }, { w: 1280, h: 500 }, { w: 390, h: 420 }];

describe('words on discs', () => {
  it('give way where the discs beside have words of their own', () => {
    const row = (apart: number) => wordRoom(new Map([['n1', { x: 0, y: 0 }], ['n2', { x: apart, y: 20 }], ['n3', { x: 10, y: 300 }]]));
    expect(fitsIn(row(75), 'member')).toBe(true);
    expect(fitsIn(row(75), 'map keeper')).toBe(false);
    expect(fitsIn(row(75), 'epoch 12', true)).toBe(false);
    expect(fitsIn(row(75), '纪元 12', true)).toBe(true);
    expect(fitsIn(row(140), 'pre-candidate')).toBe(true);
    expect(fitsIn(wordRoom(new Map([['n1', { x: 0, y: 0 }]])), 'anything at all')).toBe(true);
  });
});

describe('numbers on the map', () => {
  it('stand on no disc, strip or client, and on no other number', () => {
    const ground = layout({ nodes: [{ id: 'n1' }, { id: 'n2' }] }, new Map([['c1', 'n1']]), { w: 900, h: 500 });
    const taken = occupied(ground);
    expect(taken).toHaveLength(2 + 2 + 1);
    const disc = ground.nodes.get('n1')!;
    const far = { x: 450, y: 8 };
    expect(freeSpot([disc, { x: disc.x, y: disc.y + ground.radius + 20 }, ground.clients[0]!, far], 50, taken)).toBe(far);
    expect(freeSpot([far], 50, [...taken, { x: 460, y: 0, w: 40, h: 20 }])).toBeUndefined();
  });
});

describe('layout', () => {
  it('counts the zones of a region also where none has a frame', () => {
    for (const size of [{ w: 1200, h: 700 }, { w: 390, h: 300 }]) {
      const { regions } = layout(cluster([[1, 1], [2]]), new Map(), size);
      expect(regions.map((region) => region.zoneCount)).toEqual([2, 1]);
    }
    expect(layout(cluster([[1, 1], [2]]), new Map(), { w: 390, h: 300 }).regions[0]!.zones).toEqual([]);
  });
  for (const [topology, clients, h] of [[plain(5), new Map<string, string>(), 190], [plain(5), new Map([['c1', 'n1'], ['c2', 'n2']]), 190],
    [cluster([[5]]), new Map([['c1', 'n1']]), 210], [cluster([[5]]), new Map([['c1', 'n1']]), 180], [cluster([[7]]), new Map([['c1', 'n1']]), 210]] as const) {
    it(`leaves room for words on the ${topology.nodes.length} discs of a projector ${h} lines low, with ${clients.size} clients`, () => {
      const { radius, nodes } = layout(topology, clients, { w: 746, h });
      expect(radius).toBeGreaterThanOrEqual(24);
      const spots = [...nodes.values()];
      for (const [at, a] of spots.entries()) for (const b of spots.slice(at + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(2 * radius);
    });
  }
  for (const [name, topology] of shapes) {
    for (const size of sizes) {
      it(`${name} fits ${size.w} x ${size.h} and no two discs touch`, () => {
        const room = roomFor(topology.nodes.length, size);
        const made = layout(topology, new Map([['c1', 'n1']]), room);
        const spots = [...made.nodes.values()];
        expect(spots).toHaveLength(topology.nodes.length);
        for (const { x, y } of spots) {
          expect(x - made.radius).toBeGreaterThanOrEqual(0);
          expect(x + made.radius).toBeLessThanOrEqual(room.w);
          expect(y - made.radius).toBeGreaterThanOrEqual(0);
          expect(y + made.radius).toBeLessThanOrEqual(room.h);
        }
        spots.forEach((a, at) => spots.slice(at + 1).forEach((b) => {
          expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(2 * made.radius);
        }));
      });
    }
  }

  it('keeps a node inside its zone and a zone inside its region', () => {
    const made = layout(cluster([[1, 1], [2, 1], [1]]), new Map(), { w: 850, h: 560 });
    const inside = (inner: { x: number; y: number }, box: { x: number; y: number; w: number; h: number }) =>
      inner.x >= box.x && inner.x <= box.x + box.w && inner.y >= box.y && inner.y <= box.y + box.h;
    const east = made.regions[0]!;
    expect(inside(made.nodes.get('n1')!, east.zones[0]!.box)).toBe(true);
    expect(inside(made.nodes.get('n2')!, east.zones[1]!.box)).toBe(true);
    expect(inside(east.zones[1]!.box, east.box)).toBe(true);
  });

  it('gathers clients that do not fit side by side into shared marks', () => {
    const clients = new Map(Array.from({ length: 20 }, (_, at) => [`c-${at + 1}`, 'n1']));
    const made = layout(plain(3), clients, { w: 390, h: 420 });
    expect(made.clients.length).toBeLessThanOrEqual(3);
    expect(made.clients.flatMap((mark) => mark.ids)).toHaveLength(20);
  });
});
