import { type ActiveItem, bytesPerSecond, endedItems, type ProgressState } from './progress-state.ts';
import { fitText, padText, plainText } from './terminal-text.ts';
import { formatBytes, formatClock, formatCount } from './units.ts';

/** The live view: state in, lines out. No line is wider than `columns - 1`, so that none wraps. */
export interface View {
  readonly columns: number;
  readonly rows: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

const MOST_ITEMS = 6;
const BAR = 20;

export function renderProgress(state: ProgressState, view: View): string[] {
  const columns = Math.max(10, view.columns - 1);
  const shown = Math.max(0, Math.min(MOST_ITEMS, view.rows - 4));
  const items = [...state.active.values()].slice(0, shown).map((item) => renderItem(item, columns, view.now));
  const hidden = state.active.size - items.length;
  const more = hidden > 0 && shown > 0 ? [`  and ${formatCount(hidden)} more at once`] : [];
  return [...items, ...more, renderTotals(state, view.now)].map((line) => fitText(line, columns));
}

function renderItem(item: ActiveItem, columns: number, now: number): string {
  const figures = itemFigures(item, now);
  const room = columns - figures.length - 4;
  // On a narrow terminal the bar goes first, then the figures: what is being fetched matters most.
  if (room < 12) return `  ${plainText(item.key)}`;
  const withBar = room >= 12 + BAR + 2 && !item.retry;
  const name = room - (withBar ? BAR + 2 : 0);
  const bar = withBar ? `${renderBar(item)}  ` : '';
  return `  ${padText(fitText(plainText(item.key), name), name)}  ${bar}${figures}`;
}

function itemFigures(item: ActiveItem, now: number): string {
  if (item.retry) {
    const seconds = Math.max(0, Math.ceil((item.retry.until - now) / 1_000));
    return `${plainText(item.retry.error)}, again in ${seconds} s`;
  }
  const of = item.totalBytes === undefined ? '' : ` / ${formatBytes(item.totalBytes)}`;
  const seconds = (now - item.startedAt) / 1_000;
  const rate = seconds >= 0.5 && item.bytes > 0 ? `${formatBytes(item.bytes / seconds)}/s` : '';
  return `${`${formatBytes(item.bytes)}${of}`.padStart(23)}${rate.padStart(13)}`;
}

function renderBar({ bytes, totalBytes }: ActiveItem): string {
  if (totalBytes === undefined) return ' '.repeat(BAR);
  const filled = totalBytes === 0 ? BAR : Math.min(BAR, Math.floor((bytes / totalBytes) * BAR));
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

export function renderTotals(state: ProgressState, now: number): string {
  const { counts } = state;
  const left = state.total === undefined ? undefined : state.total - endedItems(state);
  const rate = bytesPerSecond(state);
  return [
    ...(counts.failed > 0 ? [`${formatCount(counts.failed)} failed`] : []),
    `${formatCount(counts.stored)} stored`,
    ...(counts.skipped > 0 ? [`${formatCount(counts.skipped)} skipped`] : []),
    ...(left === undefined ? [] : [`${formatCount(Math.max(0, left))} to go`]),
    phaseText(state, now),
    formatBytes(state.movedBytes),
    ...(rate === undefined ? [] : [`${formatBytes(rate)}/s`]),
    formatClock((now - state.startedAt) / 1_000),
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

function phaseText(state: ProgressState, now: number): string {
  switch (state.phase) {
    case 'planning':
      return 'reading the list';
    case 'waiting':
      return `waiting ${formatClock(Math.ceil(((state.waitUntil ?? now) - now) / 1_000))}`;
    case 'moving':
    case 'reported':
      return '';
  }
}
