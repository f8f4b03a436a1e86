import { posix } from 'node:path';
import type { manifestFormats } from '../contract/batch-input.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export type ManifestFormat = (typeof manifestFormats)[number];

const BY_EXTENSION: Readonly<Record<string, ManifestFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.txt': 'txt',
  '.list': 'txt',
};

/**
 * The format by the name of the list: `.gz` and `.zst` are taken off, then .jsonl, .ndjson, .csv, .tsv, .txt and .list are
 * known. A name without extension (`-` too) says nothing: then the content does.
 *
 * @throws SkyhaulError `ManifestUnreadable` for any other extension
 */
export function formatOf(name: string): ManifestFormat | undefined {
  const plain = posix.basename(name.replaceAll('\\', '/').toLowerCase()).replace(/\.(gz|gzip|zst|zstd)$/, '');
  const extension = posix.extname(plain);
  if (extension === '') return undefined;
  const format = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
  if (format) return format;
  throw new SkyhaulError(
    'ManifestUnreadable',
    `the format of a list named *${extension} is not known; name it: jsonl, csv, tsv or txt (--format)`,
  );
}
