/** The whole page over a trace of a system that does not exist: nothing under src knows its name. */

import { configure, screen, waitFor, within } from '@testing-library/dom';
import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';

import type { Chunk } from '../src/core/chunk';
import type { LinkState } from '../src/net/messages';
import { language } from '../src/i18n/index.svelte';
import Playground from '../src/pages/Playground.svelte';
import { BoardView } from '../src/state/board.svelte';
import { checkSentence } from '../src/panels/verdicts';
import { draftOf } from '../src/state/script.svelte';
import { ui } from '../src/state/ui.svelte';
import { Session } from '../src/state/session.svelte';
import { bytesOf, chunk, keyframe, process, tides } from './helpers';

const log = { first: 1, last: 2, hash: 'beef', entries: [[2, 'shell'], [3, 'sand']] };
const made = chunk(0, 1_000_000, {
  keyframe: {
    ...keyframe(0, {
      n1: { ...process({ moon: 3, phase: 'flood', reached: 1, shore: log as never, gulls: [] }), system: 'tides' },
      n2: { ...process({ moon: 3, phase: 'ebb', reached: 1, shore: log as never, gulls: [] }, 'n2'), system: 'tides' },
    }),
    clients: { c1: { at: 'n1', waiting: 0, oldest_us: null, ok: 1, fail: 0, unknown: 0 } },
    checks: { dry_feet: { verdict: 'violated', judged: 4, event: 5, at_us: 100, note: ['tides.turned', { height: 7 }] } },
  },
  sends: [[9, 1, 100_000, 900_000, 'n1', 'n2', 0, 'tides.Wave', [3, 2]]],
  events: [
    [5, 200_000, 1, 'n1', 0, 'pull', null, [['tides.turned', { height: 7 }]]],
    [6, 300_000, 4, '', 0, { do: 'kill', resolved: ['n2'], command: 1 }, { node: { n2: { state: 'down', life: 1 } } }, null],
  ],
});

const link: LinkState = {
  slug: 'abcdef', code: 'abcdef', title: 'Shore', seed: 4, engine: 1, role: 'viewer', you: '', viewers: 1,
  branches: [{ id: 0, parent: null, fork_us: 0, revision: 0, head_us: 1e6, title: null, commands: [], played_us: 1e6 }],
  playhead: { branch: 0, playing: false, speed: 1, anchor_us: 250_000, anchor_ms: 0, sequence: 0, gate_us: null },
  server_ms: 0, stop_us: 1_000_000, at_us: 250_000, branch: 0, reproduces: true,
  experiment: {
    format: 1, id: 'shore', title: { en: 'Shore', zh: '海岸' }, system: 'tides', seed: 4, stop_s: 1,
    topology: { nodes: [{ id: 'n1' }, { id: 'n2' }] }, workload: [{ client: 'c1', at: 'n1', rate: 5 }],
  },
};

// A busy machine may take its time.
configure({ asyncUtilTimeout: 15_000 });
let shown: ReturnType<typeof mount> | null = null;
function show(saved: LinkState = link, recorded: Chunk | null = made): Session {
  const session = new Session('abcdef', { systems: { tides }, faults: { kill: { title: { en: 'Kill', zh: '宕机' } } } }, saved);
  if (recorded) session.frame(bytesOf(recorded));
  shown = mount(Playground, { target: document.body, props: { session, board: new BoardView(session) } });
  flushSync();
  return session;
}
afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  language.current = 'en';
});

describe('the page', () => {
  it('draws an invented system: roles, epochs, notes, verdicts', async () => {
    const session = show();
    await waitFor(() => screen.getByRole('button', { name: 'n1, flood, term 3' }));
    screen.getByRole('button', { name: 'n2, ebb, term 3' });
    for (const name of ['Cluster map', 'Timeline', 'Inspector', 'Event feed', 'Verdicts']) screen.getByRole('region', { name });
    await waitFor(() => within(screen.getByRole('region', { name: 'Event feed' })).getByText(/turns at height 7/));
    within(screen.getByRole('region', { name: 'Verdicts' })).getByRole('button', { name: /dry feet: violated, judged 4/ });
    session.goTo(300_000);
    await waitFor(() => screen.getByRole('button', { name: 'n2, down' }));
    session.goTo(0);
    await waitFor(() => screen.getByRole('button', { name: 'n2, ebb, term 3' }));
  });

  it('keeps in the menu what a narrow header has no room for', async () => {
    ui.width = 1024;
    show();
    await waitFor(() => screen.getByRole('button', { name: 'n1, flood, term 3' }));
    expect(screen.queryByRole('button', { name: 'New run' })).toBeNull();
    screen.getByRole('button', { name: 'Menu' }).click();
    flushSync();
    screen.getByRole('button', { name: 'New run' });
  });

  it('has the controls by their names, and says why a saved link cannot be broken', async () => {
    ui.width = 1440;
    show();
    await waitFor(() => screen.getByRole('button', { name: 'n1, flood, term 3' }));
    for (const name of ['Play', 'Step forward', 'Step back', 'Kill', 'Restart', 'Freeze', 'Partition', 'Heal', 'Save link', 'Fork', 'New run']) screen.getByRole('button', { name });
    screen.getByRole('slider', { name: 'Speed' });
    screen.getByRole('slider', { name: 'Time' });
    const kill = screen.getByRole('button', { name: 'Kill' });
    expect(kill.getAttribute('aria-disabled')).toBe('true');
    expect(kill.getAttribute('title')).toContain('read only');
  });

  it('says why a key does nothing, and means the node that has the focus', async () => {
    const session = show();
    session.selected = 'n1';
    await waitFor(() => screen.getByRole('button', { name: 'n2, ebb, term 3' }));
    const other = screen.getByRole('button', { name: 'n2, ebb, term 3' });
    other.focus();
    for (let times = 0; times < 2; times++) other.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', bubbles: true }));
    flushSync();
    expect(session.selected).toBe('n2');
    expect(screen.getAllByText('Kill: a saved link is read only: fork it.')).toHaveLength(1);
  });

  it('draws a link that is cut and held at once', async () => {
    const network = { ...made.keyframe.network, cuts: [['n1', 'n2']] as [string, string][], holds: [['n1', 'n2']] as [string, string][] };
    show(link, { ...made, keyframe: { ...made.keyframe, network } });
    await waitFor(() => expect(document.querySelectorAll('.barrier')).toHaveLength(2));
  });

  it('forgets the picture of a branch that the pointer left before it came', async () => {
    const line = link.branches[0]!;
    const session = show({ ...link, branches: [line, { ...line, id: 1, parent: 0, fork_us: 0, commands: [{ seq: 1, at_us: 0, do: { do: 'kill', target: 'n1' } }] }] });
    let arrived: (() => void) | null = null;
    session.want = () => ({ then: (go: () => void) => { arrived = go; } }) as unknown as Promise<boolean>;
    const other = within(screen.getByRole('group', { name: 'Branches' })).getByRole('button', { name: /^branch 2/ });
    other.focus();
    await waitFor(() => expect(arrived).not.toBeNull());
    other.blur();
    flushSync();
    expect(arrived!).not.toThrow();
  });

  it('leaves the picture its room on a phone of whoever may only watch', () => {
    ui.width = 390;
    const session = show();
    const height = () => document.querySelector<HTMLElement>('.drawer')!.style.height;
    session.link = null;
    session.run = { ...link, head_us: 0 };
    session.role = 'viewer';
    flushSync();
    expect(height()).toBe('46px');
    session.role = 'owner';
    flushSync();
    expect(height()).not.toBe('46px');
    ui.width = 1440;
  });

  it('says what a check of any system asks', () => {
    expect(checkSentence('linearizable', { tides })).toMatch(/explains every answer/);
    expect(checkSentence('nobody_knows', { tides })).toBe('');
  });

  it('lets go of the drawer when a window grows', async () => {
    ui.width = 390;
    show();
    const content = document.querySelector('.drawer .content')!;
    ui.width = 1440;
    flushSync();
    await new Promise((resolve) => setTimeout(resolve));
    const errors: string[] = [];
    const told = (event: ErrorEvent) => errors.push(event.message);
    window.addEventListener('error', told);
    content.dispatchEvent(new Event('scroll'));
    window.removeEventListener('error', told);
    expect(errors).toEqual([]);
  });

  it('has one draft of the script, which outlives the view that asked first', async () => {
    const session = show();
    await waitFor(() => screen.getByRole('tab', { name: 'Script' }));
    screen.getByRole('tab', { name: 'Script' }).click();
    flushSync();
    void unmount(shown!);
    shown = null;
    flushSync();
    draftOf(session).set([{ do: 'kill', target: 'n1', at_s: 0.5 }]);
    expect(draftOf(session).lines).toMatchObject([{ do: 'kill' }]);
  });

  it('says of a saved link without a recording that there is nothing to wait for', () => {
    show({ ...link, trace: { from_us: 0, to_us: 0, complete: false } }, null);
    screen.getByText('Nothing of this run was simulated when the link was saved. Fork it to run it.');
  });

  it('switches language without losing the moment', async () => {
    const session = show();
    await waitFor(() => screen.getByRole('button', { name: 'n1, flood, term 3' }));
    const before = session.at_us;
    screen.getByRole('button', { name: /switch to Chinese/ }).click();
    await waitFor(() => screen.getByRole('button', { name: 'n1，涨潮，任期 3' }));
    screen.getByRole('region', { name: '集群地图' });
    expect(session.at_us).toBe(before);
  });
});
