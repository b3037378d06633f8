import { t } from '../i18n/index.svelte';

/** What an axis of virtual time says at a tick, alike in every view: seconds, with as few digits as tell it. */
export const tickText = (us: number): string => t('time.tick', { time: Number((us / 1e6).toFixed(6)).toString() });
