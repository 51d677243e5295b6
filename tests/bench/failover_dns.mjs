// A name server of our own, at an address of loopback: names lead to addresses, do not exist, fail, or get no answer.
import dgram from 'node:dgram';

const TYPE_A = 1, CLASS_IN = 1, RCODE = {NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3};
const HEADER_SIZE = 12;

function readName(packet) {
    const labels = [];
    let at = HEADER_SIZE;
    for (let size = packet[at]; size > 0; size = packet[at]) {
        labels.push(packet.toString('latin1', at + 1, at + 1 + size));
        at += size + 1;
    }
    return {name: labels.join('.').toLowerCase(), end: at + 5, type: packet.readUInt16BE(at + 1)};
}

// Of one address: the name as a pointer to the question, A, IN, a TTL of 0.
const record = (address) => Buffer.from([0xc0, HEADER_SIZE, 0, TYPE_A, 0, CLASS_IN, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]);

function answer(packet, {end}, code, addresses) {
    const head = Buffer.from(packet.subarray(0, end));
    head.writeUInt16BE(0x8180 | RCODE[code], 2); // an answer, recursion desired and available
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(addresses.length, 6);
    head.writeUInt32BE(0, 8);
    return Buffer.concat([head, ...addresses.map(record)]);
}

export class NameServer {
    // names: {NAME: [ADDRESS, ...] or 'SERVFAIL' or 'NXDOMAIN'}; a name that is not there does not exist.
    static async start(address, names = {}) {
        const server = new NameServer();
        server.names = names;
        server.isSilent = false;
        server.socket = dgram.createSocket('udp4');
        server.socket.on('message', (packet, from) => server.take(packet, from));
        await new Promise((done) => server.socket.bind(53, address, done));
        server.socket.unref();
        return server;
    }

    take(packet, from) {
        const question = readName(packet), known = this.names[question.name] ?? 'NXDOMAIN';
        if (this.isSilent)
            return;
        const code = typeof known === 'string' ? known : 'NOERROR', addresses = typeof known !== 'string' && question.type === TYPE_A ? known : [];
        this.socket.send(answer(packet, question, code, addresses), from.port, from.address);
    }
}
