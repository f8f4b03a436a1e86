import { isIP } from 'node:net';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { isAllowedAddress, type Network } from './address-class.ts';

/** DNS: longest name (RFC 1035 2.3.4). */
const MAX_HOST_CHARACTERS = 253;
/** Names under which clouds serve credentials; `*.internal` is refused as a whole. */
const METADATA_HOSTS = ['metadata', 'metadata.goog', 'instance-data'];

/**
 * Parses a URL once and says whether Skyhaul may go there at all, before any name is resolved. What comes back is
 * passed on as an object, so that nobody parses it a second time and differently. WHATWG parsing has by then turned
 * every spelling of an IPv4 address (127.1, 0x7f000001, 017700000001 …) into the usual one.
 * @throws SkyhaulError UrlRefused, AddressRefused
 */
export function checkUrl(text: string, allowed: readonly Network[]): URL {
  if (!URL.canParse(text)) throw new SkyhaulError('UrlRefused', 'the text is not a URL');
  const url = new URL(text);
  const shown = redactUrl(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    // What follows a foreign scheme may be anything (data:…), so only the scheme is shown.
    throw new SkyhaulError('UrlRefused', `the scheme is ${url.protocol.slice(0, -1)}; http and https are allowed`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new SkyhaulError('UrlRefused', `${shown} contained user info; give credentials as headers`);
  }
  if (url.port !== '' && url.port !== '80' && url.port !== '443' && Number(url.port) < 1_024) {
    throw new SkyhaulError('UrlRefused', `${shown} has port ${url.port}; 80, 443 and from 1024 on are allowed`);
  }
  checkHost(hostOf(url), shown, allowed);
  url.hash = '';
  return url;
}

/** The host as the system wants it: IPv6 without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function checkHost(host: string, shown: string, allowed: readonly Network[]): void {
  const refuse = (why: string) => new SkyhaulError('AddressRefused', `${shown}: ${why}`, { host });
  if (isIP(host) !== 0) {
    if (!isAllowedAddress(host, allowed)) throw refuse(`${host} is not a public address`);
    return;
  }
  const name = host.replace(/\.+$/, '').toLowerCase();
  const coversLoopback = isAllowedAddress('127.0.0.1', allowed) || isAllowedAddress('::1', allowed);
  if (isLocalhost(name) && !coversLoopback) throw refuse(`${name} is this machine`);
  // With networks of their own named, people mean their own names too; what these resolve to is checked later.
  const isInternal = name === 'internal' || name.endsWith('.internal') || METADATA_HOSTS.includes(name);
  if (isInternal && allowed.length === 0) throw refuse(`${name} is a name of a private network`);
  if (name === '' || name.length > MAX_HOST_CHARACTERS) {
    throw new SkyhaulError('UrlRefused', `the host name has ${name.length} characters; 1 to 253 are allowed`);
  }
  // The dot would make a second name of the same host, with limits and certificates of its own.
  if (host.endsWith('.')) throw new SkyhaulError('UrlRefused', `${shown}: the host ends in a dot`, { host });
}

/** RFC 6761 6.3: these names always mean loopback. */
export function isLocalhost(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
