/** Preloading as the page follows it. */

import { describe, expect, it } from 'vitest';

import { Preload } from '../src/state/preload.svelte';

function preloading(shares: (number | Error)[]): { preload: Preload; wait: (ms: number) => void } {
  let now = 0;
  const ask = () => {
    const next = shares.shift()!;
    return next instanceof Error ? Promise.reject(next) : Promise.resolve({ share: next });
  };
  return { preload: new Preload('abcdef', ask, () => now), wait: (ms) => (now += ms) };
}
async function looks(preload: Preload, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    preload.stop();
    await preload.look();
  }
  preload.stop();
}

describe('preloading', () => {
  it('grows until it is done, never back', async () => {
    const { preload } = preloading([0, 0.4, 0.3, 1]);
    preload.start();
    await looks(preload, 2);
    expect([preload.phase, preload.share]).toEqual(['running', 0.4]);
    await looks(preload, 1);
    expect([preload.phase, preload.share]).toEqual(['done', 1]);
  });

  it('stops when nothing moves for long, and can be asked again', async () => {
    const { preload, wait } = preloading([0.2, 0.2, 0.6]);
    preload.start();
    await new Promise((resolve) => setTimeout(resolve, 0));
    wait(41_000);
    await looks(preload, 1);
    expect(preload.phase).toBe('stopped');
    preload.start();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect([preload.phase, preload.share]).toEqual(['running', 0.6]);
    preload.stop();
  });

  it('says what the server refused', async () => {
    const { preload } = preloading([new Error('only the owner')]);
    preload.start();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect([preload.phase, preload.problem]).toEqual(['stopped', 'only the owner']);
  });

  it('is asked anew after a command', async () => {
    const { preload } = preloading([1]);
    preload.start();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(preload.phase).toBe('done');
    preload.outdated();
    expect(preload.phase).toBe('idle');
  });
});
