// A Node.js http2 server as a peer of the tests: h2c with prior knowledge, or h2 over TLS. An extended CONNECT (RFC 8441) is echoed.
//
//   node node_server.js HOST PORT [CERTIFICATE KEY [CLIENTS_AUTHORITY]]
'use strict';

const fs = require('node:fs');
const http2 = require('node:http2');

const [host, port, ...files] = process.argv.slice(2);
const [cert, key, ca] = files.map((file) => fs.readFileSync(file));
const answer = (request, response) => {
  request.resume();  // a body must be read, or its window stays shut
  request.on('end', () => response.end('ok'));
};
const settings = {enableConnectProtocol: true};
const server = cert
  ? http2.createSecureServer({settings, cert, key, ca, requestCert: Boolean(ca), rejectUnauthorized: Boolean(ca)}, answer)
  : http2.createServer({settings}, answer);
server.on('connect', (request, {stream}) => {
  stream.respond({':status': request.headers[':protocol'] ? 200 : 405});
  stream.on('error', () => {});  // its client has gone
  stream.pipe(stream);
});
server.listen(Number(port), host);
