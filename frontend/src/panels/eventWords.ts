/** An event in words: what it was, why it happened and what came of it, by the vocabulary of its system. */

import { isLog, isLogDiff, KIND, type Json, type TraceEvent } from '../core/chunk';
import { descriptorOf } from '../core/scene';
import { noteOf, type ViewField } from '../core/descriptor';
import { duration } from '../core/result';
import type { Arrow, Chain } from '../core/why';
import { listed, noteText, pick, said, t } from '../i18n/index.svelte';
import { messageWord } from '../state/menus.svelte';
import type { Session } from '../state/session.svelte';
import { faultText } from './faults';

/** "n2: append entries from n1 arrives". */
export function eventWords(event: TraceEvent, arrived: Arrow | null, session: Session): string {
  const [, , kind, process, , detail] = event;
  const values = { process, from: String(detail ?? ''), message: arrived ? messageWord(arrived.type, session) : t('views.message') };
  switch (kind) {
    case KIND.deliver: return t('views.event_deliver', values);
    case KIND.timer: return t('views.event_timer', { process, timer: fieldTitle(process, String(detail), session) });
    case KIND.disk: return t('views.event_disk', { process, write: String(detail) });
    case KIND.request: return t('views.event_request', values);
    case KIND.start: return t('views.event_start', { process, life: String(detail) });
    case KIND.drop: return t('views.event_drop', { ...values, reason: String(detail) });
    default: return faultText((detail ?? {}) as Record<string, unknown>, session.lineWords);
  }
}

export function chainWords(chain: Chain, session: Session): string {
  if (chain.event) return eventWords(chain.event, chain.arrived, session);
  const { from, to, type } = chain.arrived!;
  return t('inspect.feed_lost', { from, to, message: messageWord(type, session) });
}

export function causeWords({ arrived, cause, at_us, event }: Chain, session: Session): string {
  if (arrived && event) return t('views.cause_message', { message: messageWord(arrived.type, session), from: arrived.from });
  return cause ? t('views.cause_event', { from: cause.process, time: duration(at_us - cause.at_us) }) : t('views.cause_none');
}

export function sentWords(arrow: Arrow, session: Session): string {
  return t(arrow.lost ? 'views.sent_lost' : 'views.sent', { message: messageWord(arrow.type, session), to: arrow.to });
}

/** What it changed at its process: "role: follower → candidate" without what was there before, which is on show elsewhere. */
export function changeWords(event: TraceEvent, session: Session): string[] {
  const { fields = {}, grown = {}, maps = {}, gone = {} } = event[6] ?? {};
  const line = (name: string, text: string): string => said(fieldTitle(event[3], name, session), text);
  return [
    ...Object.entries({ ...fields, ...maps }).map(([name, value]) => line(name, valueText(value, fieldOf(event[3], name, session), session, event[3]))),
    ...Object.entries(gone).map(([name, keys]) => line(name, t('views.keys_gone', { keys: listed(keys) }))),
    ...Object.entries(grown).map(([name, [last]]) => line(name, t('views.log_to', { last }))),
  ];
}

/** The card names the process of its event already; in one of a command each note says whose it is. */
export function noteLines(event: TraceEvent, session: Session): { text: string; section: string }[] {
  return (event[7] ?? []).flatMap(([id, values, , by]) => {
    const note = noteOf(session.descriptors, id);
    const text = note ? noteText(note, values) : '';
    return note ? [{ text: by ? said(by, text) : text, section: note.section }] : [];
  });
}

function fieldOf(process: string, name: string, session: Session): ViewField | undefined {
  return descriptorOf(session.world?.processes[process], session.descriptors)?.fields.find((field) => field.name === name);
}
export function fieldTitle(process: string, name: string, session: Session): string {
  const field = fieldOf(process, name, session);
  return field ? pick(field.title) : name.replaceAll('_', ' ');
}

const TEXT_MAX = 60;
/** A value of a field for a line of text; logs by their end, roles by their word. */
export function valueText(value: Json | undefined, field: ViewField | undefined, session: Session, process: string): string {
  if (value === undefined) return '–';
  if (value === null) return t('inspect.none');
  if (isLogDiff(value)) return value.add.length ? t('views.log_to', { last: value.last }) : t('views.log_cut', { last: value.last });
  if (isLog(value)) return t('views.log_state', { last: value.last, hash: String(value.hash).slice(0, 4) });
  if (field?.kind === 'role') {
    const role = descriptorOf(session.world?.processes[process], session.descriptors)?.roles.find((one) => one.name === value);
    return role ? pick(role.title) : String(value);
  }
  const text = typeof value === 'string' ? value : Array.isArray(value) && value.every((one) => typeof one !== 'object') ? listed(value) : JSON.stringify(value);
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text || '–';
}
