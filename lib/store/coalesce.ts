/**
 * Collects the chunks of a stream into pieces of a given size (the last one shorter), copied: whoever made a chunk may
 * use its memory again when asked for the next one. Yields nothing for an empty stream. With `reuse`, a piece is the
 * reader's own only until it asks for the next one.
 */
export async function* coalesce(
  body: AsyncIterable<Uint8Array>,
  pieceBytes: number,
  reuse = false,
): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let filled = 0;
  for await (const chunk of body) {
    for (let taken = 0; taken < chunk.length; ) {
      const bytes = Math.min(pieceBytes - filled, chunk.length - taken);
      piece.set(chunk.subarray(taken, taken + bytes), filled);
      taken += bytes;
      filled += bytes;
      if (filled < pieceBytes) continue;
      yield piece;
      if (!reuse) piece = Buffer.allocUnsafe(pieceBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
