import { z } from 'zod';
import { MAX_HEADER_BYTES, MAX_HEADERS } from './limits.ts';

/** Headers that Skyhaul sets itself, because a wrong value would change what the bytes mean or where they come from. */
export const RESERVED_HEADERS: readonly string[] = [
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'accept-encoding',
  'expect',
];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Request headers: token names (RFC 9110 5.6.2), values without CR, LF, NUL (RFC 9110 5.5). */
const headers = z
  .record(z.string().regex(TOKEN, 'a header name'), z.string().regex(FIELD_VALUE, 'a value without control characters'))
  .superRefine((value, context) => {
    const names = Object.keys(value);
    if (names.length > MAX_HEADERS) {
      context.addIssue({ code: 'custom', message: `at most ${MAX_HEADERS} headers, found ${names.length}` });
    }
    const bytes = Object.entries(value).reduce((sum, [name, text]) => sum + name.length + text.length + 4, 0);
    if (bytes > MAX_HEADER_BYTES) {
      context.addIssue({ code: 'custom', message: `at most ${MAX_HEADER_BYTES} bytes of headers, found ${bytes}` });
    }
    for (const name of names) {
      const lower = name.toLowerCase();
      if (RESERVED_HEADERS.includes(lower) || lower.startsWith('proxy-')) {
        context.addIssue({ code: 'custom', path: [name], message: 'Skyhaul sets this header itself' });
      }
    }
  });

/** How the source is asked. */
export const request = z.strictObject({
  method: z.enum(['GET', 'POST']).optional(),
  headers: headers.optional(),
  query: z.record(z.string(), z.string()).optional(),
  body: z.string().optional(),
  auth: z.unknown().optional(),
  cookies: z.boolean().optional(),
  proxy: z.string().optional(),
  userAgent: z.string().min(1).max(256).regex(FIELD_VALUE, 'a value without control characters').optional(),
  http: z.enum(['1.1', '2']).optional(),
  ca: z.string().optional(),
  clientCertificate: z.unknown().optional(),
});

export type RequestOptions = z.infer<typeof request>;
