import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

/** Colours are told apart by everybody: contrast of text, and distance as people see it who do not see red or green. */

type Rgb = [number, number, number];
const css = readFileSync(join(__dirname, '..', 'src', 'styles', 'theme.css'), 'utf8');

function theme(selector: string): Record<string, Rgb> {
  const block = css.slice(css.indexOf(`${selector} {`));
  const body = block.slice(0, block.indexOf('}'));
  return Object.fromEntries([...body.matchAll(/--([\w-]+): #([0-9a-f]{6})/g)].map(([, name, hex]) =>
    [name!, [0, 2, 4].map((at) => parseInt(hex!.slice(at, at + 2), 16) / 255) as Rgb]));
}
const linear = (one: number) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
const encoded = (one: number) => (one <= 0.0031308 ? one * 12.92 : 1.055 * one ** (1 / 2.4) - 0.055);
const luminance = (colour: Rgb) => colour.map(linear).reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at]!, 0);
function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light! + 0.05) / (dark! + 0.05);
}
/** As `color-mix(in srgb, ...)` mixes. */
const mixed = (one: Rgb, other: Rgb, share: number): Rgb => one.map((value, at) => value * share + other[at]! * (1 - share)) as Rgb;

/** Machado, Oliveira and Fernandes, 2009: severity 1, on linear light. */
const SEEN: Record<string, number[][]> = {
  everything: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  'no red': [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  'no green': [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};
const seen = (colour: Rgb, matrix: number[][]): Rgb => {
  const light = colour.map(linear);
  return matrix.map((row) => encoded(Math.max(0, Math.min(1, row.reduce((sum, share, at) => sum + share * light[at]!, 0))))) as Rgb;
};
/** OKLab (Ottosson, 2020): a distance of 0.02 can just be seen side by side. */
function lab(colour: Rgb): Rgb {
  const [r, g, b] = colour.map(linear) as Rgb;
  const [l, m, s] = [0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b, 0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
    0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b].map(Math.cbrt) as Rgb;
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
const distance = (one: Rgb, other: Rgb) => Math.hypot(...lab(one).map((value, at) => value - lab(other)[at]!));

const TERMS = ['term-0', 'term-1', 'term-2', 'term-3', 'term-4', 'term-5'];
const VERDICTS = ['ok', 'warn', 'bad'];
const TEXT_MIN = 4.5;
/** Three times what can just be seen. Verdicts and faults carry a sign and a word besides, terms their number. */
const APART_MIN = 0.06;

describe.each([['dark', ':root'], ['light', ':root[data-theme="light"]']])('the %s theme', (name, selector) => {
  const colours = theme(selector);
  const of = (what: string): Rgb => {
    if (!colours[what]) throw new Error(`${name} has no --${what}`);
    return colours[what];
  };
  it.each(['bg', 'panel', 'panel2', 'disc'])('has readable text on --%s', (ground) => {
    for (const ink of ['text', 'muted', 'acc', ...VERDICTS]) expect(contrast(of(ink), of(ground)), `--${ink} on --${ground}`).toBeGreaterThanOrEqual(TEXT_MIN);
  });
  it.each(VERDICTS)('has readable signs on --%s', (mark) => {
    expect(contrast(of('on-mark'), of(mark))).toBeGreaterThanOrEqual(TEXT_MIN);
  });
  it('has readable words on its buttons', () => {
    expect(contrast(of('acc-ink'), of('acc'))).toBeGreaterThanOrEqual(TEXT_MIN);
  });
  it.each(TERMS)('has readable words on the tint of --%s, and dark ones on the hue itself', (term) => {
    expect(contrast(of('text'), mixed(of(term), of('disc'), 0.15)), 'a node').toBeGreaterThanOrEqual(TEXT_MIN);
    expect(contrast([0x0b / 255, 0x12 / 255, 0x20 / 255], of(term)), 'a log cell').toBeGreaterThanOrEqual(TEXT_MIN);
  });
  it.each(Object.keys(SEEN))('keeps terms, verdicts and faults apart for who sees %s', (who) => {
    const close = [...TERMS.flatMap((one) => VERDICTS.map((other) => [one, other] as const)), ['ok', 'warn'], ['ok', 'bad'], ['warn', 'bad']] as [string, string][];
    const found = close.map(([one, other]) => ({ pair: `${one} ${other}`, apart: distance(seen(of(one), SEEN[who]!), seen(of(other), SEEN[who]!)) }));
    expect(found.filter((one) => one.apart < APART_MIN)).toEqual([]);
  });
});
