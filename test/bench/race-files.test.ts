import { appendFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkFiles, makeFiles } from '../../bench/small/files.ts';

const it = test.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'skyhaul-race-files-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

describe('the referee of the race', () => {
  it('accepts the files under whatever names, with what a tool leaves beside them', async ({ folder }) => {
    const files = await makeFiles(join(folder, 'from'), 20);
    await cp(join(folder, 'from'), join(folder, 'to', 'deeper'), { recursive: true });
    await writeFile(join(folder, 'to', 'report.json'), '{}');

    await expect(checkFiles(join(folder, 'to'), files, (path) => path.endsWith('.json'))).resolves.toBeUndefined();
    await expect(checkFiles(join(folder, 'to'), files, () => false)).rejects.toThrow(
      /report\.json is none of the files/,
    );
  });

  it('sees a file that is missing, one that is there twice, and one that is a byte longer', async ({ folder }) => {
    const files = await makeFiles(join(folder, 'from'), 20);
    const [first = '', second = ''] = files.names;
    const copy = async (name: string) => {
      await cp(join(folder, 'from'), join(folder, name), { recursive: true });
      return join(folder, name);
    };
    const missing = await copy('missing');
    await rm(join(missing, first));
    const twice = await copy('twice');
    await cp(join(twice, first), join(twice, second));
    const longer = await copy('longer');
    await appendFile(join(longer, first), 'x');

    await expect(checkFiles(missing, files, () => false)).rejects.toThrow(/19 of 20/);
    await expect(checkFiles(twice, files, () => false)).rejects.toThrow(/too often there/);
    await expect(checkFiles(longer, files, () => false)).rejects.toThrow(/none of the files/);
  });

  it('has files of every size from 1 to 100 KB', async ({ folder }) => {
    const files = await makeFiles(folder, 200);

    expect(files.bytes / files.names.length).toBeGreaterThan(40_000);
    expect(files.bytes / files.names.length).toBeLessThan(60_000);
    expect(files.contents.size).toBe(200);
  });
});
