import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The product's own files and what each of them imports, read as text: nothing is loaded. */
export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Packages as they are written, own files as paths from the root. */
  readonly imports: readonly string[];
}

export const root = fileURLToPath(new URL('../../', import.meta.url));
const folders = ['lib', 'functions', 'cdk', 'cli', 'localstack', 'examples', 'docs', 'bench', 'test'] as const;

export function readSourceFiles(): SourceFile[] {
  return folders
    .map((folder) => join(root, folder))
    .filter((path) => existsSync(path))
    .flatMap(walk)
    .map(readSourceFile);
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path);
    return /\.(ts|mts|mjs|js)$/.test(entry.name) ? [path] : [];
  });
}

function readSourceFile(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const imports = importsOf(text).map((specifier) =>
    specifier.startsWith('.') ? relative(root, join(dirname(path), specifier)) : specifier,
  );
  return { path: relative(root, path), text, imports };
}

/** Static, dynamic and side-effect imports, re-exports, and types. */
export function importsOf(text: string): string[] {
  const pattern = /(?:^|[\s;}])(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*\(?\s*['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].flatMap(([, specifier]) => specifier ?? []);
}
