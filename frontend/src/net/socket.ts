/** One socket to one run. It reconnects with jitter, resends nothing by itself, and tells when it is cut off. */

import type { FromServer, ToServer } from './messages';

export type Connection = 'connecting' | 'open' | 'cut' | 'polling';

export interface SocketHandlers {
  opened(): void;
  message(message: FromServer): void;
  frame(bytes: Uint8Array): void;
  connection(state: Connection, attempts: number): void;
}

const RETRY_MS = [250, 500, 1000, 2000, 4000, 8000] as const;
/** The server sends a heartbeat each second; after this silence the connection counts as dead. */
const SILENCE_MS = 6000;
/** The same once the browser says that its network is gone: it may be wrong about the server on this very machine. */
const SILENCE_OFFLINE_MS = 2000;

/** The wait before attempt n: doubling, with up to half of it at random so that a class does not come back at once. */
export function retryDelay(attempt: number, random = Math.random()): number {
  const base = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]!;
  return base * (0.75 + random / 2);
}

export class RunSocket {
  attempts = 0;
  private socket: WebSocket | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private heard_ms = 0;
  private closed = false;
  private everOpened = false;

  constructor(private readonly path: string, private readonly handlers: SocketHandlers) {}

  open(): void {
    this.closed = false;
    addEventListener('online', this.again);
    this.handlers.connection(this.everOpened ? 'cut' : 'connecting', this.attempts);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    let socket: WebSocket;
    try {
      socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    } catch {
      this.lost();
      return;
    }
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    socket.onopen = () => this.onOpen(socket);
    socket.onmessage = (event) => this.onMessage(event);
    socket.onclose = () => this.socket === socket && this.lost();
    clearInterval(this.watch);
    this.heard_ms = performance.now();
    this.watch = setInterval(() => this.listen(), 1000);
  }

  send(message: ToServer): boolean {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  get neverOpened(): boolean {
    return !this.everOpened;
  }

  close(): void {
    this.closed = true;
    removeEventListener('online', this.again);
    clearTimeout(this.retry);
    clearInterval(this.watch);
    this.socket?.close();
  }

  private onOpen(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.everOpened = true;
    this.attempts = 0;
    this.heard_ms = performance.now();
    this.handlers.connection('open', 0);
    this.handlers.opened();
  }

  private onMessage(event: MessageEvent): void {
    this.heard_ms = performance.now();
    if (typeof event.data === 'string') this.handlers.message(JSON.parse(event.data) as FromServer);
    else this.handlers.frame(new Uint8Array(event.data as ArrayBuffer));
  }

  /** The network is back: no reason to wait for the next try. */
  private again = (): void => {
    if (this.socket || this.closed) return;
    clearTimeout(this.retry);
    this.open();
  };

  private listen(): void {
    if (performance.now() - this.heard_ms > (navigator.onLine ? SILENCE_MS : SILENCE_OFFLINE_MS)) this.socket?.close();
    if (this.socket && this.socket.readyState >= WebSocket.CLOSING) this.lost();
  }

  private lost(): void {
    this.socket = null;
    clearInterval(this.watch);
    if (this.closed) return;
    this.handlers.connection(this.everOpened ? 'cut' : 'connecting', ++this.attempts);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), retryDelay(this.attempts));
  }
}

/** A key that names one command for good: crypto.randomUUID needs a secure context, random values do not. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
