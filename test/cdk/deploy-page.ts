import { readFileSync } from 'node:fs';

/** `docs/deploy.md`, its tables without the padding that the formatter gives them. */
export function readDeployPage(): string {
  const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
  return page.replace(/^\|.*\|$/gm, (row) =>
    row
      .replace(/ *\| */g, ' | ')
      .replace(/-{3,}/g, '---')
      .trim(),
  );
}
