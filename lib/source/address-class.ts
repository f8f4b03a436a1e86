import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * Which addresses Skyhaul may connect to. The table is ours, from the IANA special-purpose registries, because every
 * library calls some of these "unicast". IPv6 is an allow-list: what IANA has not handed out is not public. Addresses
 * that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo) are never public: they would reach past the table.
 */
const IPV4_NOT_PUBLIC = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier NAT; Alibaba metadata
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure wire server, inside public space
  '169.254.0.0/16', // link-local; metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocols
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
];

const IPV6_UNICAST = '2000::/3';
const IPV6_NOT_PUBLIC = [
  '2001::/23', // Teredo, ORCHID, benchmarks, AS112 …
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
];

/** IPv4 addresses inside IPv6, ::ffff:0:0/96 (RFC 4291 2.5.5.2). The kernel connects to them as to the IPv4 address. */
const IPV4_MAPPED = '::ffff:0:0/96';

/** A network as bytes, so that a check is a comparison. */
export interface Network {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

const ipv4NotPublic = IPV4_NOT_PUBLIC.map(networkOf);
const ipv6Unicast = networkOf(IPV6_UNICAST);
const ipv6NotPublic = IPV6_NOT_PUBLIC.map(networkOf);
const ipv4Mapped = networkOf(IPV4_MAPPED);

/** True for global unicast addresses only. Text that is no address is not public. */
export function isPublicAddress(ip: string): boolean {
  const bytes = bytesOfAddress(ip);
  if (bytes === undefined) return false;
  if (bytes.length === 4) return !ipv4NotPublic.some((network) => contains(network, bytes));
  return contains(ipv6Unicast, bytes) && !ipv6NotPublic.some((network) => contains(network, bytes));
}

/** Public, or in a network that the user named. A mapped address counts as the IPv4 address that it reaches. */
export function isAllowedAddress(ip: string, allowed: readonly Network[]): boolean {
  if (isPublicAddress(ip)) return true;
  const bytes = bytesOfAddress(ip);
  if (bytes === undefined) return false;
  const reached = bytes.length === 16 && contains(ipv4Mapped, bytes) ? bytes.slice(12) : bytes;
  return allowed.some((network) => contains(network, reached));
}

/**
 * Reads CIDRs such as `10.0.0.0/8` or `fd00::/8`.
 * @throws SkyhaulError BatchInvalid naming every value that is none, or that has bits set behind its prefix.
 */
export function parseNetworks(cidrs: readonly string[]): readonly Network[] {
  const problems = cidrs.flatMap((cidr) => cidrProblem(cidr) ?? []);
  if (problems.length > 0) {
    throw new SkyhaulError('BatchInvalid', `allowed networks: ${problems.join('; ')}`, { problems });
  }
  return cidrs.map(networkOf);
}

function cidrProblem(cidr: string): string | undefined {
  const [address = '', prefix = '', ...rest] = cidr.split('/');
  const widest = isIP(address) === 4 ? 32 : 128;
  const isCidr = rest.length === 0 && isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= widest;
  if (!isCidr || address.includes('%')) return `${JSON.stringify(cidr)} is not a CIDR such as 10.0.0.0/8`;
  const network = networkOf(cidr);
  const hostBits = network.bytes.some((byte, index) => byte !== (byte & maskAt(network.prefixBits, index)));
  return hostBits ? `${JSON.stringify(cidr)} has bits set behind its prefix` : undefined;
}

function networkOf(cidr: string): Network {
  const [address = '', prefix = ''] = cidr.split('/');
  return { bytes: bytesOfAddress(address) ?? [], prefixBits: Number(prefix) };
}

/** Strict: only what the system itself reads as an address, none of the old spellings such as 0x7f.1. */
function bytesOfAddress(ip: string): readonly number[] | undefined {
  if (isIP(ip) === 0) return undefined;
  const [address = ''] = ip.split('%');
  return ipaddr.parse(isIP(ip) === 6 ? withoutDots(address) : address).toByteArray();
}

/** ipaddr.js takes `::10.0.0.1` for `::ffff:10.0.0.1`, which is another address. */
function withoutDots(ipv6: string): string {
  return ipv6.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

function contains(network: Network, bytes: readonly number[]): boolean {
  if (network.bytes.length !== bytes.length) return false;
  return network.bytes.every((byte, index) => {
    const mask = maskAt(network.prefixBits, index);
    return (byte & mask) === ((bytes[index] ?? 0) & mask);
  });
}

/** The part of a prefix that falls into one byte. */
function maskAt(prefixBits: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixBits - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}
