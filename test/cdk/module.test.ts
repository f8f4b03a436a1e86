import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleModule } from '../../cdk/bundle-module.ts';
import { propsFromContext } from '../../cdk/context.ts';
import { SkyhaulStack } from '../../cdk/stack.ts';
import { root } from '../architecture/source-files.ts';
import { synthesise } from './synth.ts';

const example = join(root, 'examples/modules/jsonl-to-parquet.ts');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skyhaul-module-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(code: string, ...below: readonly string[]): string {
  const path = join(folder, ...below);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'mine.ts'), code);
  return join(path, 'mine.ts');
}

describe('the prop module', () => {
  it('puts the module beside the code of Transfer, and tells Transfer, and Plan that there is one', () => {
    const app = new App({ analyticsReporting: false, context: { module: example } });
    new SkyhaulStack(app, 'Test', propsFromContext);
    const { directory } = app.synth();

    const assets = readdirSync(directory).filter((name) => name.startsWith('asset.'));
    const modules = assets.flatMap((asset) =>
      readdirSync(join(directory, asset)).filter((name) => name !== 'index.mjs'),
    );
    expect(modules).toEqual([expect.stringMatching(/^module-[0-9a-f]{8}\.mjs$/)]);
    const template = JSON.parse(readFileSync(join(directory, 'Test.template.json'), 'utf8')) as {
      Resources: Record<string, { Properties: { Environment?: { Variables: Record<string, unknown> } } }>;
    };
    const told = Object.entries(template.Resources).flatMap(([id, { Properties }]) =>
      Properties.Environment?.Variables.SKYHAUL_MODULE === modules[0] ? [id] : [],
    );
    expect(told).toEqual([expect.stringContaining('Plan'), expect.stringContaining('Transfer')]);
  });

  it('changes nothing where it is not given', () => {
    expect(synthesise().environment('Transfer').SKYHAUL_MODULE).toBeUndefined();
  });

  it.each([
    ['export const a = 1;', /^module must export a function as default or as consume, '.*' exports a$/],
    ['a(', /^module: '.*' cannot be bundled: /],
    ["import 'no-such-package'; export default () => 1;", /cannot be bundled: .*no-such-package/s],
  ])('refuses %s when the app is synthesised', (code, message) => {
    const module = written(code);

    expect(() => synthesise(() => ({ module }))).toThrow(message);
  });

  it('refuses a path where nothing is', () => {
    expect(() => synthesise(() => ({ module: './none.ts' }))).toThrow(
      "module must be the path of a file, got './none.ts'",
    );
  });
});

describe('the bundle of a module', () => {
  it('brings what it imports along, has readable names, and runs', async () => {
    const { file, contents } = bundleModule(example);
    writeFileSync(join(folder, file), contents);

    const { default: transform } = (await import(/* @vite-ignore */ join(folder, file))) as { default: () => unknown };

    expect(transform.name).toBe('jsonlToParquet');
    expect(String(Buffer.from(contents))).not.toMatch(/from "hyparquet-writer"/);
  });

  it('is the same wherever it lies, and another one with other code', () => {
    const code = 'export default () => new TransformStream();';
    const here = bundleModule(written(code, 'a'));
    const there = bundleModule(written(code, 'b', 'c'));
    const other = bundleModule(written(`${code} export const consume = () => 1;`, 'd'));

    expect(there).toEqual(here);
    expect(other.file).not.toBe(here.file);
  });
});
