import type { Outcome } from '../contract/outcome.ts';
import type { Summary } from '../contract/summary.ts';
import { catalogue } from '../errors/catalogue.ts';
import type { Cause } from './causes.ts';

export type FailedSample = Pick<Outcome, 'line' | 'url' | 'error' | 'message'>;

/** `report.html`: one page that opens anywhere, without scripts, fonts or pictures from elsewhere. */
export function reportHtml(summary: Summary, failed: readonly FailedSample[], causes: readonly Cause[] = []): string {
  const { counts, notTried = 0 } = summary;
  const figures: readonly (readonly [string, string])[] = [
    ['stored', counts.stored.toLocaleString('en')],
    ['skipped', counts.skipped.toLocaleString('en')],
    ['failed', (counts.failed - notTried).toLocaleString('en')],
    ...(notTried > 0 ? [['not tried', notTried.toLocaleString('en')] as const] : []),
    ['bytes stored', summary.bytes.toLocaleString('en')],
    ['seconds', summary.seconds.toLocaleString('en')],
    ['estimated cost', `$${summary.cost.toFixed(4)}`],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Skyhaul run ${escapeHtml(summary.run)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24; }
  dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1rem; }
  dt { color: #57606a; } dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
  table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .4rem; border-top: 1px solid #d0d7de; vertical-align: top; }
  td { overflow-wrap: anywhere; } code { font-size: .9em; }
</style>
<h1>Run <code>${escapeHtml(summary.run)}</code></h1>
<dl>${figures.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>
${summary.limit === undefined ? '' : `<p><strong>The run ended at a limit</strong>: ${escapeHtml(summary.limit)}.</p>`}
${causesTable(causes)}
${failedTable(failed, counts.failed - notTried)}
<p>Every line: <code>${escapeHtml(summary.report)}</code><br>The failed ones, to run again: <code>${escapeHtml(summary.failed)}</code></p>
</html>
`;
}

function causesTable(causes: readonly Cause[]): string {
  if (causes.length === 0) return '';
  const rows = causes.map(({ error = 'Unexpected', status, count }) => {
    const name = status === undefined ? error : `${error} (${status})`;
    return `<tr><td>${count.toLocaleString('en')}<td><strong>${name}</strong><td>${escapeHtml(catalogue[error].cure)}`;
  });
  return `<h2>Why lines failed</h2>
<table><tr><th>Lines<th>Error<th>What to do
${rows.join('\n')}
</table>`;
}

function failedTable(failed: readonly FailedSample[], total: number): string {
  if (failed.length === 0) return '';
  const rows = failed.map(({ line, url, error, message }) => {
    const cure = error ? catalogue[error].cure : '';
    return `<tr><td>${line}<td>${escapeHtml(url)}<td><strong>${error ?? ''}</strong><br>${escapeHtml(message ?? '')}<td>${escapeHtml(cure)}`;
  });
  const shown = total > failed.length ? `The first ${failed.length} of ${total} failed lines` : 'Failed lines';
  return `<h2>${shown}</h2>
<table><tr><th>Line<th>URL<th>What happened<th>What to do
${rows.join('\n')}
</table>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
