import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowedAddress, isPublicAddress, parseNetworks } from '../../lib/source/address-class.ts';
import { thrownBy } from './fixture.ts';

/** First and last address of every class that is not public. */
const NOT_PUBLIC: readonly [what: string, ...addresses: string[]][] = [
  ['this network', '0.0.0.0', '0.255.255.255'],
  ['private 10/8', '10.0.0.0', '10.255.255.255'],
  ['carrier NAT, Alibaba metadata', '100.64.0.0', '100.100.100.200', '100.127.255.255'],
  ['loopback', '127.0.0.0', '127.0.0.1', '127.255.255.255'],
  ['Azure wire server', '168.63.129.16'],
  ['link-local, metadata', '169.254.0.0', '169.254.169.254', '169.254.170.2', '169.254.170.23', '169.254.255.255'],
  ['private 172.16/12', '172.16.0.0', '172.31.255.255'],
  ['IETF protocols', '192.0.0.0', '192.0.0.170', '192.0.0.255'],
  ['documentation 1', '192.0.2.0', '192.0.2.255'],
  ['AS112 1', '192.31.196.0', '192.31.196.255'],
  ['AMT', '192.52.193.0', '192.52.193.255'],
  ['6to4 relays', '192.88.99.0', '192.88.99.255'],
  ['private 192.168/16', '192.168.0.0', '192.168.255.255'],
  ['AS112 2', '192.175.48.0', '192.175.48.255'],
  ['benchmarks', '198.18.0.0', '198.19.255.255'],
  ['documentation 2', '198.51.100.0', '198.51.100.255'],
  ['documentation 3', '203.0.113.0', '203.0.113.255'],
  ['multicast', '224.0.0.0', '239.255.255.255'],
  ['reserved, broadcast', '240.0.0.0', '255.255.255.255'],
  ['IPv6 unspecified and loopback', '::', '::1'],
  ['IPv4-compatible', '::127.0.0.1', '::8.8.8.8'],
  ['IPv4-mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8'],
  ['IPv4-translated', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
  ['NAT64', '64:ff9b::127.0.0.1', '64:ff9b::8.8.8.8', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['discard', '100::', '100::ffff:ffff:ffff:ffff'],
  ['dummy prefix', '100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff'],
  ['Teredo, ORCHID, benchmarks …', '2001::', '2001:0:1::', '2001:2::1', '2001:10::', '2001:20::', '2001:1ff::ffff'],
  ['documentation v6', '2001:db8::', '2001:db8:ffff:ffff::1'],
  ['6to4', '2002::', '2002:7f00:1::', '2002:ffff::1'],
  ['AS112 v6', '2620:4f:8000::', '2620:4f:8000:ffff::'],
  ['documentation v6, long', '3fff::', '3fff:fff:ffff::'],
  ['not handed out', '4000::', '8000::1', 'e000::', '1fff:ffff::', '200::'],
  ['segment routing', '5f00::', '5f00:ffff::'],
  ['unique local, AWS metadata', 'fc00::', 'fd00:ec2::254', 'fd00:ec2::253', 'fd00:ec2::23', 'fdff:ffff::'],
  ['link-local v6', 'fe80::', 'fe80::1%lo', 'febf:ffff::'],
  ['site-local', 'fec0::', 'feff:ffff::'],
  ['multicast v6', 'ff00::', 'ff02::1', 'ffff:ffff::'],
  ['no address at all', '', 'localhost', '127.1', '0x7f000001', '1.2.3.4.5', '[::1]', ' 8.8.8.8', '8.8.8.8/32'],
];

/** Just outside the classes above. */
const PUBLIC = [
  ...['1.0.0.0', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'],
  ...['128.0.0.0', '168.63.129.15', '168.63.129.17', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0'],
  ...['192.0.1.0', '192.0.3.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255'],
  ...['2001:200::', '2001:db7:ffff::', '2001:db9::', '2003::', '2620:4f:7fff::', '2620:4f:8001::', '2a00::1'],
  ...['2606:4700:4700::1111', '3ffe:ffff::'],
];

describe('the address table', () => {
  it.for(NOT_PUBLIC)('calls %s not public', ([, ...addresses]) => {
    expect(addresses.filter((address) => isPublicAddress(address))).toEqual([]);
  });

  it('calls the neighbours of these classes public', () => {
    expect(PUBLIC.filter((address) => !isPublicAddress(address))).toEqual([]);
  });

  it('never calls an address public through the IPv4 address inside it', () => {
    const prefixes = fc.constantFrom('::', '::ffff:', '::ffff:0:', '64:ff9b::');
    fc.assert(fc.property(prefixes, fc.ipV4(), (prefix, ip) => !isPublicAddress(`${prefix}${ip}`)));
  });

  const python = spawnSync('python3', ['-c', 'import ipaddress']).status === 0;

  it.skipIf(!python)('calls nothing public that Python does not call global', () => {
    const random = fc.sample(fc.oneof(fc.ipV4(), fc.ipV6()), { numRuns: 5_000, seed: 7 });
    const edges = [...NOT_PUBLIC.flatMap(([, ...addresses]) => addresses), ...PUBLIC];
    const ours = [...random, ...edges].filter((address) => isPublicAddress(address));
    const script =
      'import sys, ipaddress\nfor line in sys.stdin.read().split():\n  if not ipaddress.ip_address(line).is_global: print(line)';

    const { stdout } = spawnSync('python3', ['-c', script], { input: ours.join('\n'), encoding: 'utf8' });

    expect(ours.length).toBeGreaterThan(1_000);
    expect(stdout).toBe('');
  });
});

describe('networks that the user names', () => {
  const allowed = parseNetworks(['10.0.0.0/8', '127.0.0.1/32', 'fd00::/8']);

  it('let their addresses through, and public ones as ever', () => {
    const within = ['10.0.0.0', '10.255.255.255', '127.0.0.1', 'fd12::1', '8.8.8.8', '2606:4700::1'];

    expect(within.filter((address) => !isAllowedAddress(address, allowed))).toEqual([]);
  });

  it('let nothing else through', () => {
    const outside = ['9.0.0.1%', '127.0.0.2', '11.0.0.0.1', '192.168.0.1', 'fc00::1', 'fe80::1', '::1', 'text'];

    expect(outside.filter((address) => isAllowedAddress(address, allowed))).toEqual([]);
  });

  it('match a mapped address as the IPv4 address it reaches', () => {
    expect(isAllowedAddress('::ffff:10.1.2.3', allowed)).toBe(true);
    expect(isAllowedAddress('::ffff:a01:203', allowed)).toBe(true);
    expect(isAllowedAddress('::ffff:192.168.0.1', allowed)).toBe(false);
    expect(isAllowedAddress('::ffff:192.168.0.1', parseNetworks(['::/0']))).toBe(false);
  });

  it('do not match other ways to carry an IPv4 address', () => {
    const carried = ['::10.0.0.1', '::10.0.0.1%lo', '64:ff9b::10.0.0.1', '2002:a00:1::', '::ffff:0:10.0.0.1'];

    expect(carried.filter((address) => isAllowedAddress(address, allowed))).toEqual([]);
  });

  it('split every address into inside and outside, at any prefix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 32 }), fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (bits, base, other) => {
        const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
        const text = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
        const networks = parseNetworks([`${text((base & mask) >>> 0)}/${bits}`]);
        const isInside = (base & mask) >>> 0 === (other & mask) >>> 0;
        return isAllowedAddress(text(other), networks) === (isInside || isPublicAddress(text(other)));
      }),
    );
  });

  it.for([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0/8',
    'fd00::/129',
    '10.0.0.0/',
    '/8',
    'all',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fe80::%lo/10',
  ])('are refused by name: %s', (cidr) => {
    const error = thrownBy(() => parseNetworks(['127.0.0.0/8', cidr]));

    expect(error.name).toBe('BatchInvalid');
    expect(error.message).toContain(JSON.stringify(cidr));
  });

  it('are refused when they name an address inside a network', () => {
    expect(thrownBy(() => parseNetworks(['10.0.0.1/8', 'fd00::1/8'])).details.problems).toEqual([
      '"10.0.0.1/8" has bits set behind its prefix',
      '"fd00::1/8" has bits set behind its prefix',
    ]);
  });
});
