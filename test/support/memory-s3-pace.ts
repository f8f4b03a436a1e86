/** Milliseconds to wait behind so many bytes so that all readers together keep the rate. Without a rate, none. */
export function pacer(bytesPerSecond: number | undefined, now: () => number): (bytes: number) => number {
  if (bytesPerSecond === undefined) return () => 0;
  let freeAt = 0;
  return (bytes) => {
    freeAt = Math.max(freeAt, now()) + (bytes / bytesPerSecond) * 1_000;
    return freeAt - now();
  };
}
