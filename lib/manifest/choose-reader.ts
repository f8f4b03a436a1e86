import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { csvReader } from './csv-reader.ts';
import { guessFormat, isHttpData } from './guess-format.ts';
import { httpDataReader } from './http-data-reader.ts';
import { jsonReader, type LineReader, textReader } from './line-reader.ts';
import { formatOf, type ManifestFormat } from './manifest-format.ts';
import type { ManifestSpec } from './read-manifest.ts';

/**
 * How a list is read: as it was told, else as its name says, else as its content looks. What was asked for and means
 * nothing in that format is refused, not ignored.
 *
 * @param head of the text, its first line at least
 * @param keyColumns columns that the keys are made of
 * @throws SkyhaulError `ManifestUnreadable`
 */
export function chooseReader(spec: ManifestSpec, head: Uint8Array, keyColumns: readonly string[]): LineReader {
  const told = spec.format ?? formatOf(spec.name);
  if (told !== 'jsonl' && isHttpData(head)) {
    refuseOthers(spec, 'TsvHttpData-1.0', 'tsv');
    return httpDataReader();
  }
  const format = told ?? guessFormat(head);
  refuseOthers(spec, format, format);
  switch (format) {
    case 'csv':
      return csvReader(',', spec, keyColumns);
    case 'tsv':
      return csvReader('\t', spec, keyColumns);
    case 'jsonl':
      return jsonReader;
    case 'txt':
      return textReader(spec.expand ?? true);
  }
}

function refuseOthers(spec: ManifestSpec, name: string, format: ManifestFormat): void {
  const hasHeader = (format === 'csv' || format === 'tsv') && name === format;
  if (!hasHeader && (spec.urlColumn !== undefined || spec.keyColumn !== undefined)) {
    throw unreadable(`columns can be chosen for csv and tsv only; this list is ${name}`);
  }
  if (spec.expand === true && format !== 'txt') {
    throw unreadable(`patterns are for lists of plain URLs (txt); this list is ${name}`);
  }
}

function unreadable(message: string): SkyhaulError {
  return new SkyhaulError('ManifestUnreadable', message);
}
