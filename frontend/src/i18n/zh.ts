import breaking from './zh/break';
import common from './zh/common';
import compare from './zh/compare';
import compose from './zh/compose';
import consoleWords from './zh/console';
import editor from './zh/editor';
import film from './zh/film';
import gallery from './zh/gallery';
import history from './zh/history';
import inbox from './zh/inbox';
import inspect from './zh/inspect';
import keep from './zh/keep';
import lens from './zh/lens';
import links from './zh/links';
import loss from './zh/loss';
import map from './zh/map';
import open from './zh/open';
import operate from './zh/operate';
import sweep from './zh/sweep';
import time from './zh/time';
import words from './zh/words';
import views from './zh/views';

import type en from './en';

/** Every key of the English catalogue, no more and no less. */
const zh: { [Area in keyof typeof en]: Record<keyof (typeof en)[Area], string> } = {
  common, map, break: breaking, time, inspect, keep, editor, film, gallery, history, sweep, compare, compose, console: consoleWords, inbox, lens, links, loss, open, operate, words, views,
};
export default zh;
