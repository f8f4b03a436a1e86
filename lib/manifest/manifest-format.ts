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
  '': 'txt',
};

/**
 * The format by the name of the list: `.gz` is taken off, then .jsonl, .ndjson, .csv, .tsv, .txt and .list are known; a
 * name without extension (`-` too) is a text of URLs.
 *
 * @throws SkyhaulError `ManifestUnreadable` for any other extension
 */
export function formatOf(name: string): ManifestFormat {
  const plain = posix.basename(name.replaceAll('\\', '/').toLowerCase()).replace(/\.gz$/, '');
  const extension = posix.extname(plain);
  const format = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
  if (format) return format;
  throw new SkyhaulError(
    'ManifestUnreadable',
    `the format of a list named *${extension} is not known; name it: jsonl, csv, tsv or txt (--format)`,
  );
}
