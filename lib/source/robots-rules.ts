import robotsParser from 'robots-parser';

/**
 * What one robots.txt allows (RFC 9309): pure. The text is whatever a stranger sent. Of it, 500 KiB count (2.5), lines of
 * absurd length do not, and a delay that somebody asks for is cut to what we are ready to wait.
 */
export interface RobotsRules {
  /** The line that forbids it; undefined: it is allowed. 0: no line, but all of it. */
  forbids(url: URL, token: string): number | undefined;
  /** Milliseconds between two requests. */
  delayMs(token: string): number;
}

/** RFC 9309 2.5: "at least 500 kibibytes". */
export const MAX_ROBOTS_BYTES = 500 * 1024;
/** Longer than any URL that could be meant. */
const MAX_LINE_CHARACTERS = 8_192;
/** Not part of the RFC. A lane that waits is paid for, and a host could say a year. */
const MAX_DELAY_MS = 10_000;

export const ALLOW_ALL: RobotsRules = { forbids: () => undefined, delayMs: () => 0 };
/** RFC 9309 2.3.1.4: what cannot be read forbids all. */
export const FORBID_ALL: RobotsRules = { forbids: () => 0, delayMs: () => 0 };

// The types say `export default` of a module that is CommonJS.
const parse = robotsParser as unknown as typeof robotsParser.default;

export function parseRobots(origin: string, text: string): RobotsRules {
  const lines = text.split(/\r\n|\r|\n/).map((line) => (line.length > MAX_LINE_CHARACTERS ? '' : plain(line)));
  const robots = parse(`${origin}/robots.txt`, lines.join('\n'));
  return {
    forbids({ pathname, search }, token) {
      if (pathname === '/robots.txt') return undefined;
      const url = `${origin}${plain(pathname + search)}`;
      return robots.isAllowed(url, token) === false ? robots.getMatchingLineNumber(url, token) : undefined;
    },
    delayMs(token) {
      const seconds = robots.getCrawlDelay(token) ?? 0;
      return seconds > 0 ? Math.min(MAX_DELAY_MS, seconds * 1_000) : 0;
    },
  };
}

/** RFC 9309 2.2.2: characters that need no escape are the same with and without one. */
function plain(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (escaped, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escaped;
  });
}
