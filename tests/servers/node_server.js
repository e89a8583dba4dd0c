// A Node.js http2 server as a peer of the tests: h2c with prior knowledge.
//
//   node node_server.js HOST PORT
'use strict';

const http2 = require('node:http2');

const [host, port] = process.argv.slice(2);
http2.createServer((request, response) => {
  request.resume();  // a body must be read, or its window stays shut
  response.end('ok');
}).listen(Number(port), host);
