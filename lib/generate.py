#!/usr/bin/env python3
"""Writes what is derived from base/status.def, schema/composites.def and client/options.def: public headers, decoders, encoders, tables and pages.

    lib/generate.py           writes the files that differ
    lib/generate.py --check   writes nothing; says which files differ, and exits with 1 if any does

The files are checked in, so that building needs no Python; a test runs --check.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from definitions import KINDS, LIB, NOTICE, Composite, Field, Option, client_options, read_schema, statuses
from generate_python import python_composites, status_module

ROOT = LIB.parent
WIDTH = 100  # columns


def maximum_choice(item: Field, choices: dict[str, str]) -> int:
    """The highest number of an enumerated type of numbers, or 0."""
    return len(choices[item.type_name].split()) - 1 if item.type_name in choices and item.kind in ("UBYTE", "UINT") else 0


def c_default(item: Field, choices: dict[str, str]) -> str:
    """The C expression of a field's default."""
    if item.default == "" or item.kind in ("SYMBOLS", "MAP", "ANY", "DESCRIBED", "MESSAGE_ID", "ERROR"):
        return KINDS[item.kind].default
    if item.type_name in choices and item.kind != "SYMBOL":
        return str(choices[item.type_name].split().index(item.default))
    if item.kind == "SYMBOL":
        return f'(amqpc_bytes){{"{item.default}", {len(item.default)}}}'
    return item.default + ("u" if item.default.isdigit() and int(item.default) > 0x7FFFFFFF else "")


# --- status.h and docs/statuses.md


def status_header() -> str:
    lines = "\n".join(f"    AMQPC_{name} = {number}, /* {text} */" for name, number, text, _ in statuses())
    return f"""/* The result of a call.
 *
 * {NOTICE.format(source="lib/base/status.def")} */
#ifndef AMQPCODEC_STATUS_H
#define AMQPCODEC_STATUS_H

#include <amqpcodec/export.h>

AMQPC_BEGIN_DECLS

/* 1 to 99 are the caller's or the machine's, 100 to 199 of encodings, 200 to 299 of composites,
 * 300 to 399 of frames, 400 to 499 of messages, 500 to 599 of connections, sessions and links, 600 to
 * 699 of SASL, 700 to 799 of sockets and TLS, 800 to 899 of clients. Numbers never change.
 *
 * With a failure of decoding comes an offset: of the first byte of the field at fault, which is a
 * constructor, a size, a count or a content; within a text, of the first byte that is wrong. A size
 * that promises more than there is is itself at fault. */
typedef enum amqpc_status {{
{lines}
}} amqpc_status;

/* The status's name without prefix: "BAD_UTF8"; "UNKNOWN" for a number that is none. Static. */
AMQPC_API const char *amqpc_status_name(amqpc_status status);

/* The status in words. Static. */
AMQPC_API const char *amqpc_status_text(amqpc_status status);

/* The AMQP error condition that tells the peer (AMQP 2.8.15 to 2.8.18): "amqp:decode-error"; ""
 * where there is none. Static. */
AMQPC_API const char *amqpc_status_condition(amqpc_status status);

AMQPC_END_DECLS

#endif
"""


def status_page() -> str:
    lines = "\n".join(f"| {number} | `{name}` | {text} | {f'`{condition}`' if condition else ''} |" for name, number, text, condition in statuses())
    return f"""# Statuses

{NOTICE.format(source="lib/base/status.def")} In C each name has the prefix `AMQPC_`.

| Number | Name | Meaning | AMQP condition |
| --- | --- | --- | --- |
{lines}
"""


# --- docs/client-options.md


def option_value(option: Option) -> str:
    """What may stand in an option, for people."""
    texts = {
        "TEXT": "text",
        "SECRET": "text, shown nowhere",
        "SYMBOLS": "words",
        "CHOICES": "words of: " + ", ".join(f"`{choice}`" for choice in option.choices.split()),
        "DURATION": f"{option.minimum} to {option.maximum:,} ms",
        "SIZE": f"{option.minimum} to {option.maximum:,} bytes",
        "BOOLEAN": "`true` or `false`",
    }
    size = f", up to {option.maximum:,} bytes" if option.kind in ("TEXT", "SECRET", "SYMBOLS") else ""
    return texts[option.kind] + size


def option_default(option: Option) -> str:
    if option.kind == "BOOLEAN":
        return "`true`" if option.default else "`false`"
    return f"{option.default:,}" if option.kind in ("DURATION", "SIZE") else ""


def options_page() -> str:
    lines = "\n".join(
        f"| {f'`{o.name}`' if o.in_url else f'before `@`: {o.name}'} | `{o.member}` | {option_value(o)} | {option_default(o)} | {o.doc} |"
        for o in client_options()
    )
    return f"""# Options of clients

{NOTICE.format(source="lib/client/options.def")}

    amqp://user:password@host:port/?option=value&option=value
    amqps://host                                        TLS
    amqps://[2001:db8::1]:5671                          IPv6
    amqp+unix:///run/broker.socket                      a Unix socket
    amqp+unix://%40name                                 the same, of Linux's abstract names
    amqps://first/?heartbeat=10s,amqps://second,third   where one does not answer the next is tried

The port is 5672, or 5671 with TLS, where none stands there. Percent encoding is undone in every part; written so must be, wherever
they are no marks: `%` as `%25`, `,` as `%2C`, `&` as `%26`, `#` as `%23`, a space as `%20`; in a user or password also `/` as `%2F`,
`?` as `%3F`, and in a user `:` as `%3A`; in options `@` as `%40`. `+` stands for itself. A path behind the host is refused: addresses
belong to senders and receivers.

Of several URLs the first has the options of all. One without a scheme has that of the URL before it. One without a user has user and
password of the first.

What the URL says comes before what the program says in `amqpc_client_options`, and that before the default. Durations are in
milliseconds, or end with `ms` or `s`; sizes are in bytes, or end with `k` or `M`, of 1,024; for `true` and `false` also stand `yes`
and `no`, `on` and `off`, `1` and `0`. An option that is unknown, stands there twice, or has a value that may not be, is refused with
`AMQPC_BAD_OPTION`, a malformed URL with `AMQPC_BAD_URL`, each with a line that says what is wrong, and where.

A password or token goes over clear text only to this machine (`localhost`, 127.0.0.0/8, ::1, Unix sockets). To another host it is
refused with `AMQPC_SASL_CLEARTEXT`, unless `sasl` names only mechanisms that do not show it, such as SCRAM-SHA-256, or
`allow-plain-cleartext` is true.

| Option | Member of `amqpc_client_options` | Value | Default | Meaning |
| --- | --- | --- | --- | --- |
{lines}
"""


# --- composites.h


def comment_block(text: str) -> str:
    """A C comment of lines that fit."""
    return "\n * ".join(textwrap.wrap(f"/* {text} */", WIDTH - 3))


def declaration(name: str, *parameters: str) -> str:
    """A public function, its parameters aligned behind the parenthesis."""
    start = f"AMQPC_API amqpc_status {name}("
    if len(start) + max(len(p) for p in parameters) + len(") AMQPC_CHECK;") > WIDTH:
        return "AMQPC_API amqpc_status\n" + declaration_lines(f"{name}(", parameters)
    return declaration_lines(start, parameters)


def declaration_lines(start: str, parameters: tuple[str, ...]) -> str:
    """What stands before the parameters, and these, as many to a line as fit."""
    lines = textwrap.wrap(", ".join(p.replace(" ", "\0") for p in parameters) + ")\0AMQPC_CHECK;", WIDTH - len(start), break_long_words=False)
    return (start + ("\n" + " " * len(start)).join(lines)).replace("\0", " ")


def composite_struct(composite: Composite) -> str:
    bits = "".join(f"#define {composite.bit(item)} (1u << {i})\n" for i, item in enumerate(composite.fields))
    members = ["    uint32_t present; /* bits of the fields that are not null */"]
    for item in composite.fields:
        notes = [item.doc]
        if item.mandatory:
            notes.append("mandatory")
        if item.default:
            notes.append(f"default {item.default}")
        member, comment = f"    {KINDS[item.kind].c_type} {item.c_name};", f"/* {'; '.join(notes)} */"
        fits = len(member) + 1 + len(comment) <= WIDTH
        members.append(f"{member} {comment}" if fits else f"    {comment}\n{member}")
    name = composite.c_name
    members_text = "\n".join(members)
    title = f"{composite.name} ({composite.section}, descriptor {composite.symbol}, 0x{composite.code:02x}). {composite.doc}"
    return f"""{comment_block(title)}
{bits}typedef struct amqpc_{name} {{
{members_text}
}} amqpc_{name};

{declaration(f"amqpc_{name}_decode", "const void *data", "size_t size", "const amqpc_limits *limits", f"amqpc_{name} *composite", "size_t *offset")}
{declaration(f"amqpc_{name}_from_value", "const amqpc_value *value", "const amqpc_limits *limits", f"amqpc_{name} *composite")}
{declaration(f"amqpc_{name}_encode", f"const amqpc_{name} *composite", "void *data", "size_t capacity", "size_t *size")}
"""


def composites_header(composites: list[Composite], choices: dict[str, str]) -> str:
    enum = "\n".join(f"    AMQPC_COMPOSITE_{c.upper} = 0x{c.code:02x}," for c in composites)
    choice_text = ""
    symbolic = {f.type_name for c in composites for f in c.fields if f.kind == "SYMBOL"}
    for type_name, names in choices.items():
        if type_name in symbolic:
            continue
        prefix = f"AMQPC_{type_name.replace('-', '_').upper()}"
        values = "".join(f"#define {prefix}_{name.replace('-', '_').upper()} {i}\n" for i, name in enumerate(names.split()))
        choice_text += f"/* {type_name} */\n{values}\n"
    ordered = sorted(composites, key=lambda c: c.c_name != "error")
    structs = "\n".join(composite_struct(c) for c in ordered)
    return f"""/* Every composite type of AMQP 1.0 as a plain struct, with its decoder and encoder.
 *
 * {NOTICE.format(source="lib/schema/composites.def")}
 *
 * A composite named X has the struct amqpc_X, whose member `present` has the bit AMQPC_X_FIELD for
 * every field that is not null. Decoding sets the members of absent fields to the specification's
 * default, or to zero; so a reader needs `present` only to tell null from the default. Encoding
 * writes the fields whose bits are set, and null, or nothing, for the others, whatever they hold.
 *
 * For each there are three functions:
 *
 * amqpc_X_decode      decodes a described list at the start of the bytes.
 *                     data: borrowed, and pointed into by the composite.
 *                     limits: borrowed until return; NULL for the defaults.
 *                     composite: its contents are undefined after a failure.
 *                     offset: may be NULL; on success the bytes consumed, on failure the offset of
 *                     the first byte at fault.
 *                     Returns AMQPC_OK; AMQPC_UNKNOWN_DESCRIPTOR where it is another type; another
 *                     status of the composite or encoding range; AMQPC_INVALID_ARGUMENT (limits).
 * amqpc_X_from_value  the same for a value of AMQPC_TYPE_DESCRIBED and AMQPC_FORM_ENCODED, such as
 *                     attach.source or transfer.state. What is not described is
 *                     AMQPC_WRONG_TYPE.
 * amqpc_X_encode      encodes into memory of the caller, in the smallest form.
 *                     size: receives the bytes written.
 *                     Returns AMQPC_OK; AMQPC_BUFFER_FULL; AMQPC_MISSING_FIELD;
 *                     AMQPC_INVALID_ARGUMENT for a field that cannot be encoded: text that is not
 *                     UTF-8 or ASCII, a value of a type that may not stand there. */
#ifndef AMQPCODEC_COMPOSITES_H
#define AMQPCODEC_COMPOSITES_H

#include <amqpcodec/limits.h>
#include <amqpcodec/value.h>

AMQPC_BEGIN_DECLS

/* The composite types, by their numeric descriptors. */
typedef enum amqpc_composite_type {{
    AMQPC_COMPOSITE_NONE = 0,
{enum}
}} amqpc_composite_type;

{choice_text}/* A field that may hold several symbols (AMQP 1.4).
 *
 * count  how many
 * items  to encode: the symbols, or NULL where `value` holds them. Decoding sets NULL.
 * value  from decoding: one symbol, or an array of symbols, as it arrived; amqpc_symbols_get reads
 *        it */
typedef struct amqpc_symbols {{
    uint32_t count;
    const amqpc_bytes *items;
    amqpc_value value;
}} amqpc_symbols;

/* Reads the symbol at `index`, counted from 0.
 *
 * Reading all of a long list by index takes quadratic time; amqpc_items_init on symbols->value,
 * where that is an array, does not.
 *
 * Returns AMQPC_OK, or AMQPC_NOT_FOUND from `count` on. */
{declaration("amqpc_symbols_get", "const amqpc_symbols *symbols", "uint32_t index", "amqpc_bytes *symbol")}

{structs}
AMQPC_END_DECLS

#endif
"""


# --- composite_decode.c


def take_field(item: Field, choices: dict[str, str]) -> str:
    kind, target = KINDS[item.kind], f"&out->{item.c_name}"
    function = f"amqpci_take_{item.kind.lower()}"
    if not kind.direct:
        return f"""        amqpc_status status = {function}(cursor, {target});
        if (AMQPCI_UNLIKELY(status != AMQPC_OK)) {{
            return status;
        }}
"""
    call = f"{function}(cursor, {target})"
    top = maximum_choice(item, choices)
    if top:
        call = f"{function}_to(cursor, {top}, {target})"
    elif item.minimum:
        call = f"{function}_from(cursor, {item.minimum}, {target})"
    return f"""        if (AMQPCI_UNLIKELY(!{call})) {{
            return amqpci_take_fault(cursor, AMQPCI_TYPE_BIT(AMQPC_TYPE_{kind.types}));
        }}
"""


def decode_function(composite: Composite, choices: dict[str, str]) -> str:
    name = composite.c_name
    defaults, takes = "", ""
    for i, item in enumerate(composite.fields):
        kind = KINDS[item.kind]
        if kind.by_address:
            defaults += f"    amqpci_clear_{kind.c_type[6:]}(&out->{item.c_name});\n"
        else:
            defaults += f"    out->{item.c_name} = {c_default(item, choices)};\n"
        takes += f"""    if (count > {i} && !amqpci_take_null(cursor)) {{
{take_field(item, choices)}        present |= {composite.bit(item)};
    }}
"""
    clear = f"""AMQPCI_INLINE void clear_{name}(amqpc_{name} *out)
{{
    out->present = 0;
{defaults}}}

"""
    fields = ""
    call = ""
    if composite.fields:
        fields = f"""/* The fields of {composite.name}, as many as there are. */
AMQPCI_INLINE amqpc_status decode_{name}_fields(amqpci_cursor *cursor, uint32_t count, amqpc_{name} *out)
{{
    uint32_t present = 0;
{takes}    out->present = present;
    return AMQPC_OK;
}}

"""
        call = f"        status = decode_{name}_fields(cursor, fields.count, out);\n"
    mandatory = composite.mandatory or "0"
    inner = f"""    if (AMQPCI_LIKELY(status == AMQPC_OK)) {{
{call}    }}
""" if call else ""
    return clear + fields + f"""amqpc_status amqpci_decode_{name}(amqpci_cursor *cursor, amqpc_{name} *out)
{{
    amqpci_fields fields;
    amqpc_status status = amqpci_fields_begin(cursor, {len(composite.fields)}, &fields);
    clear_{name}(out);
{inner}    return amqpci_fields_end(cursor, &fields, status, {mandatory}, out->present);
}}

amqpc_status amqpc_{name}_decode(const void *data, size_t size, const amqpc_limits *limits, amqpc_{name} *composite, size_t *offset)
{{
    amqpci_cursor cursor;
    amqpc_status status = amqpci_composite_begin(&cursor, data, size, limits, AMQPC_COMPOSITE_{composite.upper});
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {{
        status = amqpci_decode_{name}(&cursor, composite);
    }}
    if (offset != NULL) {{
        *offset = (size_t)(cursor.position - (const uint8_t *)data);
    }}
    return status;
}}

amqpc_status amqpc_{name}_from_value(const amqpc_value *value, const amqpc_limits *limits, amqpc_{name} *composite)
{{
    amqpci_cursor cursor;
    amqpc_status status = amqpci_composite_begin_value(&cursor, value, limits, AMQPC_COMPOSITE_{composite.upper});
    return status == AMQPC_OK ? amqpci_decode_{name}(&cursor, composite) : status;
}}
"""


def decode_source(composites: list[Composite], choices: dict[str, str]) -> str:
    body = "\n".join(decode_function(c, choices) for c in sorted(composites, key=lambda c: c.c_name != "error"))
    return f"""/* Decoders of all composites: straight-line code, one test and one take per field.
 *
 * {NOTICE.format(source="lib/schema/composites.def")} */
#include "schema/generated/composite.h"
#include "schema/fields.h"

{body}"""


# --- composite_encode.c


def encode_function(composite: Composite) -> str:
    name = composite.c_name
    stores = ""
    for i, item in enumerate(composite.fields):
        address = "&" if KINDS[item.kind].by_address else ""
        stores += f"""    if (AMQPCI_LIKELY(status == AMQPC_OK) && count > {i}) {{
        status = (present & {composite.bit(item)}) != 0 ? amqpci_store_{item.kind.lower()}(sink, {address}in->{item.c_name}) : amqpci_store_null(sink);
    }}
"""
    mask = (1 << len(composite.fields)) - 1
    if not composite.fields:
        return f"""amqpc_status amqpci_encode_{name}(amqpci_sink *sink, const amqpc_{name} *in)
{{
    (void)in;
    return amqpci_list_empty(sink, AMQPC_COMPOSITE_{composite.upper});
}}

""" + public_encode_function(composite)
    missing = f"""    if (AMQPCI_UNLIKELY((present & ({composite.mandatory})) != ({composite.mandatory}))) {{
        return AMQPC_MISSING_FIELD;
    }}
""" if composite.mandatory else ""
    return f"""amqpc_status amqpci_encode_{name}(amqpci_sink *sink, const amqpc_{name} *in)
{{
    uint32_t present = in->present & 0x{mask:x}u;
{missing}    if (present == 0) {{
        return amqpci_list_empty(sink, AMQPC_COMPOSITE_{composite.upper});
    }}
    uint32_t count = amqpci_field_count(present);
    size_t start = 0;
    amqpc_status status = amqpci_list_begin(sink, AMQPC_COMPOSITE_{composite.upper}, &start);
{stores}    return status == AMQPC_OK ? amqpci_list_end(sink, start, count) : status;
}}

""" + public_encode_function(composite)


def public_encode_function(composite: Composite) -> str:
    name = composite.c_name
    return f"""amqpc_status amqpc_{name}_encode(const amqpc_{name} *composite, void *data, size_t capacity, size_t *size)
{{
    amqpci_sink sink;
    amqpci_sink_init_fixed(&sink, data, capacity);
    amqpc_status status = amqpci_encode_{name}(&sink, composite);
    if (AMQPCI_LIKELY(status == AMQPC_OK)) {{
        *size = amqpci_sink_offset(&sink);
    }}
    return status;
}}
"""


def encode_source(composites: list[Composite]) -> str:
    body = "\n".join(encode_function(c) for c in sorted(composites, key=lambda c: c.c_name != "error"))
    return f"""/* Encoders of all composites.
 *
 * {NOTICE.format(source="lib/schema/composites.def")} */
#include "schema/generated/composite.h"
#include "schema/fields_store.h"

{body}"""


# --- composite.h, composite_info.c, docs/composites.md


def internal_header(composites: list[Composite]) -> str:
    lines = "\n".join(
        f"AMQPC_CHECK amqpc_status amqpci_decode_{c.c_name}(amqpci_cursor *cursor, amqpc_{c.c_name} *out);\n"
        f"AMQPC_CHECK amqpc_status amqpci_encode_{c.c_name}(amqpci_sink *sink, const amqpc_{c.c_name} *in);"
        for c in composites
    )
    return f"""/* Decoders and encoders of composites over cursors and sinks, for the layers above.
 *
 * A decoder expects the cursor at the list, behind the descriptor, and leaves it behind the list, or at the byte at fault.
 *
 * {NOTICE.format(source="lib/schema/composites.def")} */
#ifndef AMQPCI_SCHEMA_GENERATED_COMPOSITE_H
#define AMQPCI_SCHEMA_GENERATED_COMPOSITE_H

#include <amqpcodec/composites.h>

#include "codec/cursor.h"
#include "codec/sink.h"

{lines}

#endif
"""


def info_source(composites: list[Composite], choices: dict[str, str]) -> str:
    def text(value: str) -> str:
        return f'"{value}"' if value else "NULL"

    tables, entries = "", ""
    for c in composites:
        if c.fields:
            tables += f"static const amqpc_field_info {c.c_name}_fields[] = {{\n"
            for f in c.fields:
                tables += (
                    f'    {{"{f.name}", "{f.type_name}", AMQPC_FIELD_{f.kind}, {str(f.mandatory).lower()}, {str(f.multiple).lower()}, '
                    f"offsetof(amqpc_{c.c_name}, {f.c_name}), {text(f.default)}, {text(choices.get(f.type_name, ''))}}},\n"
                )
            tables += "};\n\n"
        fields = f"{c.c_name}_fields" if c.fields else "NULL"
        entries += f'    {{"{c.name}", "{c.symbol}", AMQPC_COMPOSITE_{c.upper}, sizeof(amqpc_{c.c_name}), {len(c.fields)}, {fields}}},\n'
    indexes = "".join(f"    [AMQPC_COMPOSITE_{c.upper}] = {i + 1},\n" for i, c in enumerate(composites))
    return f"""/* What the specification says of composites and their fields, for programs to read.
 *
 * {NOTICE.format(source="lib/schema/composites.def")} */
#include <amqpcodec/performative.h>

{tables}static const amqpc_composite_info composite_infos[] = {{
{entries}}};

/* By numeric descriptor: the entry's index plus 1, or 0. */
static const uint8_t composite_indexes[256] = {{
{indexes}}};

const amqpc_composite_info *amqpc_composite_info_get(uint32_t type)
{{
    uint8_t index = type < sizeof composite_indexes ? composite_indexes[type] : 0;
    return index == 0 ? NULL : &composite_infos[index - 1];
}}

const amqpc_composite_info *amqpc_composite_info_all(size_t *count)
{{
    *count = sizeof composite_infos / sizeof composite_infos[0];
    return composite_infos;
}}
"""


def composites_page(composites: list[Composite], choices: dict[str, str]) -> str:
    page = f"# Composite types\n\n{NOTICE.format(source='lib/schema/composites.def')}\n"
    for c in composites:
        page += f"\n## {c.name}\n\n{c.doc} {c.section}; descriptor `{c.symbol}`, 0x{c.code:02x}; struct `amqpc_{c.c_name}`.\n"
        if c.fields:
            page += "\n| Field | Type | C type | | Default | Meaning |\n| --- | --- | --- | --- | --- | --- |\n"
        for f in c.fields:
            notes = ("mandatory" if f.mandatory else "") + (" multiple" if f.multiple else "")
            kind = f"{f.type_name} ({', '.join(choices[f.type_name].split())})" if f.type_name in choices else f.type_name
            page += f"| {f.name} | {kind.replace('*', 'any')} | `{KINDS[f.kind].c_type}` | {notes.strip()} | {f.default} | {f.doc} |\n"
    return page


def outputs() -> dict[Path, str]:
    composites, choices = read_schema()
    return {
        ROOT / "include/amqpcodec/status.h": status_header(),
        ROOT / "include/amqpcodec/composites.h": composites_header(composites, choices),
        LIB / "schema/generated/composite.h": internal_header(composites),
        LIB / "schema/generated/composite_decode.c": decode_source(composites, choices),
        LIB / "schema/generated/composite_encode.c": encode_source(composites),
        LIB / "schema/generated/composite_info.c": info_source(composites, choices),
        ROOT / "docs/composites.md": composites_page(composites, choices),
        ROOT / "bindings/python/src/amqpcodec/_composites.py": python_composites(composites, choices),
        ROOT / "docs/statuses.md": status_page(),
        ROOT / "bindings/python/src/amqpcodec/_status.py": status_module(),
        ROOT / "docs/client-options.md": options_page(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file differs")
    check = parser.parse_args().check
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{'differs' if check else 'writing'}: {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(outputs()[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
