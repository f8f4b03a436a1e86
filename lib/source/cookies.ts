import { CookieJar } from 'tough-cookie';
import { type HeaderList, valuesOf } from './header-list.ts';

/** Of one answer, and of all that a jar holds: a hostile host must not fill the memory with them. */
const MAX_COOKIES_OF_ANSWER = 50;
const MAX_COOKIES = 1_000;
const MAX_COOKIE_BYTES = 4_096;
/** What one request carries at most; servers refuse more. */
const MAX_HEADER_BYTES = 8_192;

/**
 * The cookies of a lane, from answer to answer, redirects included (RFC 6265). They go where their origin said, never to
 * other hosts or, when they are Secure, over http; what a host may not set is left out without a word.
 */
export class Cookies {
  #jar = new CookieJar();
  #kept = 0;

  async keep(url: URL, headers: HeaderList): Promise<void> {
    for (const line of valuesOf(headers, 'set-cookie').slice(0, MAX_COOKIES_OF_ANSWER)) {
      if (line.length > MAX_COOKIE_BYTES) continue;
      await this.#jar.setCookie(line, url.href, { ignoreError: true });
      this.#kept += 1;
    }
    if (this.#kept <= MAX_COOKIES) return;
    // Most are new values of old ones; a jar that is full all the same is begun anew.
    this.#kept = (await this.#jar.serialize()).cookies.length;
    if (this.#kept <= MAX_COOKIES / 2) return;
    this.#jar = new CookieJar();
    this.#kept = 0;
  }

  /** The Cookie header of a request; `given` are cookies that the user sends along. */
  async headerFor(url: URL, given: string | undefined): Promise<Readonly<Record<string, string>>> {
    const own = await this.#jar.getCookieString(url.href);
    const all = [given ?? '', own].filter((text) => text !== '').join('; ');
    return all === '' || all.length > MAX_HEADER_BYTES ? {} : { cookie: all };
  }
}
