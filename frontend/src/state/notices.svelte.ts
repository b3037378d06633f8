/** What a session has to say to the person, until it is read. */

import type { Blocker } from '../core/recover';

export interface BranchMoment {
  branch: number;
  at_us: number;
}

/** A message for the person: a catalogue key with values, or a text that the server wrote in both languages. */
export interface Notice {
  id: number;
  tone: 'info' | 'bad';
  key?: string;
  values?: Record<string, string | number>;
  /** The reason, which stands in the text as {reason}. */
  because?: Blocker;
  text?: { en: string; zh: string };
  offer?: 'fork' | 'script';
  /** Where a fork is offered, if not at the moment on show. */
  there?: BranchMoment;
  /** What a person can do about it; it stays until they do, or close it. */
  act?: { key: string; values: Record<string, string>; run: () => void };
}

export class Notices {
  notices = $state.raw<Notice[]>([]);
  private nextNotice = 1;
  /** Who says what this session has to say: beside others, the one that leads. */
  herald: ((notice: Omit<Notice, 'id'>) => number) | null = null;

  /** The number it has, by which it can be dismissed. */
  notify(notice: Omit<Notice, 'id'>): number {
    if (this.herald) return this.herald(notice);
    const made = { ...notice, id: this.nextNotice++ };
    this.notices = [...this.notices.slice(-3), made];
    if (!notice.act) setTimeout(() => this.dismiss(made.id), notice.offer ? 20_000 : 7000);
    return made.id;
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((notice) => notice.id !== id);
  }
}
