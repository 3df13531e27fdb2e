// rhea as a peer of the client: sends numbered messages to an address, or receives them from one, or is a server that takes them.
//
//     node peer.js send|receive PORT ADDRESS COUNT SIZE
//     node peer.js serve OUTCOME COUNT SIZE          prints "listening PORT"
//
// Messages are those of client_peer: 8 bytes with the number, then a pattern. The last line is a summary, JSON.
'use strict';

const container = require('rhea').create_container({id: 'rhea'});

const [, , mode, ...words] = process.argv;
const COUNT = Number(words.at(-2));
const SIZE = Number(words.at(-1));
const summary = {sent: 0, received: 0, bad: 0, accepted: 0, rejected: 0, released: 0, modified: 0, clean: false, failure: ''};
const seen = new Set();

function body(number) {
    const bytes = Buffer.alloc(SIZE);
    bytes.writeBigUInt64BE(BigInt(number));
    for (let i = 8; i < SIZE; i++) {
        bytes[i] = (number * 31 + i * 7 + (i >> 8)) & 0xff;
    }
    return bytes;
}

function message(number) {
    return {durable: true, application_properties: {color: number % 2 === 0 ? 'red' : 'blue'}, body: require('rhea').message.data_section(body(number))};
}

function take(received) {
    const bytes = received.body.content ?? received.body;
    const number = Number(bytes.readBigUInt64BE(0));
    summary.received++;
    if (!bytes.equals(body(number)) || received.application_properties.color !== (number % 2 === 0 ? 'red' : 'blue')) {
        summary.bad++;
    }
    seen.add(number);
}

function finish() {
    summary.distinct = seen.size;
    console.log(JSON.stringify(summary));
    process.exit(0);
}

for (const outcome of ['accepted', 'rejected', 'released', 'modified']) {
    container.on(outcome, () => {
        summary[outcome]++;
    });
}
for (const event of ['connection_error', 'session_error', 'receiver_error', 'sender_error', 'disconnected']) {
    container.on(event, (context) => {
        const error = context.error ?? context.connection?.error ?? context.receiver?.error ?? context.sender?.error;
        summary.failure = `${event}: ${error?.condition ?? ''} ${error?.description ?? error ?? ''}`;
        finish();
    });
}

function send_some(sender) {
    while (sender.sendable() && summary.sent < COUNT) {
        sender.send(message(summary.sent));
        summary.sent++;
    }
}

if (mode === 'send') {
    container.on('sendable', (context) => send_some(context.sender));
    container.on('settled', (context) => {
        if (summary.accepted + summary.rejected + summary.released + summary.modified === COUNT) {
            context.connection.close();
        }
    });
} else if (mode === 'receive') {
    container.on('message', (context) => {
        take(context.message);
        context.delivery.accept();
        if (summary.received === COUNT) {
            context.connection.close();
        }
    });
} else {
    const outcome = words[0];
    // Without this the answer has no target, which is how links are refused (AMQP 2.6.3).
    container.on('receiver_open', (context) => context.receiver.set_target({address: context.receiver.remote.attach.target.address}));
    container.on('message', (context) => {
        take(context.message);
        if (outcome === 'rejected') {
            context.delivery.reject({condition: 'amqp:internal-error', description: 'the test wants it'});
        } else if (outcome === 'released') {
            context.delivery.release();
        } else if (outcome === 'modified') {
            context.delivery.modified({delivery_failed: true});
        } else {
            context.delivery.accept();
        }
    });
}

container.on('connection_close', () => {
    summary.clean = true;
    finish();
});

if (mode === 'serve') {
    const server = container.listen({host: '127.0.0.1', port: 0, receiver_options: {autoaccept: false}});
    server.on('listening', () => console.log(`listening ${server.address().port}`));
} else {
    const connection = container.connect({host: '127.0.0.1', port: Number(words[0]), username: 'alice', password: 'not so secret', reconnect: false});
    if (mode === 'send') {
        connection.open_sender(words[1]);
    } else {
        connection.open_receiver({source: words[1], autoaccept: false, credit_window: 100});
    }
}
