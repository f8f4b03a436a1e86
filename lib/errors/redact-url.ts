/**
 * What may be shown of a URL: no user info, query or fragment (signed URLs are credentials). Control characters never
 * come through; text that is no URL is not shown at all, since nobody can tell what part of it is a secret.
 */
export function redactUrl(text: string): string {
  const url = URL.parse(text);
  // `me:secret@host/x` parses, as a URL of the scheme `me:` without host.
  if (url === null || url.host === '') return '(not a URL)';
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  return url.search === '' ? shown : `${shown}?…`;
}
