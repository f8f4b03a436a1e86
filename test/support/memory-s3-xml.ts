/** The XML of S3, as far as the memory S3 speaks it. */

export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

/** Lists repeat their element; `undefined` is left out. */
export function writeXml(root: string, content: Xml): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${element(root, content)}`);
}

function element(name: string, content: Xml): string {
  if (content === undefined) return '';
  if (Array.isArray(content)) return content.map((one: Xml) => element(name, one)).join('');
  if (typeof content !== 'object') return `<${name}>${escapeText(String(content))}</${name}>`;
  const inner = Object.entries(content).map(([child, value]) => element(child, value));
  return `<${name}>${inner.join('')}</${name}>`;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export interface NamedPart {
  readonly number: number;
  readonly etag: string;
  readonly crc32: string | undefined;
}

/** The part list of a CompleteMultipartUpload, in its order; `undefined` for what is none. */
export function readPartList(xml: string): NamedPart[] | undefined {
  if (!/<CompleteMultipartUpload[\s>]/.test(xml) || !xml.includes('</CompleteMultipartUpload>')) return undefined;
  const parts: NamedPart[] = [];
  for (const [, part = ''] of xml.matchAll(/<Part>(.*?)<\/Part>/gs)) {
    const number = Number(textOf(part, 'PartNumber'));
    const etag = textOf(part, 'ETag');
    if (!Number.isInteger(number) || etag === undefined) return undefined;
    parts.push({ number, etag, crc32: textOf(part, 'ChecksumCRC32') });
  }
  return parts.length === 0 ? undefined : parts;
}

function textOf(xml: string, name: string): string | undefined {
  const [, text] = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml) ?? [];
  return text
    ?.replace(/&#(x?)([0-9a-f]+);/gi, (_, hex, code) => String.fromCodePoint(Number.parseInt(code, hex ? 16 : 10)))
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .trim();
}
