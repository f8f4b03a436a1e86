import { describe, expect, it } from 'vitest';
import { type CatalogueEntry, catalogue, errorNames, isErrorName } from '../../lib/errors/catalogue.ts';
import { SkyhaulError, toSkyhaulError } from '../../lib/errors/skyhaul-error.ts';

describe('the catalogue of errors', () => {
  it.each(Object.entries<CatalogueEntry>(catalogue))('%s says when it happens and what to do', (name, entry) => {
    expect(name).toMatch(/^([A-Z][a-z]+)+$/);
    expect(entry.when).toMatch(/^[A-Z].*\.$/);
    expect(entry.cure).toMatch(/^[A-Z].*\.$/);
  });

  it('retries nothing that is wrong with the input', () => {
    const entries = Object.values<CatalogueEntry>(catalogue);

    expect(entries.filter(({ scope, retryable }) => scope === 'input' && retryable)).toEqual([]);
  });

  it('knows its own names only, not those of every object', () => {
    expect(errorNames.every(isErrorName)).toBe(true);
    expect(isErrorName('toString')).toBe(false);
    expect(isErrorName('Error')).toBe(false);
  });
});

describe('SkyhaulError', () => {
  it('carries its catalogue name as `name`, where Step Functions looks for it', () => {
    const cause = new Error('socket');
    const details = { status: 429, host: 'a.example' };
    const error = new SkyhaulError('Throttled', 'a.example answered 429', { ...details, cause });

    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'Throttled', retryable: true, cause });
    expect(error.details).toEqual(details);
    expect(error.entry).toBe(catalogue.Throttled);
  });

  it('is made of a foreign error as Unexpected, with the foreign one as cause', () => {
    const foreign = new TypeError('x is not a function');

    expect(toSkyhaulError(foreign)).toMatchObject({ name: 'Unexpected', message: foreign.message, cause: foreign });
    expect(toSkyhaulError('text')).toMatchObject({ name: 'Unexpected', message: 'text' });
  });

  it('keeps the name of an error that came back from another process', () => {
    const revived = Object.assign(new Error('full'), { name: 'StoreFull' });
    const own = new SkyhaulError('NotFound', 'x');

    expect(toSkyhaulError(revived)).toMatchObject({ name: 'StoreFull', message: 'full' });
    expect(toSkyhaulError(own)).toBe(own);
  });
});
