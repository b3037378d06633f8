/** Where a page's frames come from: a live run's socket, polling where a socket cannot be opened, or a saved link. */

import type { FrameHeader } from '../core/chunk';
import * as api from '../net/api';
import type { FromServer, RunState, ToServer } from '../net/messages';
import { RunSocket, type Connection } from '../net/socket';
import { readHeader, splitRange } from '../net/wire';

export interface Receiver {
  state(state: RunState): void;
  message(message: FromServer): void;
  frame(bytes: Uint8Array): void;
  connected(connection: Connection, attempts: number): void;
  /** What this page holds, for the hello after a reconnect. */
  have(): { branch: number; to_us: number } | null;
}

export interface Source {
  open(): void;
  close(): void;
  /** False when the message could not leave. */
  send(message: ToServer): boolean;
  /** Fetch the frames of a span; resolves to whether anything came. */
  /** `full`: also where viewers were sent an aggregate. */
  fetchRange(branch: number, revision: number, from_us: number, to_us: number, full?: boolean): Promise<boolean>;
}

const POLL_MS = 1000;
/** What the server takes without a socket; the rest (acknowledgements, wishes) is about frames that it sends. */
const BY_HTTP = new Set<ToServer['type']>(['command', 'undo', 'playhead', 'until', 'ping']);
/** After so many tries a socket counts as not to be had, and the page polls: sooner when it never opened here. */
const SOCKET_TRIES = 3;
const SOCKET_TRIES_AGAIN = 5;
/** After so many failures it is the server that is gone: the next try of the socket tells. */
const POLL_FAILURES = 3;
/** Answers without a search that was there, after which it counts as lost: its result may still be on the way. */
const SEARCH_MISSED_MAX = 2;

export class LiveSource implements Source {
  private socket: RunSocket;
  private polling: ReturnType<typeof setInterval> | undefined;
  private pollFailures = 0;
  private polledAfter = 0;
  private after = '';
  private searching = 0;

  constructor(private readonly code: string, private readonly receiver: Receiver) {
    this.socket = new RunSocket(`/ws/runs/${code}`, {
      opened: () => this.opened(),
      message: (message) => receiver.message(message),
      frame: (bytes) => receiver.frame(bytes),
      connection: (state, attempts) => this.connection(state, attempts),
    });
  }

  open(): void {
    this.socket.open();
  }

  close(): void {
    clearInterval(this.polling);
    this.socket.close();
  }

  send(message: ToServer): boolean {
    if (this.socket.send(message)) return true;
    if (this.polling === undefined) return false;
    if (BY_HTTP.has(message.type)) void this.sendByHttp(message);
    return true;
  }

  async fetchRange(branch: number, revision: number, from_us: number, to_us: number, full = false): Promise<boolean> {
    const level: Record<string, string> = full ? { level: 'full' } : {};
    const query = { branch, revision, from_us: Math.floor(from_us), to_us: Math.ceil(to_us), limit: 200, ...level };
    const { bytes } = await api.range(`/api/runs/${this.code}/range`, query);
    const frames = splitRange(bytes);
    for (const frame of frames) this.receiver.frame(frame);
    return frames.length > 0;
  }

  private opened(): void {
    this.socket.send({ type: 'hello', have: this.receiver.have() });
  }

  private connection(state: Connection, attempts: number): void {
    if (state === 'open') this.stopPolling();
    const unreachable = attempts >= (this.socket?.neverOpened ? SOCKET_TRIES : SOCKET_TRIES_AGAIN);
    // (A try that begins is told with the number of those that failed before.)
    if (unreachable && this.polling === undefined && attempts !== this.polledAfter) this.startPolling();
    this.polledAfter = attempts;
    this.receiver.connected(this.polling !== undefined ? 'polling' : state, attempts);
  }

  private stopPolling(): void {
    clearInterval(this.polling);
    this.polling = undefined;
  }

  private startPolling(): void {
    this.pollFailures = 0;
    this.polling = setInterval(() => void this.pollOnce(), POLL_MS);
    void this.pollOnce();
  }

  private async pollOnce(): Promise<void> {
    try {
      const state = await api.poll(this.code, this.after);
      if (this.polling === undefined) return;
      this.pollFailures = 0;
      this.after = state.after ?? this.after;
      this.receiver.state(state);
      const told = (state.messages ?? []) as FromServer[];
      for (const message of told) this.receiver.message(message);
      this.lookForSearch(told.some((one) => one.type === 'until_result') ? 'answered' : state.searching);
      this.receiver.connected('polling', 0);
    } catch {
      if (this.polling === undefined) return;
      if (++this.pollFailures >= POLL_FAILURES) this.stopPolling();
      this.receiver.connected('cut', this.socket.attempts);
    }
  }

  /** Nobody waits in vain for what the server forgot, whoever began it: `there` says whether it has a search, null when nobody knows. */
  private lookForSearch(there: boolean | 'answered' | null | undefined): void {
    if (there === 'answered') this.searching = 0;
    else if (there) this.searching = SEARCH_MISSED_MAX;
    else if (there === false && this.searching && --this.searching === 0) this.receiver.message({ type: 'until_result', found: false, at_us: null, reason: 'lost' });
  }

  private async sendByHttp(message: ToServer): Promise<void> {
    const answer = await api.postMessage(this.code, message).catch((error: unknown) => {
      if (!(error instanceof api.ApiError)) return null;
      return { messages: [{ type: 'error', field: error.field, message: error.message }] };
    });
    const list = Array.isArray(answer) ? answer : ((answer as { messages?: unknown[] } | null)?.messages ?? []);
    for (const one of list) this.receiver.message(one as FromServer);
    if (message.type === 'until' && answer && !list.length) this.searching = SEARCH_MISSED_MAX;
  }
}

/** A saved link: nothing is sent, frames come by range, and the playhead is this page's own. */
export class SavedSource implements Source {
  constructor(private readonly slug: string, private readonly receiver: Receiver) {}

  open(): void {
    this.receiver.connected('open', 0);
  }

  close(): void {}

  send(): boolean {
    return false;
  }

  async fetchRange(_branch: number, _revision: number, from_us: number, to_us: number): Promise<boolean> {
    const query = { from_us: Math.floor(from_us), to_us: Math.ceil(to_us) };
    const { bytes } = await api.range(`/api/links/${this.slug}/range`, query);
    const frames = splitRange(bytes);
    for (const frame of frames) this.receiver.frame(frame);
    return frames.length > 0;
  }
}

export const headerOf = (bytes: Uint8Array): FrameHeader => readHeader(bytes).header;
