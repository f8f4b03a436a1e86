/**
 * The name that a source gives its file in Content-Disposition (RFC 6266), as the last part of a path and nothing more:
 * `filename*` (RFC 8187) before `filename`. The name is data of a stranger: who makes a key of it cleans it. Undefined
 * where there is none, or none that can be read.
 */
const MAX_HEADER_CHARACTERS = 4_096;
/** A parameter behind the disposition's type: `name=token` or `name="quoted"` (RFC 9110 5.6.6). */
const PARAMETER = /;\s*([!#$%&'*+.^_`|~0-9a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))\s*(?=;|$)/giy;

export function fileNameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined || disposition.length > MAX_HEADER_CHARACTERS) return undefined;
  const parameters = parametersOf(disposition);
  const name = decodeExtended(parameters.get('filename*')) ?? fromLatin1(parameters.get('filename'));
  const last = lastPart(name ?? '');
  return last === '' || /^\.+$/.test(last) ? undefined : last;
}

function parametersOf(disposition: string): Map<string, string> {
  const found = new Map<string, string>();
  const begin = disposition.indexOf(';');
  if (begin === -1) return found;
  PARAMETER.lastIndex = begin;
  for (let match = PARAMETER.exec(disposition); match; match = PARAMETER.exec(disposition)) {
    const [, name = '', quoted, token = ''] = match;
    const value = quoted === undefined ? token : quoted.replaceAll(/\\(.)/g, '$1');
    // The same twice says nothing for sure (RFC 6266 4.1): the first one counts, as in browsers.
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
  }
  return found;
}

/** `UTF-8'en'%e2%82%ac.txt` (RFC 8187 3.2); undefined where its charset or its escapes are not to be read. */
function decodeExtended(text = ''): string | undefined {
  const [, charset = '', escaped = ''] = /^([^']*)'[^']*'(.*)$/s.exec(text) ?? [];
  if (!/^(utf-8|iso-8859-1)$/i.test(charset) || /%(?![0-9a-f]{2})/i.test(escaped)) return undefined;
  const bytes = Buffer.from(
    escaped.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Header bytes came as latin1. Most who send others than ASCII in `filename` mean UTF-8, as browsers read it. */
function fromLatin1(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'));
  } catch {
    return text;
  }
}

/** RFC 6266 4.3: a path in it is not the sender's to choose. */
function lastPart(name: string): string {
  return (name.split(/[/\\]/).at(-1) ?? '').trim();
}
