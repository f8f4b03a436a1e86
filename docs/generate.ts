import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { generatedFiles } from './generated.ts';

/** `node docs/generate.ts` writes the generated documents; with `--check` it only names those that are not current. */
const stale: string[] = [];
for (const [name, content] of generatedFiles()) {
  const path = join(import.meta.dirname, name);
  if ((await readFile(path, 'utf8').catch(() => '')) === content) continue;
  stale.push(`docs/${name}`);
  if (process.argv.includes('--check')) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`not current: ${stale.join(', ')}\nrun: npm run generate`);
  process.exitCode = 1;
}
