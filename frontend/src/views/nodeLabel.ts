/** How a node is called by who hears the page: its name, role, epoch and badges. */

import type { NodeScene } from '../core/scene';
import { epochWord, language, pick, t } from '../i18n/index.svelte';

const roleWord = (scene: NodeScene): string => (scene.role ? pick(scene.role.title) : scene.roleName);
/** What is written in the disc, so that who says what they see is understood. */
const shortWord = (scene: NodeScene): string => {
  const short = pick(scene.role?.short);
  return short && short.toLowerCase() !== roleWord(scene).toLowerCase() ? short : '';
};
export const hasEpoch = (scene: NodeScene): boolean => Boolean(scene.descriptor?.fields.some((field) => field.kind === 'epoch'));

export function nodeLabel(scene: NodeScene, badges: string[] = []): string {
  const short = shortWord(scene);
  const values = { node: scene.id, role: short || roleWord(scene), word: epochWord(scene.descriptor), epoch: scene.epoch };
  if (scene.state === 'down') return t('map.node_down', values);
  if (scene.state === 'paused') return t('map.node_paused', values);
  const word = hasEpoch(scene) ? t('map.node_label', values) : t('map.node_label_plain', values);
  return [word, ...(short ? [roleWord(scene)] : []), ...badges].join(language.current === 'zh' ? '，' : ', ');
}
