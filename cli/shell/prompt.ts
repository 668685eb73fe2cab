// The prompt: who, what is selected, and what waits to be committed, confirmed or saved.
import type { Session } from './session.ts';
import { TEXTS } from './texts.ts';

/** `router[2 uncommitted]# `; `>` for those who may only look. */
export function promptOf({ state, terminal, selection }: Session): string {
  if (!state) return 'sekisho> ';
  const t = (name: keyof typeof TEXTS) => TEXTS[name][terminal.language];
  const selected =
    selection.kind === 'none' || terminal.dialect === 'seil' ? '' : `${selection.kind}${selection.number}`;
  const waits = [
    ...(state.uncommitted > 0 && terminal.dialect === 'seil'
      ? [`${state.uncommitted} ${t('uncommitted')}`]
      : []),
    ...(state.confirmWithin === undefined ? [] : [`${t('confirm')} ${state.confirmWithin} s`]),
    ...(state.unsaved > 0 ? [t('notSaved')] : []),
  ];
  const sign = state.role === 'admin' ? '#' : '>';
  return `${state.hostname}${selected === '' ? '' : ` ${selected}`}${waits.length > 0 ? `[${waits.join(', ')}]` : ''}${sign} `;
}
