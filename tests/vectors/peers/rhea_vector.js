/* A value for rhea to encode and, beside it, its text in the notation of docs/notation.md.
 *
 * Each function returns {typed, text}: typed comes from rhea's own wrap functions, text from what
 * we ask of them and never from the bytes that come out. */
'use strict';

const rhea = require('rhea');
const version = require('rhea/package.json').version;
const { types } = rhea;

const ESCAPES = { '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r',
    '\t': '\\t' };

function quoted(string) {
    return '"' + string.replace(/["\\\u0000-\u001f\u007f]/g, (character) => ESCAPES[character] ||
        '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0')) + '"';
}

/* A type whose text is NAME(number). */
function number_type(name, wrap) {
    return (number) => ({ typed: wrap(number), text: `${name}(${number})` });
}

/* Numbers beyond 2^53 go to rhea as eight bytes; the text comes from the BigInt. */
function wide_number_type(name, wrap) {
    return (number) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigUInt64BE(BigInt.asUintN(64, number));
        return { typed: wrap(bytes), text: `${name}(${number})` };
    };
}

/* Decimals go to rhea as their bytes, given here as hexadecimal digits. */
function decimal_type(name, create) {
    return (digits) => ({
        typed: create(Buffer.from(digits, 'hex')),
        text: `${name}(0x${digits})`,
    });
}

function texts(items, separator = ', ') {
    return items.map((item) => item.text).join(separator);
}

function typeds(items) {
    return items.map((item) => item.typed);
}

const value = {
    null: () => ({ typed: types.Null(), text: 'null' }),
    boolean: (boolean) => ({ typed: types.wrap_boolean(boolean), text: String(boolean) }),
    ubyte: number_type('ubyte', types.wrap_ubyte),
    ushort: number_type('ushort', types.wrap_ushort),
    uint: number_type('uint', types.wrap_uint),
    ulong: number_type('ulong', types.wrap_ulong),
    wide_ulong: wide_number_type('ulong', types.wrap_ulong),
    byte: number_type('byte', types.wrap_byte),
    short: number_type('short', types.wrap_short),
    int: number_type('int', types.wrap_int),
    long: number_type('long', types.wrap_long),
    wide_long: wide_number_type('long', types.wrap_long),
    timestamp: number_type('timestamp', types.wrap_timestamp),
    /* The caller gives the text: JavaScript writes a number with other rules than %g. */
    float: (number, text) => ({ typed: types.wrap_float(number), text: `float(${text})` }),
    double: (number, text) => ({ typed: types.wrap_double(number), text: `double(${text})` }),
    decimal32: decimal_type('decimal32', types.Decimal32),
    decimal64: decimal_type('decimal64', types.Decimal64),
    decimal128: decimal_type('decimal128', types.Decimal128),
    char: (code_point) => ({
        typed: types.wrap_char(code_point),
        text: `char(U+${code_point.toString(16).toUpperCase().padStart(4, '0')})`,
    }),
    uuid: (text) => ({
        typed: types.wrap_uuid(Buffer.from(text.replace(/-/g, ''), 'hex')),
        text: `uuid(${text})`,
    }),
    binary: (digits) => ({
        typed: types.wrap_binary(Buffer.from(digits, 'hex')),
        text: `binary(${digits})`,
    }),
    string: (string) => ({ typed: types.wrap_string(string), text: quoted(string) }),
    symbol: (string) => ({ typed: types.wrap_symbol(string), text: ':' + quoted(string) }),
    list: (...items) => ({ typed: types.wrap_list(typeds(items)), text: `[${texts(items)}]` }),
    /* Pairs of a key and a value; keys of any type. */
    map: (...pairs) => ({
        typed: types.wrap_map_as_map(new Map(pairs.map(typeds))),
        text: `{${pairs.map((pair) => texts(pair, ': ')).join(', ')}}`,
    }),
    /* A map that rhea makes of an object, with its keys as symbols. */
    symbolic_map: (entries) => ({
        typed: types.wrap_symbolic_map(Object.fromEntries(
            Object.entries(entries).map(([key, item]) => [key, item.typed]))),
        text: '{' + Object.entries(entries).map(([key, item]) => `:${quoted(key)}: ${item.text}`)
            .join(', ') + '}',
    }),
    /* rhea wants the code of the elements' constructor and their plain values. */
    array: (type_name, code, items, descriptor) => ({
        typed: types.wrap_array(items.map((item) => item.typed.value), code,
            descriptor && descriptor.typed),
        text: `array<${descriptor ? `@${descriptor.text} ` : ''}${type_name}>[${texts(items)}]`,
    }),
    described: (descriptor, item) => ({
        typed: types.described(descriptor.typed, item.typed),
        text: `@${descriptor.text} ${item.text}`,
    }),
};

function print_vector(kind, name, bytes, text) {
    const origin = `rhea ${version}`;
    const hex = bytes.toString('hex');
    console.log([kind, origin, name, 'ok', bytes.length, hex, text].join('\t'));
}

module.exports = { value, print_vector };
