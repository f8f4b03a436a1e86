import { createServer } from 'node:http';

/** An origin of its own process: every path is a file of a few bytes, its own name. Says its port, and ends with stdin. */
const server = createServer((request, response) => {
  response.setHeader('ETag', `"${request.url}"`);
  response.end(request.url);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : undefined);
});
process.stdin.resume().on('end', () => process.exit());
