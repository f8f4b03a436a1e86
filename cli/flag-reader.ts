import type { z } from 'zod';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';
import { wantedText } from './wanted-text.ts';

/**
 * Reads the words of flags and gathers what is wrong with them, so that all of it is named at once, before anything
 * starts.
 */
export type Read<T> = (text: string) => T | undefined;

const wholeNumber: Read<number> = (text) => (/^\d+$/.test(text) ? Number(text) : undefined);

export class FlagReader {
  readonly problems: string[] = [];

  /**
   * One flag through its reader and through the schema of the option it sets, so that limits stand in one place. `show`:
   * a limit as the flag writes it.
   */
  flag<T>(
    name: string,
    text: string | undefined,
    read: Read<T>,
    wanted: string,
    schema: z.ZodType<unknown>,
    show?: (value: number) => string,
  ) {
    if (text === undefined) return undefined;
    const value = read(text);
    const issue = value === undefined ? undefined : schema.safeParse(value).error?.issues[0];
    if (value !== undefined && issue === undefined) return value;
    const must = issue === undefined ? wanted : wantedText(schema, issue, show);
    this.problems.push(`${name}: ${must}, found ${JSON.stringify(text)}`);
    return undefined;
  }

  number(name: string, text: string | undefined, schema: z.ZodType<unknown>) {
    return this.flag(name, text, wholeNumber, 'must be a whole number', schema);
  }

  /** In milliseconds. */
  duration(name: string, text: string | undefined, schema: z.ZodType<unknown>) {
    const wanted = 'must be a time with its unit, such as 500ms, 30s or 2m';
    return this.flag(name, text, parseDuration, wanted, schema, formatDuration);
  }

  bytes(name: string, text: string | undefined, example: string, schema: z.ZodType<unknown>) {
    const wanted = `must be bytes, or a size such as ${example}`;
    return this.flag(name, text, parseBytes, wanted, schema, formatBytes);
  }

  endpoint(text: string | undefined): void {
    if (text === undefined || isEndpoint(text)) return;
    this.problems.push('--endpoint: must be an http or https URL without user name, query or fragment');
  }

  /** Throws BatchInvalid, with every problem. */
  requireNone(): void {
    const { problems } = this;
    if (problems.length > 0)
      throw new SkyhaulError('BatchInvalid', 'the command line cannot be carried out', { problems });
  }
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
