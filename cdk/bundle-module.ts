import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { REQUIRE } from './bundle.ts';

/**
 * The user's own module as one file beside Transfer's: with everything it imports, and not minified, so that the stacks of
 * its errors can be read. The name of the file tells its content. Types are taken off, not checked.
 */
export interface ModuleBundle {
  readonly file: string;
  readonly contents: Uint8Array;
}

/** Throws where there is no such file, where it cannot be bundled, and where it exports nothing that Skyhaul could call. */
export function bundleModule(path: string): ModuleBundle {
  const entry = resolve(path);
  if (!existsSync(entry)) throw new Error(`module must be the path of a file, got '${path}'`);
  const { outputFiles, metafile } = build(path, entry);
  const contents = outputFiles[0]?.contents;
  if (!contents) throw new Error(`module: bundling '${path}' gave no file`);
  const exports = Object.values(metafile.outputs)[0]?.exports ?? [];
  if (!exports.includes('default') && !exports.includes('consume')) {
    const found = exports.join(', ') || 'nothing';
    throw new Error(`module must export a function as default or as consume, '${path}' exports ${found}`);
  }
  return { file: `module-${createHash('sha256').update(contents).digest('hex').slice(0, 8)}.mjs`, contents };
}

function build(path: string, entry: string) {
  try {
    return buildSync({
      // The paths in its comments are those below its own folder, the same on every machine.
      absWorkingDir: dirname(entry),
      entryPoints: [basename(entry)],
      outfile: 'module.mjs',
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      target: 'node22',
      format: 'esm',
      mainFields: ['module', 'main'],
      legalComments: 'none',
      banner: { js: REQUIRE },
      logLevel: 'silent',
    });
  } catch (error) {
    throw new Error(`module: '${path}' cannot be bundled: ${error instanceof Error ? error.message : error}`);
  }
}
