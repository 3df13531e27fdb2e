/* Messages as rhea.message.encode writes them.
 *
 * rhea always writes the sections header and properties, empty ones included, writes every field
 * that it is given, and null as the body where there is none. */
'use strict';

const { message, types } = require('rhea');
const { value, print_vector } = require('./rhea_vector.js');

const EXAMPLE_UUID = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

function print_message(name, fields, text) {
    print_vector('message', name, message.encode(fields), text);
}

/* A message without a body of its own, which has amqp-value(null). */
function print_bodyless(name, fields, sections) {
    print_message(name, fields, `${sections} amqp-value(null)`);
}

function print_headers() {
    print_bodyless('empty', {}, 'header() properties()');
    print_bodyless('header-durable', { durable: true }, 'header(durable=true) properties()');
    print_bodyless('header-defaults', { durable: false, priority: 4, delivery_count: 0 },
        'header(durable=false, priority=4, delivery-count=0) properties()');
    print_bodyless('header-ttl', { ttl: 4294967295 }, 'header(ttl=4294967295) properties()');
    print_bodyless('header-all-fields',
        { durable: true, priority: 255, ttl: 60000, first_acquirer: true, delivery_count: 256 },
        'header(durable=true, priority=255, ttl=60000, first-acquirer=true, delivery-count=256) ' +
        'properties()');
}

function print_properties() {
    const print = (name, fields, text) =>
        print_bodyless(name, fields, `header() properties(${text})`);
    print('message-id-string', { message_id: 'id', correlation_id: '' },
        'message-id="id", correlation-id=""');
    print('message-id-ulong', { message_id: 0, correlation_id: 256 },
        'message-id=ulong(0), correlation-id=ulong(256)');
    print('message-id-uuid', { message_id: Buffer.from(EXAMPLE_UUID.replace(/-/g, ''), 'hex') },
        `message-id=uuid(${EXAMPLE_UUID})`);
    print('message-id-binary', { message_id: types.wrap_binary(Buffer.from([0, 255])) },
        'message-id=binary(00ff)');
    print('properties-user-id', { user_id: Buffer.from('alice') }, 'user-id=binary(616c696365)');
    print('properties-to', { to: 'queue' }, 'to="queue"');
    print('properties-subject', { subject: 'gr\u00fc\u00df' }, 'subject="gr\u00fc\u00df"');
    print('properties-dates',
        { absolute_expiry_time: 1700000000000, creation_time: new Date(1311704463521) },
        'absolute-expiry-time=timestamp(1700000000000), creation-time=timestamp(1311704463521)');
    print('properties-group', { group_id: 'g', group_sequence: 4294967295 },
        'group-id="g", group-sequence=4294967295');
    print('properties-all-fields',
        {
            message_id: 'm', user_id: Buffer.from([0]), to: 't', subject: 's', reply_to: 'r',
            correlation_id: 'c', content_type: 'text/plain', content_encoding: 'gzip',
            absolute_expiry_time: 2, creation_time: 1, group_id: 'g', group_sequence: 0,
            reply_to_group_id: 'h',
        },
        'message-id="m", user-id=binary(00), to="t", subject="s", reply-to="r", ' +
        'correlation-id="c", content-type=:"text/plain", content-encoding=:"gzip", ' +
        'absolute-expiry-time=timestamp(2), creation-time=timestamp(1), group-id="g", ' +
        'group-sequence=0, reply-to-group-id="h"');
}

function print_maps() {
    print_bodyless('message-annotations',
        { message_annotations: { 'x-opt-offset': value.long(-1).typed, 'x-opt-key': 'p' } },
        'header() message-annotations{:"x-opt-offset": long(-1), :"x-opt-key": "p"} properties()');
    print_bodyless('message-annotations-nested',
        { message_annotations: { 'x-list': [1, { a: true }] } },
        'header() message-annotations{:"x-list": [uint(1), {"a": true}]} properties()');
    print_bodyless('message-annotations-empty', { message_annotations: {} },
        'header() message-annotations{} properties()');
    print_bodyless('delivery-annotations', { delivery_annotations: { 'x-opt-to': 'q' } },
        'header() delivery-annotations{:"x-opt-to": "q"} properties()');
    print_bodyless('application-properties-empty', { application_properties: {} },
        'header() properties() application-properties{}');
}

/* One message whose application properties hold one value of each simple type. */
function print_application_properties() {
    const entries = [
        ['null', value.null()], ['true', value.boolean(true)], ['ubyte', value.ubyte(255)],
        ['ushort', value.ushort(65535)], ['uint', value.uint(4294967295)],
        ['ulong', value.wide_ulong(18446744073709551615n)], ['byte', value.byte(-128)],
        ['short', value.short(-32768)], ['int', value.int(-2147483648)],
        ['long', value.wide_long(-9223372036854775808n)], ['float', value.float(1.5, '1.5')],
        ['double', value.double(0.1, '0.1')], ['decimal32', value.decimal32('32800001')],
        ['decimal64', value.decimal64('31c0000000000001')],
        ['decimal128', value.decimal128('30400000000000000000000000000001')],
        ['char', value.char(0x1f600)], ['timestamp', value.timestamp(-1)],
        ['uuid', value.uuid(EXAMPLE_UUID)], ['binary', value.binary('ff')],
        ['string', value.string('\u20ac')], ['symbol', value.symbol('s')],
    ];
    const properties = Object.fromEntries(entries.map(([key, item]) => [key, item.typed]));
    const text = entries.map(([key, item]) => `"${key}": ${item.text}`).join(', ');
    print_bodyless('application-properties-of-each-type', { application_properties: properties },
        `header() properties() application-properties{${text}}`);
}

function print_bodies() {
    const print = (name, body, text) =>
        print_message(name, { body }, `header() properties() ${text}`);
    print('value-string', 'Hello, World!', 'amqp-value("Hello, World!")');
    print('value-false', false, 'amqp-value(false)');
    print('value-empty-string', '', 'amqp-value("")');
    print('value-binary', Buffer.from([0, 1]), 'amqp-value(binary(0001))');
    print('value-list', [1, 'a', null], 'amqp-value([uint(1), "a", null])');
    print('value-map', { k: { l: [] } }, 'amqp-value({"k": {"l": []}})');
    print('value-list-of-described', [value.described(value.ulong(5), value.uint(1)).typed],
        'amqp-value([@ulong(5) uint(1)])');
    print('value-over-1024-bytes', 'x'.repeat(2000), `amqp-value("${'x'.repeat(2000)}")`);
    print('data-empty', message.data_section(Buffer.alloc(0)), 'data()');
    print('data-255-bytes', message.data_section(Buffer.alloc(255, 0xab)),
        `data(${'ab'.repeat(255)})`);
    print('data-256-bytes', message.data_section(Buffer.alloc(256, 0xab)),
        `data(${'ab'.repeat(256)})`);
    print('data-sections', message.data_sections([Buffer.from('a'), Buffer.from('bc')]),
        'data(61) data(6263)');
    print('sequence-empty', message.sequence_section([]), 'amqp-sequence[]');
    print('sequence-of-three', message.sequence_section([1, 'a', true]),
        'amqp-sequence[uint(1), "a", true]');
    print('sequence-sections', message.sequence_sections([[1, 2], [], ['a']]),
        'amqp-sequence[uint(1), uint(2)] amqp-sequence[] amqp-sequence["a"]');
    print_message('all-sections-but-footer',
        {
            durable: true, to: 'q', delivery_annotations: { d: 1 }, message_annotations: { m: 2 },
            application_properties: { a: 3 }, body: message.data_section(Buffer.from([0xca])),
        },
        'header(durable=true) delivery-annotations{:"d": uint(1)} ' +
        'message-annotations{:"m": uint(2)} properties(to="q") ' +
        'application-properties{"a": uint(3)} data(ca)');
}

function print_messages() {
    print_headers();
    print_properties();
    print_maps();
    print_application_properties();
    print_bodies();
}

module.exports = { print_messages };
