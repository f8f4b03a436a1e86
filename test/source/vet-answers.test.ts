import { describe, expect, it } from 'vitest';
import { parseNetworks } from '../../lib/source/address-class.ts';
import { vetAnswers } from '../../lib/source/vet-answers.ts';

const answers = (...addresses: readonly string[]) =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const loopback = parseNetworks(['127.0.0.0/8']);

describe('vetAnswers', () => {
  it('connects to all answers when all are public, in their order', () => {
    const all = answers('2606:4700::1', '8.8.8.8', '1.1.1.1');

    expect(vetAnswers('example.com', all, [])).toEqual({ action: 'connect', addresses: all });
  });

  it.for([
    ['10.0.0.1'],
    ['8.8.8.8', '10.0.0.1'],
    ['8.8.8.8', '::ffff:10.0.0.1'],
    ['8.8.8.8', '64:ff9b::8.8.8.8'],
    ['8.8.8.8', 'no address'],
  ])('refuses the name for %j', (addresses) => {
    expect(vetAnswers('example.com', answers(...addresses), [])).toMatchObject({
      action: 'refuse',
      error: { name: 'AddressRefused', details: { host: 'example.com' } },
    });
  });

  it('refuses a name without answers as HostNotFound', () => {
    expect(vetAnswers('example.com', [], [])).toMatchObject({ error: { name: 'HostNotFound' } });
  });

  it('leaves out of localhost what is not allowed, as long as it is loopback and something is left', () => {
    expect(vetAnswers('localhost', answers('::1', '127.0.0.1'), loopback)).toEqual({
      action: 'connect',
      addresses: answers('127.0.0.1'),
    });
    expect(vetAnswers('a.localhost', answers('::1'), loopback)).toMatchObject({ action: 'refuse' });
    expect(vetAnswers('localhost', answers('10.0.0.1', '127.0.0.1'), loopback)).toMatchObject({ action: 'refuse' });
    expect(vetAnswers('other.test', answers('::1', '127.0.0.1'), loopback)).toMatchObject({ action: 'refuse' });
  });
});
