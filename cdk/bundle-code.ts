import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { bundleOptions, type HandlerName } from './bundle.ts';
import type { ModuleBundle } from './bundle-module.ts';

/**
 * The code of a function, bundled at synth time, in this process: no Docker. Its hash is that of the bundle, so the same
 * sources give the same asset on every machine, and a change elsewhere in the checkout deploys nothing.
 */
export const HANDLER = 'index.handler';
const FILE = 'index.mjs';

export function bundleCode(name: HandlerName, module?: ModuleBundle): Code {
  return Code.fromAsset(fileURLToPath(new URL('../functions', import.meta.url)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run, since the bundling below always does it.
      image: DockerImage.fromRegistry('unused'),
      // Tells one function's asset from the next in CDK's cache, which does not see what `local` does.
      command: module ? [name, module.file] : [name],
      local: {
        tryBundle(folder) {
          writeFileSync(join(folder, FILE), bundle(name));
          if (module) writeFileSync(join(folder, module.file), module.contents);
          return true;
        },
      },
    },
  });
}

/** One second each, so once in a process, however many stacks it synthesises. */
const bundles = new Map<HandlerName, Uint8Array>();

function bundle(name: HandlerName): Uint8Array {
  const known = bundles.get(name);
  if (known) return known;
  const { outputFiles } = buildSync({ ...bundleOptions(name, FILE), write: false });
  const contents = outputFiles[0]?.contents;
  if (!contents) throw new Error(`bundling functions/${name}.ts gave no file`);
  bundles.set(name, contents);
  return contents;
}
