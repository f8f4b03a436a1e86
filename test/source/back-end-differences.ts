import type { BackendName } from '../../lib/source/source.ts';

/** What becomes of a fault, back-end by back-end. */
export interface Difference extends Readonly<Record<BackendName, string>> {
  /** Of the table of faults; empty: of none. */
  readonly row: string;
  readonly fault: string;
}

/**
 * Where one fault looks different from back-end to back-end; everything else of the suite is the same for all. The tests
 * expect what stands here, and docs/backends.md shows it.
 */
export const differences = {
  plainHttp: { row: '', fault: 'an `http:` URL', undici: 'read', node: 'read', h2: 'UrlRefused' },
  noHttp2: { row: '', fault: 'a host that speaks HTTP/1.1 only', undici: 'read', node: 'read', h2: 'TlsFailed' },
  noHttp1: {
    row: '',
    fault: 'a host that speaks HTTP/2 only',
    undici: 'TlsFailed',
    node: 'TlsFailed',
    h2: 'read',
  },
  eof: {
    row: 'H06',
    fault: 'no length, the connection ended in order',
    undici: 'read, unverified',
    node: 'read, unverified',
    h2: 'ConnectionLost',
  },
  surplus: {
    row: 'H10',
    fault: 'more bytes than Content-Length',
    undici: 'read up to it',
    node: 'read up to it',
    h2: 'ProtocolError',
  },
  control: {
    row: 'H17',
    fault: 'NUL, CR or LF in a header value',
    undici: 'ProtocolError',
    node: 'ProtocolError',
    h2: 'read, that header left out',
  },
  unsolicited: {
    row: 'H19',
    fault: '`100 Continue` that was not asked for',
    undici: 'ConnectionLost',
    node: 'read',
    h2: 'read',
  },
} as const satisfies Record<string, Difference>;
