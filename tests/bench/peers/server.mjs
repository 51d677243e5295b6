// The peer written for Node: its own http, with one route that says OK.
import http from 'node:http';

http.createServer((request, answer) => {
    const isKnown = request.url === '/health/live/';
    answer.writeHead(isKnown ? 200 : 404, {'content-type': 'text/plain', 'content-length': 3});
    answer.end(isKnown ? 'OK\n' : 'NO\n');
}).listen(Number(process.argv[2]), '127.0.0.1');
