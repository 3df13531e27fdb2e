/* Test vectors as rhea encodes them: values here, messages in rhea_messages.js, frames in
 * rhea_frames.js. Writes rhea.tsv to standard output; see docs/notation.md for the format. */
'use strict';

const { types } = require('rhea');
const { value, print_vector } = require('./rhea_vector.js');
const { print_messages } = require('./rhea_messages.js');
const { print_frames } = require('./rhea_frames.js');

const EXAMPLE_UUID = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

/* What was left out of the file, as comments at its top. */
const NOTES = `# Written by tests/vectors/peers/generate: the bytes of rhea.
# Left out, because what rhea writes is not legal AMQP 1.0:
# - a footer: it comes before the body, and its keys are strings (AMQP 3.2, 3.2.10);
# - the info of an error: its keys are strings, where the type fields wants symbols (AMQP 2.8.14);
# - a message-id given as a Buffer that is not 16 bytes long: written as a uuid all the same;
# - the unsettled map of attach: its keys are strings, where delivery tags belong (AMQP 2.7.3).
# Left out, because rhea does not write what it is asked to:
# - a described value as the body: the descriptor of amqp-value replaces that of the value;
# - a value described twice: the outer descriptor replaces the inner one;
# - a transfer with a state: rhea throws a TypeError.`;

function print_value(name, { typed, text }) {
    const writer = new types.Writer();
    writer.write(typed);
    print_vector('value', name, writer.toBuffer(), text);
}

function print_integers() {
    print_value('ubyte-0', value.ubyte(0));
    print_value('ubyte-max', value.ubyte(255));
    print_value('ushort-0', value.ushort(0));
    print_value('ushort-256', value.ushort(256));
    print_value('ushort-max', value.ushort(65535));
    print_value('uint-0', value.uint(0));
    print_value('uint-1', value.uint(1));
    print_value('uint-255', value.uint(255));
    print_value('uint-256', value.uint(256));
    print_value('uint-max', value.uint(4294967295));
    print_value('ulong-0', value.ulong(0));
    print_value('ulong-255', value.ulong(255));
    print_value('ulong-256', value.ulong(256));
    print_value('ulong-2-53', value.ulong(9007199254740992));
    print_value('ulong-200-from-bytes', value.wide_ulong(200n));
    print_value('ulong-max', value.wide_ulong(18446744073709551615n));
    print_value('byte-minus-128', value.byte(-128));
    print_value('byte-max', value.byte(127));
    print_value('short-min', value.short(-32768));
    print_value('short-max', value.short(32767));
    print_value('int-0', value.int(0));
    print_value('int-127', value.int(127));
    print_value('int-128', value.int(128));
    print_value('int-minus-128', value.int(-128));
    print_value('int-minus-129', value.int(-129));
    print_value('int-min', value.int(-2147483648));
    print_value('int-max', value.int(2147483647));
    print_value('long-0', value.long(0));
    print_value('long-minus-1', value.long(-1));
    print_value('long-128', value.long(128));
    print_value('long-minus-129', value.long(-129));
    print_value('long-minus-2-40', value.long(-1099511627776));
    print_value('long-min', value.wide_long(-9223372036854775808n));
    print_value('long-max', value.wide_long(9223372036854775807n));
}

function print_floating_point() {
    print_value('float-0', value.float(0, '0'));
    print_value('float-minus-0', value.float(-0, '-0'));
    print_value('float-1-5', value.float(1.5, '1.5'));
    print_value('float-0-1', value.float(0.1, '0.1'));
    print_value('float-infinity', value.float(Infinity, '0x7f800000'));
    print_value('float-nan', value.float(NaN, '0x7fc00000'));
    print_value('double-0', value.double(0, '0'));
    print_value('double-minus-0', value.double(-0, '-0'));
    print_value('double-minus-2-25', value.double(-2.25, '-2.25'));
    print_value('double-0-1', value.double(0.1, '0.1'));
    print_value('double-minus-infinity', value.double(-Infinity, '0xfff0000000000000'));
    print_value('double-nan', value.double(NaN, '0x7ff8000000000000'));
    print_value('decimal32-1', value.decimal32('32800001'));
    print_value('decimal64-1', value.decimal64('31c0000000000001'));
    print_value('decimal128-1', value.decimal128('30400000000000000000000000000001'));
}

function print_other_scalars() {
    print_value('null', value.null());
    print_value('true', value.boolean(true));
    print_value('false', value.boolean(false));
    print_value('boolean-of-one-byte', { typed: types.Boolean(1), text: 'true' });
    print_value('char-a', value.char(0x41));
    print_value('char-smiley', value.char(0x1f600));
    print_value('timestamp-0', value.timestamp(0));
    print_value('timestamp-2011', value.timestamp(1311704463521));
    print_value('timestamp-before-1970', value.timestamp(-86400000));
    print_value('uuid', value.uuid(EXAMPLE_UUID));
    print_value('binary-empty', value.binary(''));
    print_value('binary-3-bytes', value.binary('00ff61'));
    print_value('binary-255-bytes', value.binary('a5'.repeat(255)));
    print_value('binary-256-bytes', value.binary('a5'.repeat(256)));
    print_value('string-empty', value.string(''));
    print_value('string-utf8', value.string('gr\u00fc\u00df \u20ac \u65e5\u672c \u{1f600}'));
    print_value('string-escapes', value.string('"\\\b\f\n\r\t\u0001\u001f\u007f/'));
    print_value('string-with-nul', value.string('a\u0000b'));
    /* 128 letters of two bytes each; str8 would hold 128 characters but not 256 bytes. */
    print_value('string-256-bytes', value.string('\u00e4'.repeat(128)));
    print_value('string-255-bytes', value.string('x'.repeat(255)));
    print_value('symbol-empty', value.symbol(''));
    print_value('symbol-accepted', value.symbol('amqp:accepted:list'));
    print_value('symbol-256-bytes', value.symbol('x'.repeat(256)));
}

function print_compounds() {
    print_value('list-empty', value.list());
    print_value('list-of-each-kind', value.list(value.null(), value.boolean(true), value.ubyte(1),
        value.uint(0), value.long(-1), value.double(1.5, '1.5'), value.char(0x41),
        value.timestamp(0), value.uuid(EXAMPLE_UUID), value.binary('ff'), value.string('a'),
        value.symbol('b')));
    print_value('list-nested', value.list(value.list(value.list(), value.uint(1)),
        value.map([value.string('k'), value.list(value.null())])));
    /* Longer than the buffer of 1024 bytes with which rhea's writer starts. */
    print_value('list-of-1100-elements',
        value.list(...Array.from({ length: 1100 }, () => value.boolean(true))));
    print_value('map-empty', value.map());
    print_value('map-of-symbols', value.symbolic_map({ k: value.uint(1), l: value.null() }));
    print_value('map-of-mixed-keys', value.map([value.uint(0), value.string('zero')],
        [value.string('z'), value.boolean(false)], [value.uuid(EXAMPLE_UUID), value.int(-1)]));
    print_value('map-nested', value.map([value.string('outer'),
        value.map([value.string('inner'), value.map()])]));
    print_value('described-by-ulong',
        value.described(value.ulong(0x468C00000004), value.string("color = 'red'")));
    print_value('described-by-symbol',
        value.described(value.symbol('com.example:x'), value.list(value.uint(1))));
    print_value('described-by-ulong-0', value.described(value.ulong(0), value.boolean(true)));
    print_value('list-of-described', value.list(
        value.described(value.symbol('a'), value.map()),
        value.described(value.ulong(256), value.null())));
}

function print_arrays() {
    const { array } = value;
    print_value('array-empty-of-symbol', array('symbol', 0xa3, []));
    print_value('array-of-sym8', array('symbol', 0xa3, [value.symbol('a'), value.symbol('bc')]));
    print_value('array-of-sym32', array('symbol', 0xb3, [value.symbol('a'), value.symbol('bc')]));
    print_value('array-of-str8', array('string', 0xa1, [value.string('\u00e4'), value.string('')]));
    print_value('array-of-str32', array('string', 0xb1, [value.string('x'.repeat(256))]));
    print_value('array-of-vbin8', array('binary', 0xa0, [value.binary('00'), value.binary('')]));
    print_value('array-of-boolean',
        array('boolean', 0x56, [value.boolean(true), value.boolean(false)]));
    print_value('array-of-true',
        array('boolean', 0x41, [value.boolean(true), value.boolean(true)]));
    print_value('array-of-null', array('null', 0x40, [value.null(), value.null(), value.null()]));
    print_value('array-of-uint', array('uint', 0x70, [value.uint(0), value.uint(4294967295)]));
    print_value('array-of-smalluint', array('uint', 0x52, [value.uint(0), value.uint(255)]));
    print_value('array-of-uint0', array('uint', 0x43, [value.uint(0), value.uint(0)]));
    print_value('array-of-smallulong', array('ulong', 0x53, [value.ulong(7)]));
    print_value('array-of-ulong0', array('ulong', 0x44, [value.ulong(0)]));
    print_value('array-of-smallint', array('int', 0x54, [value.int(-128), value.int(127)]));
    print_value('array-of-smalllong', array('long', 0x55, [value.long(-1)]));
    print_value('array-of-long', array('long', 0x81, [value.long(-1), value.long(1)]));
    print_value('array-of-double', array('double', 0x82, [value.double(0.1, '0.1')]));
    print_value('array-of-list8',
        array('list', 0xc0, [value.list(value.uint(1)), value.list()]));
    print_value('array-of-list0', array('list', 0x45, [value.list(), value.list()]));
    print_value('array-of-map32', array('map', 0xd1,
        [value.map([value.string('k'), value.boolean(true)]), value.map()]));
    print_value('array-of-described-list32', array('list', 0xd0,
        [value.list(), value.list(value.string('a'))], value.ulong(5)));
    print_value('array-of-described-list0',
        array('list', 0x45, [value.list(), value.list()], value.symbol('com.example:empty')));
}

/* What rhea makes of plain JavaScript values that carry no type of their own. */
function print_guessed_types() {
    const guess = (plain) => types.wrap(plain);
    print_value('guess-minus-1', { typed: guess(-1), text: 'int(-1)' });
    print_value('guess-2-32', { typed: guess(4294967296), text: 'ulong(4294967296)' });
    print_value('guess-minus-2-31', { typed: guess(-2147483648), text: 'long(-2147483648)' });
    print_value('guess-1-5', { typed: guess(1.5), text: 'double(1.5)' });
    print_value('guess-date', { typed: guess(new Date(5)), text: 'timestamp(5)' });
    print_value('guess-object', {
        typed: guess({ a: [1, 'b'], c: { d: undefined } }),
        text: '{"a": [uint(1), "b"], "c": {"d": null}}',
    });
    print_value('guess-set', { typed: guess(new Set(['a', true])), text: '["a", true]' });
}

console.log(NOTES);
print_integers();
print_floating_point();
print_other_scalars();
print_compounds();
print_arrays();
print_guessed_types();
print_messages();
print_frames();
