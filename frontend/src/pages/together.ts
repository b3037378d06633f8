/** What is given to several runs at once: on which sides it acted, on which it was refused, and how to have it on none. */

import { faultText } from '../panels/faults';
import { pick, t } from '../i18n/index.svelte';
import type { Text } from '../core/descriptor';
import type { Refused, Session, Witness } from '../state/session.svelte';

interface Part {
  side: Session;
  label: string;
  key: string;
  refused: Text | null;
  offer?: Refused['offer'];
}
interface Given {
  line: { do: string };
  parts: Part[];
  /** What was said of it so far. */
  notice: number | null;
}

const REMEMBERED = 20;

export class Together implements Witness {
  private given: Given[] = [];

  /** `labels`: what the sides are called on the page; the first one leads. */
  constructor(private readonly sides: readonly Session[], private readonly labels: readonly string[]) {
    for (const side of sides) side.witness = this;
  }

  private get lead(): Session {
    return this.sides[0]!;
  }

  gave(line: { do: string }, keys: readonly string[]): void {
    this.dismiss(this.given.at(-1));
    const parts = this.sides.map((side, index) => ({ side, label: this.labels[index]!, key: keys[index]!, refused: null }));
    this.given = [...this.given.slice(1 - REMEMBERED), { line, parts, notice: null }];
  }

  refused(side: Session, message: Refused): boolean {
    const given = this.given.find(({ parts }) => parts.some((part) => part.side === side && part.key === message.key));
    if (!given || !message.text) return false;
    given.parts = given.parts.map((part) => (part.side === side ? { ...part, refused: message.text!, offer: message.offer } : part));
    this.dismiss(given);
    given.notice = this.tell(given);
    return true;
  }

  private dismiss(given: Given | undefined): void {
    if (given?.notice) this.lead.dismiss(given.notice);
  }

  private tell(given: Given): number | null {
    const joined = (parts: Part[]) => parts.map(({ label }) => label).join(t('compare.sides_joint'));
    const [did, others] = [given.parts.filter((part) => !part.refused), given.parts.filter((part) => part.refused)];
    const what = faultText(given.line, this.lead.lineWords);
    const reasons = others.map(({ label, refused }) => t('compare.refused_why', { side: label, reason: pick(refused!) })).join(' ');
    if (!did.length) return this.lead.notify({ tone: 'bad', key: 'compare.refused_all', values: { what, reasons }, offer: others[0]!.offer });
    const act = given === this.given.at(-1) ? { key: 'compare.undo_there', values: { did: joined(did) }, run: () => this.undo(given) } : undefined;
    return this.lead.notify({ tone: 'bad', key: 'compare.refused_some', values: { what, reasons, did: joined(did), others: joined(others) }, act });
  }

  private undo(given: Given): void {
    this.dismiss(given);
    this.lead.undo();
  }
}
