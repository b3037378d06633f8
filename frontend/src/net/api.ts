/** The HTTP side of docs/protocol.md. Errors keep the server's field and message. */

import { language, said, t } from '../i18n/index.svelte';
import type { Disaster } from '../core/operate';
import type { Descriptors } from '../core/descriptor';
import type { Experiment, FaultLine } from '../core/experiment';
import type { LinkState, RunState } from './messages';

export interface FaultWord {
  title?: { en: string; zh: string };
  [key: string]: unknown;
}
export interface Systems {
  systems: Descriptors;
  faults: Record<string, FaultWord>;
  disasters?: Record<string, Disaster>;
}

interface Refusal {
  field?: string;
  message?: string;
  message_zh?: string;
}
/** Why the server refused, in the reader's language. */
export const refusalText = (error: Refusal): string => (language.current === 'zh' && error.message_zh) || error.message || '';

export class ApiError extends Error {
  constructor(readonly status: number, readonly field: string, message: string, readonly allowed?: unknown, readonly body?: unknown) {
    super(message);
  }
}

function csrfToken(): string {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? document.body.dataset.csrf ?? '';
}

export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body) headers['Content-Type'] = options.body instanceof Blob ? options.body.type : 'application/json';
  if (options.method && options.method !== 'GET') headers['X-CSRFToken'] = csrfToken();
  const response = await fetch(path, { credentials: 'same-origin', ...options, headers }).catch(unreached);
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as { error?: Refusal & { allowed?: unknown } } | null;
  const error = body?.error;
  const message = error ? refusalSentence(error, response.status) : t('common.no_answer', { status: response.status });
  throw new ApiError(response.status, error?.field ?? '', message, error?.allowed, body);
}

/** A whole sentence: what is said of bad input has its field for a subject. */
export function refusalSentence(error: Refusal, status: number | undefined): string {
  return status === 400 && error.field ? said(error.field, refusalText(error)) : refusalText(error);
}

/** Browsers say in English, each in its own words, that nothing answers. */
function unreached(error: Error): never {
  throw error.name === 'AbortError' ? error : new Error(t('common.no_server'));
}

const get = async <T>(path: string): Promise<T> => (await (await request(path)).json()) as T;
const post = async <T>(path: string, body: unknown): Promise<T> =>
  (await (await request(path, { method: 'POST', body: JSON.stringify(body) })).json()) as T;

/** What the page brought along of its own systems, else all of them. */
export const systems = async (): Promise<Systems> => {
  const along = document.getElementById('described')?.textContent;
  return along ? (JSON.parse(along) as Systems) : get<Systems>('/api/systems');
};
export const runState = (code: string) => get<RunState>(`/api/runs/${code}`);
export const linkState = (slug: string) => get<LinkState>(`/api/links/${slug}`);
export const createRun = (body: {
  experiment?: string | Experiment; seed?: number; set?: Record<string, unknown>;
  title?: string; playing?: boolean; from?: { run?: string; link?: string; branch?: number; at_us?: number };
}) => post<{ code: string; url: string }>('/api/runs', body);
/** A branch of a run that follows another fault script from the start; the shared playhead goes there. */
export const playScript = (code: string, body: { key: string; branch: number; at_us: number; faults: FaultLine[] }) =>
  post<{ branch: number }>(`/api/runs/${code}/script`, body);
export const saveLink = (body: { run: string; branch: number; at_us: number; title: string }) =>
  post<{ slug: string; url: string }>('/api/links', body);
export const grant = (run: string, role: 'controller' | 'viewer' | 'owner') =>
  post<{ id: number; url: string }>('/api/grants', { run, role });
/** Takes a role back that a link gave. */
export const revokeGrant = (id: number) => request(`/api/grants/${id}`, { method: 'DELETE' });
/** The pen for everybody who comes, or back. */
export const shareControl = (code: string, open_control: boolean) => post<{ open_control: boolean }>(`/api/runs/${code}/share`, { open_control });
/** Starts computing the run to its end and pins it, or says how far that is. */
export const preload = (code: string) => post<{ share: number }>(`/api/runs/${code}/preload`, {});
export const postMessage = (code: string, message: unknown) => post<unknown>(`/api/runs/${code}/messages`, message);
export const poll = (code: string, after: string) =>
  get<RunState & { messages?: unknown[]; after?: string; searching?: boolean | null }>(`/api/runs/${code}/poll?after=${encodeURIComponent(after)}`);

export async function range(path: string, query: Record<string, string | number>): Promise<{ bytes: Uint8Array; head_us: number | null }> {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const response = await request(`${path}?${search}`);
  const head = response.headers.get('X-Head-Us');
  return { bytes: new Uint8Array(await response.arrayBuffer()), head_us: head === null ? null : Number(head) };
}

export interface ComparisonSide {
  system?: string;
  variant?: string;
  set?: Record<string, unknown>;
}
/** Paused runs of one experiment in several forms. */
export const compare = (body: { experiment: string | Experiment; sides: ComparisonSide[]; seed?: number }) =>
  post<{ runs: string[]; url: string }>('/api/comparisons', body);
export const comparisonForms = (id: string) => get<{ variants: string[]; systems: string[]; parameters?: Record<string, unknown> }>(`/api/comparisons/${id}/forms`);
