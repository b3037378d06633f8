/** Experiments as files, and where an experiment to edit comes from. */

import { scriptWith } from '../core/composer';
import type { Experiment } from '../core/experiment';
import { ApiError, request } from '../net/api';
import type { RunState } from '../net/messages';
import { readJson, type Reading } from './values';

export const FILE_BYTES_MAX = 512_000;

/** What a file holds, as far as the page can tell; the server checks the whole. A recipe's experiment counts too. */
export function readExperiment(text: string): Reading<Experiment> {
  if (text.length > FILE_BYTES_MAX) return { refused: { key: 'editor.bad_file_size', values: { limit: FILE_BYTES_MAX / 1000 } } };
  const found = readJson(text);
  if ('refused' in found) return { refused: { key: 'editor.bad_file_json', values: found.refused.values } };
  const data = found.value as { experiment?: unknown; format?: unknown; topology?: unknown } | null;
  const experiment = (data && typeof data === 'object' && 'experiment' in data ? data.experiment : data) as Partial<Experiment> | null;
  if (!experiment || typeof experiment !== 'object' || Array.isArray(experiment) || experiment.format !== 1) return { refused: { key: 'editor.bad_file_format' } };
  if (!experiment.topology || typeof experiment.topology !== 'object') return { refused: { key: 'editor.bad_file_topology' } };
  return { value: { ...experiment, topology: { ...experiment.topology, nodes: experiment.topology.nodes ?? [] } } as Experiment };
}

export const fileName = (experiment: Experiment): string => `${experiment.id.replaceAll('/', '-') || 'experiment'}.json`;

export function download(experiment: Experiment): void {
  const address = URL.createObjectURL(new Blob([`${JSON.stringify(experiment, null, 2)}\n`], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName(experiment);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** The experiment behind ?from=: a run's code, a catalogue id (with a variant) or a saved link's slug. */
export async function fetchExperiment(from: string): Promise<Experiment> {
  if (/^[0-9a-z]{6,8}$/.test(from)) {
    const run = await get<RunState>(`/api/runs/${from}`).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    });
    if (run) return withCommands(run);
  }
  return get<Experiment>(`/api/catalogue/${from.split('/').map(encodeURIComponent).join('/')}`);
}

const get = async <T>(path: string): Promise<T> => (await (await request(path)).json()) as T;

/** A run's experiment with what people did on its shown branch as lines of the script. */
export function withCommands(run: Pick<RunState, 'experiment' | 'branches' | 'playhead' | 'seed'>): Experiment {
  const commands = run.branches.find((branch) => branch.id === run.playhead.branch)?.commands ?? [];
  const at_s = (us: number) => us / 1e6;
  const operations = commands.filter((one) => one.do.do === 'client').map((one) => {
    const { do: _do, ...operation } = one.do as Record<string, unknown>;
    return { at_s: at_s(one.at_us), ...operation };
  });
  const { experiment } = run;
  return {
    ...experiment, seed: run.seed, faults: scriptWith(experiment.faults ?? [], commands),
    operations: [...(experiment.operations ?? []), ...operations] as Experiment['operations'],
  };
}
