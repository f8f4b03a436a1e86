/**
 * Chunks that are good only until the next one is asked for, as pieces that belong to the reader: each has memory of its
 * own, so that it may be kept, or handed on to a worker. `pieceBytes`: of every piece but the last; none: as they come.
 */
export async function* ownPieces(
  body: AsyncIterable<Uint8Array>,
  pieceBytes: number | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  if (pieceBytes === undefined) {
    for await (const chunk of body) if (chunk.length > 0) yield new Uint8Array(chunk);
    return;
  }
  let piece = new Uint8Array(pieceBytes);
  let filled = 0;
  for await (const chunk of body) {
    for (let rest = chunk; rest.length > 0; ) {
      const taken = rest.subarray(0, pieceBytes - filled);
      piece.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled < pieceBytes) continue;
      yield piece;
      piece = new Uint8Array(pieceBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
}
