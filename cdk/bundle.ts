import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

/**
 * How a handler becomes the one file that Lambda runs: ES module, minified, the SDK and undici pinned inside. Names of
 * errors survive, because they are literals (see SkyhaulError); the names of classes and functions do not matter.
 */
export type HandlerName = 'plan' | 'transfer' | 'report' | 'janitor';

/** undici and parts of the SDK are CommonJS and call `require` for Node's own modules. */
export const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

export function bundleOptions(name: HandlerName, outfile: string) {
  return {
    entryPoints: [fileURLToPath(new URL(`../functions/${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: false,
    legalComments: 'none',
    banner: { js: REQUIRE },
    logLevel: 'silent',
  } as const satisfies BuildOptions;
}
