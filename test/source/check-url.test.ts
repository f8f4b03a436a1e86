import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNetworks } from '../../lib/source/address-class.ts';
import { checkUrl } from '../../lib/source/check-url.ts';
import { thrownBy } from './fixture.ts';

const loopback = parseNetworks(['127.0.0.0/8']);
const refusalOf = (url: string, allowed: Parameters<typeof checkUrl>[1] = []) =>
  thrownBy(() => checkUrl(url, allowed)).name;

describe('checkUrl', () => {
  it.for([
    ['https://example.com/a?b=c', 'https://example.com/a?b=c'],
    ['HTTP://EXAMPLE.com:80/a/../b', 'http://example.com/b'],
    ['https://example.com:443', 'https://example.com/'],
    ['http://example.com:443/', 'http://example.com:443/'],
    ['http://example.com:1024/', 'http://example.com:1024/'],
    ['http://example.com:65535/', 'http://example.com:65535/'],
    ['https://münchen.example/', 'https://xn--mnchen-3ya.example/'],
    ['https://8.8.8.8/', 'https://8.8.8.8/'],
    ['https://[2606:4700:4700::1111]/', 'https://[2606:4700:4700::1111]/'],
    ['https://example.com/#part', 'https://example.com/'],
    ['https://internal.example.com/', 'https://internal.example.com/'],
  ] as const)('lets %s through', ([url, href]) => {
    expect(checkUrl(url, []).href).toBe(href);
  });

  it.for([
    '',
    'example.com/a',
    'ftp://example.com/',
    'file:///etc/passwd',
    'data:text/plain,secret',
    'javascript:alert(1)',
    'ws://example.com/',
    'http://',
    'http://user@example.com/',
    'http://user:secret@example.com/',
    'http://:secret@example.com/',
    'http://example.com:0/',
    'http://example.com:22/',
    'http://example.com:25/',
    'http://example.com:1023/',
    'http://example.com:65536/',
    'http://example.com./',
    'http://./',
    `http://${'a.'.repeat(127)}com/`,
    'http://exa mple.com/',
    'http://[::1%25lo]/',
    'http://256.256.256.256/',
  ])('H58 H71: refuses %j as UrlRefused', (url) => {
    expect(refusalOf(url)).toBe('UrlRefused');
  });

  it.for([
    'http://localhost/',
    'http://LOCALHOST:8080/',
    'http://localhost./',
    'http://a.localhost/',
    'http://internal/',
    'http://db.internal/',
    'http://metadata.google.internal/',
    'http://metadata.google.internal./',
    'http://metadata/',
    'http://metadata.goog/',
    'http://instance-data/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://168.63.129.16/',
    'http://[fd00:ec2::254]/',
    'http://[::ffff:10.0.0.1]/',
    'http://[64:ff9b::a00:1]/',
  ])('H59: refuses %s as AddressRefused', (url) => {
    expect(refusalOf(url)).toBe('AddressRefused');
  });

  it.for([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '１２７.1',
    '%31%32%37.0.0.1',
  ])('H59: sees loopback in %s', (host) => {
    expect(refusalOf(`http://${host}:8080/`)).toBe('AddressRefused');
    expect(checkUrl(`http://${host}:8080/`, loopback).hostname).toBe('127.0.0.1');
  });

  it('lets localhost through with loopback named, and leaves names of private networks to their addresses', () => {
    expect(checkUrl('http://localhost:3000/', loopback).host).toBe('localhost:3000');
    expect(checkUrl('http://localhost:3000/', parseNetworks(['::1/128'])).host).toBe('localhost:3000');
    expect(checkUrl('http://db.internal/', parseNetworks(['10.0.0.0/8'])).host).toBe('db.internal');
    expect(refusalOf('http://localhost:3000/', parseNetworks(['10.0.0.0/8']))).toBe('AddressRefused');
    expect(refusalOf('http://localhost.:3000/', loopback)).toBe('UrlRefused');
  });

  it('never shows a query, user info, or what follows a foreign scheme', () => {
    const urls = fc.constantFrom(
      'http://u:CANARY@example.com/',
      'http://10.0.0.1/?sig=CANARY',
      'http://example.com:22/?sig=CANARY#CANARY',
      'data:text/plain,CANARY',
      'http://localhost/?CANARY',
      'CANARY',
    );
    fc.assert(fc.property(urls, (url) => !thrownBy(() => checkUrl(url, [])).message.includes('CANARY')));
  });
});
