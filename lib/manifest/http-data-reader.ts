import { broken, faultText, type LineReader, type ReadLine } from './line-reader.ts';

/**
 * `TsvHttpData-1.0`, the URL list of Google's Storage Transfer Service: behind a first line of that name one object a line,
 * URL, size in bytes and base64 MD5, with tabs between them. The last two may be left out or empty; given, they are what
 * the body must have. Quotes and `#` mean nothing. Lines need not be sorted.
 *
 * @see https://cloud.google.com/storage-transfer/docs/create-url-list
 */
export function httpDataReader(): LineReader {
  let isPastFirst = false;
  return {
    read(record) {
      if ('fault' in record) return broken(faultText(record.fault));
      if (!isPastFirst) {
        isPastFirst = true;
        return undefined;
      }
      return record.text.trim() === '' ? undefined : readObject(record.text.split('\t').map((field) => field.trim()));
    },
  };
}

const MAX_FIELDS = 3;

function readObject(fields: readonly string[]): ReadLine {
  const [url = '', size = '', md5 = ''] = fields;
  if (fields.length > MAX_FIELDS) {
    return broken(`the line has ${fields.length} fields; TsvHttpData-1.0 has three: URL, size and MD5`);
  }
  if (size !== '' && !/^\d{1,15}$/.test(size)) return broken('the size of the line is no number of bytes');
  const digest = md5 === '' ? undefined : hexOf(md5);
  if (digest === null) return broken('the MD5 of the line is not 16 bytes in base64');
  return { value: { url, ...(size !== '' && { size: Number(size) }), ...(digest !== undefined && { md5: digest }) } };
}

/** Base64 of exactly 16 bytes (RFC 4648 4); null for anything else, since Node's decoder skips what it does not know. */
function hexOf(base64: string): string | null {
  if (!/^[A-Za-z0-9+/]{22}(==)?$/.test(base64)) return null;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64').startsWith(base64.slice(0, 22)) ? bytes.toString('hex') : null;
}
