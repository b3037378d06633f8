/** What the timeline paints: term bands, elections, faults, acknowledgements, pauses, violations, lanes per node. */

import { isPassing, type Fault, type Json } from './chunk';
import { fieldOfKind, roleOf, type Descriptor, type Descriptors } from './descriptor';
import { numberIn } from './scene';
import type { Trace } from './trace';

export interface Band {
  from_us: number;
  to_us: number;
  epoch: number;
}
export interface Lane {
  node: string;
  /** Stretches in which this process led. */
  leading: Band[];
}
export interface FaultBar {
  id: string;
  fault: Fault;
  from_us: number;
  to_us: number;
  row: number;
}
export interface TimelineModel {
  bands: Band[];
  elections: { at_us: number; node: string; epoch: number }[];
  lanes: Lane[];
  faults: FaultBar[];
  marks: { at_us: number; command: Record<string, Json> }[];
  acknowledged_us: number[];
  /** How long each acknowledged operation had taken. */
  latency_us: number[];
  failed_us: number[];
  observed_us: number[];
  gaps: { from_us: number; to_us: number }[];
  violations: { at_us: number; check: string }[];
  until_us: number;
}

/** Rows that fault bars are spread over. */
export const FAULT_ROWS = 3;

interface Reading {
  epoch: Record<string, number>;
  role: Record<string, string>;
  /** Open stretch of leadership by process. */
  leads: Record<string, Band>;
}

export function timelineModel(trace: Trace, branch: number, descriptors: Descriptors, limit_us: number, usual_gap_us: number): TimelineModel {
  const model: TimelineModel = {
    bands: [], elections: [], lanes: [], faults: [], marks: [], acknowledged_us: [], latency_us: [], failed_us: [], observed_us: [], gaps: [], violations: [], until_us: 0,
  };
  const reading: Reading = { epoch: {}, role: {}, leads: {} };
  const lanes = new Map<string, Lane>();
  const open = new Map<string, FaultBar>();
  const kinds = kindsOf(descriptors);
  for (const { piece, until_us } of trace.pieces(branch, limit_us + 1)) {
    const { summary } = piece;
    const end = Math.min(until_us, limit_us);
    for (const [process, fields] of Object.entries(summary.start)) {
      for (const [name, value] of Object.entries(fields)) read(summary.t0_us, process, name, value);
    }
    for (const [at_us, process, name, value] of summary.changes) if (at_us <= end) read(at_us, process, name, value);
    for (const [at_us, command] of summary.commands) if (at_us <= end) model.marks.push({ at_us, command: command as Record<string, Json> });
    for (const [at_us, faults] of summary.faults) if (at_us <= end) takeFaults(faults, at_us);
    for (const [at_us, took_us, ok] of summary.ended) {
      if (!ok || at_us > end) continue;
      model.acknowledged_us.push(at_us);
      model.latency_us.push(took_us);
    }
    model.observed_us.push(...summary.observed_us.filter((at) => at <= end));
    model.failed_us.push(...summary.failed_us.filter((at) => at <= end));
    for (const [at_us, check, verdict] of summary.verdicts) if (verdict === 'violated' && at_us <= end) violated(at_us, check);
    model.until_us = end;
  }
  return finish();

  function read(at_us: number, process: string, field: string, value: Json): void {
    const kind = kinds.get(field);
    if (kind?.epoch) raise(at_us, (reading.epoch[process] = numberIn(value)));
    if (!kind?.crowned) return;
    const leads = kind.crowned.has(String(value));
    const lane = lanes.get(process) ?? { node: process, leading: [] };
    lanes.set(process, lane);
    const band = reading.leads[process];
    if (leads && !band) {
      const epoch = reading.epoch[process] ?? 0;
      if (reading.role[process] !== undefined) model.elections.push({ at_us, node: process, epoch });
      lane.leading.push((reading.leads[process] = { from_us: at_us, to_us: Infinity, epoch }));
    } else if (!leads && band) {
      band.to_us = at_us;
      delete reading.leads[process];
    }
    reading.role[process] = String(value);
  }

  function raise(at_us: number, epoch: number): void {
    const last = model.bands.at(-1);
    if (last && last.epoch >= epoch) return;
    if (last) last.to_us = at_us;
    model.bands.push({ from_us: at_us, to_us: Infinity, epoch });
  }

  function takeFaults(faults: Fault[], at_us: number): void {
    const ids = new Set(faults.map((fault) => String(fault.id)));
    for (const [id, bar] of open) {
      if (ids.has(id)) continue;
      bar.to_us = at_us;
      open.delete(id);
    }
    for (const fault of faults) {
      const id = String(fault.id);
      if (open.has(id)) continue;
      const used = new Set([...open.values()].map((bar) => bar.row));
      const row = [0, 1, 2].find((one) => !used.has(one)) ?? FAULT_ROWS - 1;
      const asked = model.marks.find((mark) => String(mark.command.fault) === id)?.command;
      const told = { ...(asked?.arguments as object | undefined), ...(asked ? { resolved: asked.resolved } : {}), ...fault } as Fault;
      const bar = { id, fault: told, from_us: fault.since_us, to_us: Infinity, row };
      open.set(id, bar);
      model.faults.push(bar);
    }
  }

  function violated(at_us: number, check: string): void {
    if (!isPassing(check) && !model.violations.some((one) => one.check === check)) model.violations.push({ at_us, check });
  }

  /** What has been played but is not in hand is neither painted nor taken for a pause. */
  function finish(): TimelineModel {
    for (const bar of [...model.faults, ...model.bands, ...[...lanes.values()].flatMap((lane) => lane.leading)]) {
      bar.to_us = Math.min(bar.to_us, model.until_us);
    }
    model.lanes = [...lanes.values()].sort((a, b) => a.node.localeCompare(b.node, undefined, { numeric: true }));
    model.gaps = gapsIn(model.acknowledged_us, model.until_us, usual_gap_us);
    return model;
  }
}

/** Pauses between acknowledgements that are longer than usual. The first one starts with the first acknowledgement. */
export function gapsIn(acknowledged_us: readonly number[], until_us: number, usual_us: number): { from_us: number; to_us: number }[] {
  const gaps: { from_us: number; to_us: number }[] = [];
  for (let index = 0; index < acknowledged_us.length; index++) {
    const from_us = acknowledged_us[index]!;
    const to_us = acknowledged_us[index + 1] ?? until_us;
    if (to_us - from_us > usual_us) gaps.push({ from_us, to_us });
  }
  return gaps;
}

function kindsOf(descriptors: Descriptors): Map<string, { epoch: boolean; crowned: Set<string> | null }> {
  const kinds = new Map<string, { epoch: boolean; crowned: Set<string> | null }>();
  for (const descriptor of Object.values(descriptors)) {
    const epoch = fieldOfKind(descriptor, 'epoch')?.name;
    const role = fieldOfKind(descriptor, 'role')?.name;
    if (epoch) kinds.set(epoch, { epoch: true, crowned: null });
    if (role) kinds.set(role, { epoch: false, crowned: merge(kinds.get(role)?.crowned, crowned(descriptor)) });
  }
  return kinds;
}

const crowned = (descriptor: Descriptor) => new Set(descriptor.roles.filter((role) => roleOf(descriptor, role.name)?.crown).map((role) => role.name));
const merge = (a: Set<string> | null | undefined, b: Set<string>) => new Set([...(a ?? []), ...b]);

/** Steps of an axis: about one tick per `room` pixels, at 1, 2 or 5 times a power of ten. */
export function ticks(from_us: number, to_us: number, count: number): number[] {
  const raw = Math.max(1000, (to_us - from_us) / Math.max(1, count));
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw) ?? raw;
  const found: number[] = [];
  for (let at = Math.ceil(from_us / step) * step; at <= to_us; at += step) found.push(at);
  return found;
}
