import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { generatedFiles } from '../../docs/generated.ts';
import { errorNames } from '../../lib/errors/catalogue.ts';

const root = join(import.meta.dirname, '../..');

interface Schema {
  readonly properties: Readonly<Record<string, { default?: unknown; description?: string; enum?: string[] }>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

async function schema(name: string): Promise<Schema> {
  return JSON.parse(await readFile(join(root, 'docs/schemas', `${name}.schema.json`), 'utf8')) as Schema;
}

describe('generated documents', () => {
  it.each([...generatedFiles()])('docs/%s is current', async (name, content) => {
    expect(await readFile(join(root, 'docs', name), 'utf8')).toBe(content);
  });

  it('every error of the catalogue stands once on the page, with an anchor', async () => {
    const page = await readFile(join(root, 'docs/errors.md'), 'utf8');

    expect([...page.matchAll(/<a id="(\w+)">/g)].map(([, name]) => name).sort()).toEqual([...errorNames].sort());
  });
});

describe('docs/generate.ts --check', () => {
  const folders: string[] = [];
  afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))));

  it('names a stale file, leaves it as it is and fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skyhaul-docs-'));
    folders.push(folder);
    for (const part of [
      'docs/generate.ts',
      'docs/generated.ts',
      'docs/errors.md',
      'docs/schemas',
      'lib/contract',
      'lib/errors',
    ])
      await cp(join(root, part), join(folder, part), { recursive: true });
    await cp(join(root, 'package.json'), join(folder, 'package.json'));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const check = () => spawnSync(process.execPath, ['docs/generate.ts', '--check'], { cwd: folder, encoding: 'utf8' });
    expect(check()).toMatchObject({ status: 0, stderr: '' });

    await writeFile(join(folder, 'docs/errors.md'), 'old');
    const { status, stderr } = check();

    expect(status).toBe(1);
    expect(stderr).toContain('docs/errors.md');
    expect(stderr).not.toContain('schemas');
    expect(await readFile(join(folder, 'docs/errors.md'), 'utf8')).toBe('old');
  });
});

describe('the published schemas', () => {
  it('have the documented defaults', async () => {
    const { properties } = await schema('options');
    const defaults = Object.fromEntries(
      Object.entries(properties).flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
    );

    expect(defaults).toEqual({
      perHostConnections: 6,
      overwrite: 'if-changed',
      attempts: 5,
      hostAttempts: 8,
      connectTimeoutMs: 10_000,
      headersTimeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      minBytesPerSecond: 1_024,
      maxRedirects: 10,
      maxItems: 10_000_000,
      maxBytes: 53_687_091_200_000,
      maxHours: 72,
      skipInvalid: false,
      key: '{host}/{path}',
    });
    expect(properties.maxConcurrency?.description).toContain('Default 50; in-process 4');
    expect(properties.roundMinutes?.description).toContain('Default: 5, then 30');
  });

  it('ask people for no field that has a default', async () => {
    expect((await schema('batch-input')).required).toEqual(['to']);
    expect((await schema('item')).required).toEqual(['url']);
    expect((await schema('options')).required).toBeUndefined();
  });

  it('are strict for what people write and open for what they read', async () => {
    expect((await schema('item')).additionalProperties).toBe(false);
    expect((await schema('outcome')).additionalProperties).toBeUndefined();
    expect((await schema('summary')).additionalProperties).toBeUndefined();
  });

  it('name the fields of an outcome and every error it may carry', async () => {
    const { properties, required } = await schema('outcome');

    expect(required).toEqual(['line', 'url', 'outcome', 'attempts']);
    expect(properties.error?.enum).toEqual([...errorNames]);
    expect(properties.reason?.enum).toEqual(['exists', 'unchanged', 'duplicate']);
    expect(properties.verified?.enum).toEqual(['digest', 'length', 'chunked', 'unverified']);
  });

  it('say that a batch names items or a manifest, not both', async () => {
    expect(await schema('batch-input')).toMatchObject({
      not: { required: ['items', 'manifest'] },
      properties: { items: { items: { $ref: 'item.schema.json' } } },
    });
  });
});
