import { generateKeyPairSync, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface TestCertificate {
  /** PEM; also what a client trusts as `ca`. */
  readonly cert: string;
  /** PEM */
  readonly key: string;
}

export interface CertificateOptions {
  /** Host names and IPv4 addresses it is for. Default: localhost, 127.0.0.1, a.test, b.test. */
  readonly names?: readonly string[];
  /** Default: from a day ago … */
  readonly notBefore?: Date;
  /** … to in a day. */
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** A self-signed certificate, written in DER by hand (RFC 5280): needs no openssl, and can be wrong in every way. */
export function makeCertificate(options: CertificateOptions = {}): TestCertificate {
  const names = options.names ?? ['localhost', '127.0.0.1', 'a.test', 'b.test'];
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY_MS);
  const notAfter = options.notAfter ?? new Date(Date.now() + DAY_MS);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const name = sequence(tlv(0x31, sequence(oid(0x55, 0x04, 0x03), tlv(0x0c, Buffer.from('skyhaul test')))));
  const altNames = sequence(...names.map(altName));

  const toBeSigned = sequence(
    tlv(0xa0, integer(2)), // version 3
    integer(Date.now()), // serial
    ecdsaWithSha256,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(sequence(oid(0x55, 0x1d, 0x11), tlv(0x04, altNames)))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), signature));
  const base64 = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...base64, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function altName(name: string): Buffer {
  return isIPv4(name) ? tlv(0x87, Buffer.from(name.split('.').map(Number))) : tlv(0x82, Buffer.from(name));
}

function tlv(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 + length.length]), length, content]);
}

const sequence = (...contents: readonly Buffer[]) => tlv(0x30, ...contents);
const oid = (...bytes: readonly number[]) => tlv(0x06, Buffer.from(bytes));

function integer(value: number): Buffer {
  const hex = value.toString(16);
  return tlv(0x02, Buffer.from(`00${hex.length % 2 === 0 ? hex : `0${hex}`}`.replace(/^00(?=[0-7])/, ''), 'hex'));
}

/** GeneralizedTime, second precision. */
function time(at: Date): Buffer {
  return tlv(0x18, Buffer.from(`${at.toISOString().slice(0, 19).replace(/\D/g, '')}Z`));
}
