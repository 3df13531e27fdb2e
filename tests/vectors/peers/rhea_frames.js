/* Frames as rhea's module frames writes them.
 *
 * rhea writes the fields that it is given and nothing else, so that each text names exactly the
 * fields of the call. */
'use strict';

const { message, types } = require('rhea');
const frames = require('rhea/lib/frames.js');
const terminus = require('rhea/lib/terminus.js');
const filter = require('rhea/lib/filter.js');
const { print_vector } = require('./rhea_vector.js');

function print_frame(name, channel, performative, text, payload) {
    const bytes = frames.write_frame(frames.amqp_frame(channel, performative, payload));
    print_vector('frame', name, bytes, `[${channel}] ${text}`);
}

function print_sasl_frame(name, performative, text) {
    const bytes = frames.write_frame(frames.sasl_frame(performative));
    print_vector('frame', name, bytes, `[sasl] ${text}`);
}

function print_connection_frames() {
    print_frame('heartbeat', 0, undefined, 'empty');
    print_frame('open-container-id', 0, frames.open({ container_id: 'a' }),
        'open(container-id="a")');
    print_frame('open-all-fields', 0,
        frames.open({
            container_id: 'a', hostname: 'example.org', max_frame_size: 4294967295,
            channel_max: 65535, idle_time_out: 30000, outgoing_locales: ['en-US', 'de'],
            incoming_locales: 'en-US', offered_capabilities: ['x'], desired_capabilities: [],
            properties: { product: 'vectors', version: 1 },
        }),
        'open(container-id="a", hostname="example.org", max-frame-size=4294967295, ' +
        'channel-max=65535, idle-time-out=30000, outgoing-locales=[:"en-US", :"de"], ' +
        'incoming-locales=[:"en-US"], offered-capabilities=[:"x"], desired-capabilities=[], ' +
        'properties={:"product": "vectors", :"version": uint(1)})');
    print_frame('close', 0, frames.close({}), 'close()');
    print_frame('close-with-error', 0,
        frames.close({ error: { condition: 'amqp:connection:forced', description: 'bye' } }),
        'close(error=error(condition=:"amqp:connection:forced", description="bye"))');
}

function print_session_frames() {
    print_frame('begin', 1,
        frames.begin({ next_outgoing_id: 0, incoming_window: 2048, outgoing_window: 4294967295 }),
        'begin(next-outgoing-id=0, incoming-window=2048, outgoing-window=4294967295)');
    print_frame('begin-all-fields', 65535,
        frames.begin({
            remote_channel: 7, next_outgoing_id: 4294967295, incoming_window: 255,
            outgoing_window: 256, handle_max: 1023, offered_capabilities: 'x',
            desired_capabilities: ['y', 'z'], properties: { k: true },
        }),
        'begin(remote-channel=7, next-outgoing-id=4294967295, incoming-window=255, ' +
        'outgoing-window=256, handle-max=1023, offered-capabilities=[:"x"], ' +
        'desired-capabilities=[:"y", :"z"], properties={:"k": true})');
    print_frame('end', 1, frames.end({}), 'end()');
    print_frame('end-with-error', 1,
        frames.end({ error: { condition: 'amqp:session:errant-link' } }),
        'end(error=error(condition=:"amqp:session:errant-link"))');
}

function print_attach_frames() {
    print_frame('attach-sender', 0,
        frames.attach({
            name: 'l', handle: 0, role: false, source: terminus.source({}).described(),
            target: terminus.target({ address: 'q' }).described(), initial_delivery_count: 0,
        }),
        'attach(name="l", handle=0, role=sender, source=source(), target=target(address="q"), ' +
        'initial-delivery-count=0)');
    print_frame('attach-receiver-all-fields', 0,
        frames.attach({
            name: 'm', handle: 255, role: true, snd_settle_mode: 0, rcv_settle_mode: 1,
            source: terminus.source({
                address: 't', durable: 2, expiry_policy: 'never', timeout: 4294967295,
                dynamic: false,
                dynamic_node_properties: { 'supported-dist-modes': types.wrap_symbol('copy') },
                distribution_mode: 'copy', filter: filter.selector("a = 'b'"),
                default_outcome: message.modified({ delivery_failed: true }).described(),
                outcomes: ['amqp:accepted:list', 'amqp:modified:list'], capabilities: 'topic',
            }).described(),
            target: terminus.target({}).described(), incomplete_unsettled: false,
            max_message_size: 4294967296, offered_capabilities: ['x'],
            desired_capabilities: ['y'], properties: { k: 1 },
        }),
        'attach(name="m", handle=255, role=receiver, snd-settle-mode=unsettled, ' +
        'rcv-settle-mode=second, source=source(address="t", durable=unsettled-state, ' +
        'expiry-policy=never, timeout=4294967295, dynamic=false, ' +
        'dynamic-node-properties={:"supported-dist-modes": :"copy"}, ' +
        'distribution-mode=:"copy", ' +
        'filter={:"jms-selector": @ulong(77567109365764) "a = \'b\'"}, ' +
        'default-outcome=modified(delivery-failed=true), ' +
        'outcomes=[:"amqp:accepted:list", :"amqp:modified:list"], capabilities=[:"topic"]), ' +
        'target=target(), incomplete-unsettled=false, max-message-size=4294967296, ' +
        'offered-capabilities=[:"x"], desired-capabilities=[:"y"], properties={:"k": uint(1)})');
    print_frame('attach-target-all-fields', 0,
        frames.attach({
            name: 'n', handle: 256, role: false, snd_settle_mode: 1,
            target: terminus.target({
                durable: 1, expiry_policy: 'link-detach', timeout: 0, dynamic: true,
                dynamic_node_properties: { 'lifetime-policy': types.wrap_described([], 0x2b) },
                capabilities: ['queue', 'temporary'],
            }).described(),
        }),
        'attach(name="n", handle=256, role=sender, snd-settle-mode=settled, ' +
        'target=target(durable=configuration, expiry-policy=link-detach, timeout=0, ' +
        'dynamic=true, dynamic-node-properties={:"lifetime-policy": @ulong(43) []}, ' +
        'capabilities=[:"queue", :"temporary"]))');
    print_frame('detach', 0, frames.detach({ handle: 0 }), 'detach(handle=0)');
    print_frame('detach-with-error', 0,
        frames.detach({ handle: 1, closed: true, error: { condition: 'amqp:link:stolen' } }),
        'detach(handle=1, closed=true, error=error(condition=:"amqp:link:stolen"))');
}

function print_transfer_frames() {
    const payload = message.encode({ body: 'x' });
    print_frame('flow-of-session', 0,
        frames.flow({ incoming_window: 2048, next_outgoing_id: 0, outgoing_window: 2048 }),
        'flow(incoming-window=2048, next-outgoing-id=0, outgoing-window=2048)');
    print_frame('flow-all-fields', 0,
        frames.flow({
            next_incoming_id: 1, incoming_window: 2, next_outgoing_id: 3, outgoing_window: 4,
            handle: 5, delivery_count: 4294967295, link_credit: 1000, available: 6, drain: true,
            echo: true, properties: { k: 'v' },
        }),
        'flow(next-incoming-id=1, incoming-window=2, next-outgoing-id=3, outgoing-window=4, ' +
        'handle=5, delivery-count=4294967295, link-credit=1000, available=6, drain=true, ' +
        'echo=true, properties={:"k": "v"})');
    print_frame('transfer', 0,
        frames.transfer({
            handle: 0, delivery_id: 0, delivery_tag: Buffer.from([0]), message_format: 0,
            settled: false,
        }),
        'transfer(handle=0, delivery-id=0, delivery-tag=binary(00), message-format=0, ' +
        'settled=false) header() properties() amqp-value("x")', payload);
    print_frame('transfer-without-payload', 0, frames.transfer({ handle: 0, more: true }),
        'transfer(handle=0, more=true)');
    print_frame('transfer-all-flags', 0,
        frames.transfer({
            handle: 1, delivery_id: 256, delivery_tag: Buffer.alloc(32, 0xee),
            message_format: 4294967295, settled: true, more: true, rcv_settle_mode: 0,
            resume: true, aborted: false, batchable: true,
        }),
        `transfer(handle=1, delivery-id=256, delivery-tag=binary(${'ee'.repeat(32)}), ` +
        'message-format=4294967295, settled=true, more=true, rcv-settle-mode=first, resume=true, ' +
        'aborted=false, batchable=true) header() properties() amqp-value("x")', payload);
}

function print_disposition_frames() {
    const print = (name, state, text) => print_frame(name, 0,
        frames.disposition({ role: true, first: 1, last: 9, settled: true, state }),
        `disposition(role=receiver, first=1, last=9, settled=true, state=${text})`);
    print('disposition-accepted', message.accepted().described(), 'accepted()');
    print('disposition-released', message.released().described(), 'released()');
    print('disposition-rejected', message.rejected({}).described(), 'rejected()');
    const error = { condition: 'amqp:decode-error', description: 'd' };
    print('disposition-rejected-with-error', message.rejected({ error }).described(),
        'rejected(error=error(condition=:"amqp:decode-error", description="d"))');
    print('disposition-modified',
        message.modified({ delivery_failed: false, undeliverable_here: true,
            message_annotations: { k: 'v' } }).described(),
        'modified(delivery-failed=false, undeliverable-here=true, ' +
        'message-annotations={:"k": "v"})');
    print('disposition-received',
        message.received({ section_number: 0, section_offset: 4294967296 }).described(),
        'received(section-number=0, section-offset=4294967296)');
    print_frame('disposition-sender', 0,
        frames.disposition({ role: false, first: 4294967295, batchable: true }),
        'disposition(role=sender, first=4294967295, batchable=true)');
}

function print_sasl_frames() {
    print_sasl_frame('sasl-mechanisms',
        frames.sasl_mechanisms({ sasl_server_mechanisms: ['ANONYMOUS', 'PLAIN'] }),
        'sasl-mechanisms(sasl-server-mechanisms=[:"ANONYMOUS", :"PLAIN"])');
    print_sasl_frame('sasl-mechanisms-bare-symbol',
        frames.sasl_mechanisms({ sasl_server_mechanisms: 'EXTERNAL' }),
        'sasl-mechanisms(sasl-server-mechanisms=[:"EXTERNAL"])');
    print_sasl_frame('sasl-init',
        frames.sasl_init({ mechanism: 'PLAIN', initial_response: Buffer.from('\0u\0p'),
            hostname: 'example.org' }),
        'sasl-init(mechanism=:"PLAIN", initial-response=binary(00750070), ' +
        'hostname="example.org")');
    print_sasl_frame('sasl-init-empty-response',
        frames.sasl_init({ mechanism: 'EXTERNAL', initial_response: Buffer.alloc(0) }),
        'sasl-init(mechanism=:"EXTERNAL", initial-response=binary())');
    print_sasl_frame('sasl-challenge', frames.sasl_challenge({ challenge: Buffer.from('r=1') }),
        'sasl-challenge(challenge=binary(723d31))');
    print_sasl_frame('sasl-response', frames.sasl_response({ response: Buffer.from('r=2') }),
        'sasl-response(response=binary(723d32))');
    print_sasl_frame('sasl-outcome-ok', frames.sasl_outcome({ code: 0 }), 'sasl-outcome(code=ok)');
    print_sasl_frame('sasl-outcome-auth',
        frames.sasl_outcome({ code: 1, additional_data: Buffer.from([0xff]) }),
        'sasl-outcome(code=auth, additional-data=binary(ff))');
    print_sasl_frame('sasl-outcome-sys-temp', frames.sasl_outcome({ code: 4 }),
        'sasl-outcome(code=sys-temp)');
}

function print_frames() {
    print_connection_frames();
    print_session_frames();
    print_attach_frames();
    print_transfer_frames();
    print_disposition_frames();
    print_sasl_frames();
}

module.exports = { print_frames };
