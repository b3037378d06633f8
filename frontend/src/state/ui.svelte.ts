/** What only this page knows: theme, folded panels, tabs, open menus. Kept in the browser where that helps. */

import type { Point } from '../core/layout';

export interface MenuItem {
  label: string;
  icon?: string;
  key?: string;
  why?: string | null;
  run: () => void;
}
export interface Menu {
  x: number;
  y: number;
  title: string;
  items: MenuItem[];
}

type Theme = 'auto' | 'light' | 'dark';
export type View = 'map' | 'space' | 'logs' | 'clients' | 'metrics' | 'console' | 'inbox' | 'composer' | 'links' | 'lanes';
const VIEWS: readonly string[] = ['map', 'space', 'logs', 'clients', 'metrics', 'console', 'inbox', 'composer', 'links', 'lanes'];

function stored<T extends string>(key: string, fallback: T): T {
  try {
    return (localStorage.getItem(`platform-lab.${key}`) as T | null) ?? fallback;
  } catch {
    return fallback;
  }
}
function store(key: string, value: string): void {
  try {
    localStorage.setItem(`platform-lab.${key}`, value);
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}

/** A projector stays one from page to page, as long as the tab lasts. */
const PROJECTOR = 'platform-lab.projector';
function projected(): boolean {
  try {
    if (new URLSearchParams(location.search).has('projector')) sessionStorage.setItem(PROJECTOR, '1');
    return sessionStorage.getItem(PROJECTOR) === '1';
  } catch {
    return new URLSearchParams(location.search).has('projector');
  }
}

/** `?view=logs` opens a page at that view. */
function asked(): View {
  const view = new URLSearchParams(location.search).get('view') ?? 'map';
  return VIEWS.includes(view) ? (view as View) : 'map';
}

class Ui {
  theme = $state<Theme>(stored<Theme>('theme', 'auto'));
  /** Rises when colours change, for what is painted on a canvas. */
  themeVersion = $state(0);
  projector = $state(projected());
  leftOpen = $state(true);
  rightOpen = $state(true);
  leftTab = $state<'build' | 'break' | 'operate' | 'client' | 'script'>('break');
  rightTab = $state<'state' | 'log' | 'disk' | 'flight' | 'rule'>('state');
  drawerTab = $state<'break' | 'node' | 'events' | 'branches' | 'run'>('break');
  /** null: nobody has chosen yet. */
  drawerHeight = $state<0 | 1 | 2 | null>(null);
  view = $state<View>(asked());
  /** The view beside it, on the same clock and the same selection. */
  second = $state<View | null>(null);
  menu = $state.raw<Menu | null>(null);
  dialog = $state<'share' | 'keys' | 'compare' | null>(null);
  /** The share dialog was opened to save: it does so at once. */
  saving = false;
  drawing = $state(false);
  /** Drawing round nodes picks them. */
  lasso = $state(false);
  drawn = $state.raw<{ from: Point; to: Point } | null>(null);
  width = $state(innerWidth);
  height = $state(innerHeight);

  constructor() {
    matchMedia?.('(prefers-color-scheme: light)').addEventListener('change', () => this.themeVersion++);
    addEventListener('resize', () => [this.width, this.height] = [innerWidth, innerHeight]);
    this.apply();
  }

  get phone(): boolean {
    return this.width < 760;
  }

  get light(): boolean {
    return this.theme === 'light' || (this.theme === 'auto' && Boolean(matchMedia?.('(prefers-color-scheme: light)').matches));
  }

  /** Where the map is not on show it comes. */
  startLasso(allowed: boolean): void {
    this.lasso = !this.lasso && allowed;
    this.drawing = false;
    if (this.lasso && this.second !== 'map') this.view = 'map';
  }

  toggleTheme(): void {
    this.theme = this.light ? 'dark' : 'light';
    store('theme', this.theme);
    this.apply();
  }

  openShare(saving: boolean): void {
    this.saving = saving;
    this.dialog = 'share';
  }

  toggleProjector(): void {
    this.projector = !this.projector;
    try {
      sessionStorage.setItem(PROJECTOR, this.projector ? '1' : '');
    } catch {
      // The address says it as well.
    }
    const address = new URL(location.href);
    if (this.projector) address.searchParams.set('projector', '');
    else address.searchParams.delete('projector');
    history.replaceState(null, '', address);
    this.apply();
  }

  apply(): void {
    const root = document.documentElement;
    if (this.theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = this.theme;
    if (this.projector) root.dataset.projector = '';
    else delete root.dataset.projector;
    this.themeVersion++;
  }
}

export const ui = new Ui();
