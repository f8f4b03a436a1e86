import {
  type ManifestLine,
  type ManifestSpec,
  type ReadLimits,
  readManifest,
} from '../../lib/manifest/read-manifest.ts';

/** Bytes in pieces of `size`, each in the same buffer, as a careless source may hand them out. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const shared = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    shared.set(piece);
    yield shared.subarray(0, piece.length);
  }
}

export async function collect(lines: AsyncIterable<ManifestLine>): Promise<ManifestLine[]> {
  const all: ManifestLine[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

export async function readAll(
  list: string | Uint8Array,
  { pieceBytes = 65_536, ...spec }: ManifestSpec & { readonly pieceBytes?: number },
  limits?: ReadLimits,
): Promise<ManifestLine[]> {
  return collect(readManifest(inPieces(Buffer.from(list), pieceBytes), spec, limits));
}

/** The URL of a line that is an item, or the texts of its problems. */
export function found(line: ManifestLine | undefined): string | undefined {
  if (line === undefined) return undefined;
  return 'item' in line ? line.item.url : line.problems.map(({ text }) => text).join('; ');
}
