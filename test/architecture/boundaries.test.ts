import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, readSourceFiles, root, type SourceFile } from './source-files.ts';

const files = readSourceFiles();
const product = files.filter((file) => !file.path.startsWith('test/'));

const inFolder = (folder: string) => product.filter((file) => file.path.startsWith(`${folder}/`));

/** Every import of these files that the rule does not allow, as `file → import`. */
function breaches(of: readonly SourceFile[], allows: (specifier: string, file: SourceFile) => boolean): string[] {
  return of.flatMap((file) =>
    file.imports.filter((specifier) => !allows(specifier, file)).map((specifier) => `${file.path} → ${specifier}`),
  );
}

const isOwn = (specifier: string) => /^[a-z]+\/.*\.(ts|mjs|json)$/.test(specifier);

describe('where code may run', () => {
  it('keeps the engine free of everything that knows where it runs', () => {
    const foreign =
      /^(aws-cdk-lib|constructs|aws-lambda|@middy|@aws-lambda-powertools|aws-local-stepfunctions|commander)/;

    expect(inFolder('lib').length).toBeGreaterThan(10);
    expect(
      breaches(inFolder('lib'), (specifier) =>
        isOwn(specifier) ? specifier.startsWith('lib/') : !foreign.test(specifier),
      ),
    ).toEqual([]);
  });

  it('lets the engine read no environment, since what it may do is passed in', () => {
    expect(inFolder('lib').filter((file) => /process\s*\.\s*env|import\.meta\.env/.test(file.text))).toEqual([]);
  });

  it('loads nothing into a Lambda but the engine and the stack around it', () => {
    expect(
      breaches(
        inFolder('functions'),
        (specifier, file) =>
          /^(lib\/|functions\/|@middy\/core$|@aws-lambda-powertools\/|node:)/.test(specifier) ||
          // Types only; the test of the bundles would find more.
          ['aws-lambda', 'zod'].includes(specifier) ||
          // Whether the execution that holds a run is alive, Step Functions alone knows.
          (file.path === 'functions/executions.ts' && specifier === '@aws-sdk/client-sfn'),
      ),
    ).toEqual([]);
  });

  it('uses the CDK at synthesis only', () => {
    const others = product.filter((file) => !file.path.startsWith('cdk/') && !file.path.startsWith('localstack/'));

    expect(breaches(others, (specifier) => !/^(aws-cdk-lib|constructs|cdk\/)/.test(specifier))).toEqual([]);
  });

  it('lets the CDK stack build on the contract and the tables only, never on what runs later', () => {
    expect(
      breaches(inFolder('cdk'), (specifier) =>
        // Two pure readers of texts beside them: a bad CIDR or address is found at synthesis, by the same rules as later.
        isOwn(specifier)
          ? /^(cdk|lib\/(contract|errors))\/|^lib\/(source\/address-class|store\/s3-uri)\.ts$/.test(specifier)
          : true,
      ),
    ).toEqual([]);
  });

  it('starts the command line without loading the CDK, the bundler or what only a deployment needs', () => {
    const hook = `
      import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { console.error('loads ' + url); return next(url, context); } });
    `;
    const node = join(root, 'node_modules/.bin/node');
    const started = spawnSync(
      node,
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, 'cli/skyhaul.mjs', 'run', '--help'],
      { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const loaded = started.stderr.split('\n').filter((line) => line.startsWith('loads '));

    expect(started.status).toBe(0);
    expect(loaded.filter((line) => line.endsWith('/cli/run-command.ts'))).toHaveLength(1);
    expect(loaded.filter((line) => /node_modules\/(aws-cdk-lib|constructs|esbuild)\/|\/cdk\//.test(line))).toEqual([]);
    expect(loaded.filter((line) => /@aws-sdk\/client-(sfn|cloudformation)\//.test(line))).toEqual([]);
  });
});

describe('how data flows through the engine', () => {
  /** What a folder of lib/ may import from, beside itself. */
  const allowed: Record<string, readonly string[]> = {
    errors: [],
    contract: ['errors'],
    manifest: ['contract', 'errors'],
    source: ['contract', 'errors'],
    store: ['contract', 'errors'],
    ledger: ['contract', 'errors', 'store'],
    plan: ['contract', 'errors', 'manifest', 'store', 'ledger', 'transform'],
    transform: ['contract', 'errors', 'manifest', 'store'],
    transfer: ['contract', 'errors', 'manifest', 'source', 'store', 'ledger', 'transform'],
    report: ['contract', 'errors', 'manifest', 'plan', 'store', 'ledger'],
    janitor: ['contract', 'errors', 'plan', 'store', 'ledger', 'report'],
    library: ['contract', 'errors', 'manifest', 'source', 'store', 'ledger', 'transform', 'transfer'],
  };
  const folderOf = (path: string) => /^lib\/([a-z]+)\//.exec(path)?.[1];

  it.each(Object.keys(allowed))('lets lib/%s know nothing that stands behind it', (folder) => {
    expect(
      breaches(inFolder(`lib/${folder}`), (specifier) => {
        const to = folderOf(specifier);
        return to === undefined || to === folder || (allowed[folder] ?? []).includes(to);
      }),
    ).toEqual([]);
  });

  it('knows every folder of the engine, and none of these rules goes round in a circle', () => {
    const folders = new Set(inFolder('lib').flatMap((file) => folderOf(file.path) ?? []));
    const reaches = (from: string, to: string): boolean =>
      (allowed[from] ?? []).some((next) => next === to || reaches(next, to));

    expect([...folders].filter((folder) => !Object.hasOwn(allowed, folder))).toEqual([]);
    expect(Object.keys(allowed).filter((folder) => reaches(folder, folder))).toEqual([]);
  });

  it('speaks HTTP in lib/source only, and never through the global fetch, which accepts bodies that were cut', () => {
    const speaking = inFolder('lib').filter((file) => file.imports.some((name) => /^(undici|node:https?)$/.test(name)));

    // The S3 client tunes its own connections.
    expect(speaking.map((file) => file.path).filter((path) => !/^lib\/(source|store)\//.test(path))).toEqual([]);
    const running = ['lib', 'functions', 'cli'].flatMap(inFolder);
    expect(running.filter((file) => /(?<![.\w])fetch\(/.test(file.text)).map((file) => file.path)).toEqual([]);
  });
});

describe('how the house is kept', () => {
  it('has no file above 300 lines', () => {
    expect(files.filter((file) => file.text.split('\n').length > 301).map((file) => file.path)).toEqual([]);
  });

  it('has no file for things without a place', () => {
    const homeless = /^(utils?|helpers?|common|misc|index)\.[a-z]+$/;

    // The one public export.
    const homes = files.map(({ path }) => path).filter((path) => path !== 'lib/index.ts');
    expect(homes.filter((path) => homeless.test(basename(path)))).toEqual([]);
  });

  it('pins every package to one version', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const versions = Object.entries<string>({ ...dependencies, ...devDependencies });

    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('names no directory of the machine it was written on', () => {
    const machine = /\/(work|root|home|Users)\/|\bshared\/[A-Z]/;

    expect(product.filter((file) => machine.test(file.text)).map((file) => file.path)).toEqual([]);
  });
});

it('the rules above see static, dynamic and side-effect imports, re-exports and types', () => {
  const text = `
    import 'a'; import b from 'b'; import { c,
      d } from "c"; import type { E } from 'e'; export * from 'f'; export { g } from 'g';
    const h = await import('h'); const no = 'import is a word'; export const i = 'j';
  `;

  expect(importsOf(text)).toEqual(['a', 'b', 'c', 'e', 'f', 'g', 'h']);
});
