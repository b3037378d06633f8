/** What a page keeps by itself: the list of commands, and where it looked before a reload. */

import { describe, expect, it } from 'vitest';

import { withCommand } from '../src/core/commands';
import type { Playhead } from '../src/core/playhead';
import type { Branch } from '../src/net/messages';
import { keepMoment, playheadOf, recallMoment } from '../src/state/moment';

const branch = (id: number, commands: Branch['commands'] = []): Branch => (
  { id, parent: null, fork_us: 0, revision: 0, title: null, commands, played_us: 0 });
const kill = { do: 'kill', target: 'n1' };

describe('the list of commands', () => {
  it('takes what the server accepted, once, in order of time', () => {
    const first = withCommand([branch(0), branch(1)], { branch: 0, seq: 1, at_us: 500, do: kill });
    const second = withCommand(first, { branch: 0, seq: 2, at_us: 200, do: { do: 'heal' } });
    const again = withCommand(second, { branch: 0, seq: 2, at_us: 200, do: { do: 'heal' } });
    expect(again[0]!.commands.map((one) => one.seq)).toEqual([2, 1]);
    expect(again[1]!.commands).toEqual([]);
  });

  it('is not touched by the answer to an undo', () => {
    const before = [branch(0, [{ seq: 1, at_us: 5, do: kill }])];
    expect(withCommand(before, { branch: 1, at_us: 5 })).toEqual(before);
  });
});

describe('the moment of a page', () => {
  const moment = { branch: 2, at_us: 1_500_000, speed: 0.5, playing: false, alone: true, selected: 'n3' };

  it('comes back after a reload only', () => {
    keepMoment('abcdef', moment);
    expect(recallMoment('abcdef', sessionStorage, true)).toEqual(moment);
    expect(recallMoment('abcdef', sessionStorage, false)).toBeNull();
    expect(recallMoment('another', sessionStorage, true)).toBeNull();
  });

  it('is nothing when what was kept is no moment', () => {
    sessionStorage.setItem('platform-lab.moment.broken', '{');
    expect(recallMoment('broken', sessionStorage, true)).toBeNull();
  });

  it('stands where it stood, under the gate of the shared playhead', () => {
    const shared: Playhead = { branch: 0, playing: true, speed: 1, anchor_us: 9, anchor_ms: 1, sequence: 7, gate_us: 4e6 };
    expect(playheadOf(moment, shared, 33)).toEqual({ branch: 2, playing: false, speed: 0.5, anchor_us: 1_500_000, anchor_ms: 33, sequence: 7, gate_us: 4e6 });
  });
});
