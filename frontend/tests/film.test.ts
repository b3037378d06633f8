import { describe, expect, it } from 'vitest';

import { FRAMES_MAX, momentsOf } from '../src/core/animation';

const order = { from_us: 1_000_000, to_us: 3_000_000, speed: 0.5, rate: 10, width: 720 };

describe('the moments of a moving picture', () => {
  it('are evenly spread, both ends among them', () => {
    const moments = momentsOf(order);
    expect(moments).toHaveLength(41);
    expect([moments[0], moments[1], moments.at(-1)]).toEqual([1_000_000, 1_050_000, 3_000_000]);
  });
  it('are never so many that nobody could send the file, nor fewer than two', () => {
    expect(momentsOf({ ...order, speed: 0.001 })).toHaveLength(FRAMES_MAX);
    expect(momentsOf({ ...order, speed: 100 })).toEqual([1_000_000, 3_000_000]);
  });
});
