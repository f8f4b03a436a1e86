import { type LinesOptions, lines } from 'skyhaul';

/** The slow requests of an access log, however long it is and however often the connection breaks off. */
export async function findSlowRequests(url: string, options: LinesOptions = {}): Promise<string[]> {
  const slow: string[] = [];
  for await (const line of lines(url, options)) {
    const seconds = Number(line.split(' ').at(-1));
    if (seconds > 1) slow.push(line);
  }
  return slow;
}
