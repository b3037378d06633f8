/** How a node is called by who hears the page: its name, role, epoch and badges. */

import type { NodeScene } from '../core/scene';
import { epochWord, language, pick, t } from '../i18n/index.svelte';

const roleWord = (scene: NodeScene): string => (scene.role ? pick(scene.role.title) : scene.roleName);
export const hasEpoch = (scene: NodeScene): boolean => Boolean(scene.descriptor?.fields.some((field) => field.kind === 'epoch'));

export function nodeLabel(scene: NodeScene, badges: string[] = []): string {
  const values = { node: scene.id, role: roleWord(scene), word: epochWord(scene.descriptor), epoch: scene.epoch };
  if (scene.state === 'down') return t('map.node_down', values);
  if (scene.state === 'paused') return t('map.node_paused', values);
  const word = hasEpoch(scene) ? t('map.node_label', values) : t('map.node_label_plain', values);
  return [word, ...badges].join(language.current === 'zh' ? '，' : ', ');
}
