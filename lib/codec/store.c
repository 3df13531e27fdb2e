/* Storing values that are not known to be of one type; beginning and ending compounds. */
#include "codec/store.h"

#include <assert.h>

#include "codec/format_code.h"

static bool fits_unsigned(const amqpc_value *value, uint64_t max)
{
    return value->as.u64 <= max;
}

static bool fits_signed(const amqpc_value *value, int64_t max)
{
    return value->as.i64 <= max && value->as.i64 >= -max - 1;
}

static bool is_code_point(const amqpc_value *value)
{
    return value->as.u64 <= 0x10ffff && (value->as.u64 < 0xd800 || value->as.u64 > 0xdfff);
}

/* Whether the content is valid for the type, and small enough for the code. */
static bool fits_code(const amqpc_value *value, uint8_t code)
{
    switch (code) {
    case AMQPC_CODE_TRUE:
        return value->as.boolean;
    case AMQPC_CODE_FALSE:
        return !value->as.boolean;
    case AMQPC_CODE_UINT0:
    case AMQPC_CODE_ULONG0:
        return value->as.u64 == 0;
    case AMQPC_CODE_LIST0:
        return value->count == 0;
    case AMQPC_CODE_UBYTE:
    case AMQPC_CODE_SMALLUINT:
    case AMQPC_CODE_SMALLULONG:
        return fits_unsigned(value, UINT8_MAX);
    case AMQPC_CODE_USHORT:
        return fits_unsigned(value, UINT16_MAX);
    case AMQPC_CODE_UINT:
    case AMQPC_CODE_DECIMAL32:
        return fits_unsigned(value, UINT32_MAX);
    case AMQPC_CODE_BYTE:
    case AMQPC_CODE_SMALLINT:
    case AMQPC_CODE_SMALLLONG:
        return fits_signed(value, INT8_MAX);
    case AMQPC_CODE_SHORT:
        return fits_signed(value, INT16_MAX);
    case AMQPC_CODE_INT:
        return fits_signed(value, INT32_MAX);
    case AMQPC_CODE_CHAR:
        return is_code_point(value);
    case AMQPC_CODE_STRING8:
    case AMQPC_CODE_BINARY8:
    case AMQPC_CODE_SYMBOL8:
        return value->as.bytes.size <= UINT8_MAX;
    case AMQPC_CODE_STRING32:
    case AMQPC_CODE_BINARY32:
    case AMQPC_CODE_SYMBOL32:
        return value->as.bytes.size <= UINT32_MAX - 5;
    case AMQPC_CODE_LIST8:
    case AMQPC_CODE_MAP8:
    case AMQPC_CODE_ARRAY8:
        return value->as.bytes.size < UINT8_MAX && value->count <= UINT8_MAX;
    case AMQPC_CODE_LIST32:
    case AMQPC_CODE_MAP32:
    case AMQPC_CODE_ARRAY32:
        return value->as.bytes.size <= UINT32_MAX - 9;
    default: /* null, boolean, and all numbers whose code holds every content */
        return true;
    }
}

static bool is_text_valid(const amqpc_value *value)
{
    const uint8_t *text = (const uint8_t *)value->as.bytes.data;
    if (value->type == AMQPC_TYPE_STRING) {
        return amqpci_is_utf8(text, value->as.bytes.size);
    }
    return value->type != AMQPC_TYPE_SYMBOL || amqpci_is_ascii(text, value->as.bytes.size);
}

/* Whether a compound's size and count fit one byte each. */
static bool is_narrow(const amqpc_value *compound)
{
    return compound->as.bytes.size < UINT8_MAX && compound->count <= UINT8_MAX;
}

/* The smallest code of a value that is not described. */
static uint8_t smallest_code(const amqpc_value *value)
{
    static const uint8_t only_codes[] = {
        [AMQPC_TYPE_NULL] = AMQPC_CODE_NULL,
        [AMQPC_TYPE_UBYTE] = AMQPC_CODE_UBYTE,
        [AMQPC_TYPE_USHORT] = AMQPC_CODE_USHORT,
        [AMQPC_TYPE_BYTE] = AMQPC_CODE_BYTE,
        [AMQPC_TYPE_SHORT] = AMQPC_CODE_SHORT,
        [AMQPC_TYPE_FLOAT] = AMQPC_CODE_FLOAT,
        [AMQPC_TYPE_DOUBLE] = AMQPC_CODE_DOUBLE,
        [AMQPC_TYPE_DECIMAL32] = AMQPC_CODE_DECIMAL32,
        [AMQPC_TYPE_DECIMAL64] = AMQPC_CODE_DECIMAL64,
        [AMQPC_TYPE_DECIMAL128] = AMQPC_CODE_DECIMAL128,
        [AMQPC_TYPE_CHAR] = AMQPC_CODE_CHAR,
        [AMQPC_TYPE_TIMESTAMP] = AMQPC_CODE_TIMESTAMP,
        [AMQPC_TYPE_UUID] = AMQPC_CODE_UUID,
    };
    switch (value->type) {
    case AMQPC_TYPE_BOOLEAN:
        return value->as.boolean ? AMQPC_CODE_TRUE : AMQPC_CODE_FALSE;
    case AMQPC_TYPE_UINT:
        return value->as.u64 == 0           ? AMQPC_CODE_UINT0
               : value->as.u64 <= UINT8_MAX ? AMQPC_CODE_SMALLUINT
                                            : AMQPC_CODE_UINT;
    case AMQPC_TYPE_ULONG:
        return value->as.u64 == 0           ? AMQPC_CODE_ULONG0
               : value->as.u64 <= UINT8_MAX ? AMQPC_CODE_SMALLULONG
                                            : AMQPC_CODE_ULONG;
    case AMQPC_TYPE_INT:
        return fits_signed(value, INT8_MAX) ? AMQPC_CODE_SMALLINT : AMQPC_CODE_INT;
    case AMQPC_TYPE_LONG:
        return fits_signed(value, INT8_MAX) ? AMQPC_CODE_SMALLLONG : AMQPC_CODE_LONG;
    case AMQPC_TYPE_BINARY:
        return value->as.bytes.size <= UINT8_MAX ? AMQPC_CODE_BINARY8 : AMQPC_CODE_BINARY32;
    case AMQPC_TYPE_STRING:
        return value->as.bytes.size <= UINT8_MAX ? AMQPC_CODE_STRING8 : AMQPC_CODE_STRING32;
    case AMQPC_TYPE_SYMBOL:
        return value->as.bytes.size <= UINT8_MAX ? AMQPC_CODE_SYMBOL8 : AMQPC_CODE_SYMBOL32;
    case AMQPC_TYPE_LIST:
        return value->count == 0  ? AMQPC_CODE_LIST0
               : is_narrow(value) ? AMQPC_CODE_LIST8
                                  : AMQPC_CODE_LIST32;
    case AMQPC_TYPE_MAP:
        return is_narrow(value) ? AMQPC_CODE_MAP8 : AMQPC_CODE_MAP32;
    case AMQPC_TYPE_ARRAY:
        return is_narrow(value) ? AMQPC_CODE_ARRAY8 : AMQPC_CODE_ARRAY32;
    default:
        return only_codes[value->type];
    }
}

/* A slice of bytes behind a size, and for compounds a count, of `width` bytes. */
static amqpc_status store_sized(amqpci_sink *sink, const amqpc_value *value, bool wide,
                                bool counted)
{
    size_t width = wide ? 4 : 1;
    size_t head = counted ? 2 * width : width;
    size_t size = value->as.bytes.size + head - width;
    amqpc_status status = amqpci_sink_reserve(sink, head + value->as.bytes.size);
    if (status != AMQPC_OK) {
        return status;
    }
    uint8_t *to = sink->position;
    if (wide) {
        amqpci_store32(to, (uint32_t)size);
        if (counted) {
            amqpci_store32(to + 4, value->count);
        }
    } else {
        to[0] = (uint8_t)size;
        if (counted) {
            to[1] = (uint8_t)value->count;
        }
    }
    amqpci_copy(to + head, (const uint8_t *)value->as.bytes.data, value->as.bytes.size);
    sink->position = to + head + value->as.bytes.size;
    return AMQPC_OK;
}

/* The bits of a value of fixed size, for amqpci_store_content. */
static uint64_t fixed_bits(const amqpc_value *value)
{
    if (value->type == AMQPC_TYPE_FLOAT) {
        uint32_t bits = 0;
        memcpy(&bits, &value->as.f32, sizeof bits);
        return bits;
    }
    return value->type == AMQPC_TYPE_BOOLEAN ? value->as.boolean : value->as.u64;
}

static amqpc_status store_fixed(amqpci_sink *sink, const amqpc_value *value, size_t size)
{
    amqpc_status status = amqpci_sink_reserve(sink, size);
    if (status != AMQPC_OK) {
        return status;
    }
    uint8_t *to = sink->position;
    switch (size) {
    case 0:
        break;
    case 1:
        to[0] = (uint8_t)fixed_bits(value);
        break;
    case 2:
        amqpci_store16(to, (uint16_t)value->as.u64);
        break;
    case 4:
        amqpci_store32(to, (uint32_t)fixed_bits(value));
        break;
    case 8:
        amqpci_store64(to, value->as.u64);
        break;
    default:
        memcpy(to, value->as.octets, sizeof value->as.octets);
        break;
    }
    sink->position = to + size;
    return AMQPC_OK;
}

amqpc_status amqpci_store_content(amqpci_sink *sink, const amqpc_value *value, uint8_t code)
{
    const amqpci_code_info *info = &amqpci_code_infos[code];
    if (info->layout >= AMQPCI_LAYOUT_DESCRIBED || info->type != value->type ||
        !fits_code(value, code)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    switch (info->layout) {
    case AMQPCI_LAYOUT_BOOLEAN:
        return store_fixed(sink, value, 1);
    case AMQPCI_LAYOUT_CHAR:
        return store_fixed(sink, value, 4);
    case AMQPCI_LAYOUT_BINARY8:
    case AMQPCI_LAYOUT_STRING8:
    case AMQPCI_LAYOUT_SYMBOL8:
        return is_text_valid(value) ? store_sized(sink, value, false, false)
                                    : AMQPC_INVALID_ARGUMENT;
    case AMQPCI_LAYOUT_BINARY32:
    case AMQPCI_LAYOUT_STRING32:
    case AMQPCI_LAYOUT_SYMBOL32:
        return is_text_valid(value) ? store_sized(sink, value, true, false)
                                    : AMQPC_INVALID_ARGUMENT;
    case AMQPCI_LAYOUT_COMPOUND8:
    case AMQPCI_LAYOUT_ARRAY8:
        return store_sized(sink, value, false, true);
    case AMQPCI_LAYOUT_COMPOUND32:
    case AMQPCI_LAYOUT_ARRAY32:
        return store_sized(sink, value, true, true);
    default:
        return store_fixed(sink, value, info->layout);
    }
}

amqpc_status amqpci_store_scalar(amqpci_sink *sink, const amqpc_value *value)
{
    if (value->type >= AMQPC_TYPE_DESCRIBED) {
        return AMQPC_INVALID_ARGUMENT;
    }
    uint8_t code = value->code == AMQPC_CODE_SMALLEST ? smallest_code(value) : value->code;
    amqpc_status status = amqpci_store_byte(sink, code);
    return status != AMQPC_OK ? status : amqpci_store_content(sink, value, code);
}

/* Format codes of compounds by type, for sizes of one byte; those for four bytes are 0x10 higher.
 */
static uint8_t narrow_code(uint8_t type)
{
    return type == AMQPC_TYPE_LIST  ? AMQPC_CODE_LIST8
           : type == AMQPC_TYPE_MAP ? AMQPC_CODE_MAP8
                                    : AMQPC_CODE_ARRAY8;
}

static bool is_code_of(uint8_t type, uint8_t code)
{
    return amqpci_code_infos[code].layout < AMQPCI_LAYOUT_DESCRIBED &&
           amqpci_code_infos[code].type == type;
}

amqpc_status amqpci_begin_compound(amqpci_sink *sink, uint8_t type, uint8_t code,
                                   uint8_t element_of, size_t count_hint,
                                   amqpci_open_compound *compound)
{
    assert(type == AMQPC_TYPE_LIST || type == AMQPC_TYPE_MAP || type == AMQPC_TYPE_ARRAY);
    uint8_t fixed_code = element_of != 0 ? element_of : code;
    if (fixed_code != AMQPC_CODE_SMALLEST && !is_code_of(type, fixed_code)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    bool bare = element_of != 0;
    bool wide =
        fixed_code == AMQPC_CODE_SMALLEST ? count_hint > UINT8_MAX : (fixed_code & 0x10) != 0;
    size_t head = (fixed_code == AMQPC_CODE_LIST0 ? 0u : wide ? 8u : 2u) + (bare ? 0u : 1u);
    amqpc_status status = amqpci_sink_reserve(sink, head);
    if (status == AMQPC_OK) {
        *compound = (amqpci_open_compound){.start = amqpci_sink_offset(sink),
                                           .type = type,
                                           .code = fixed_code,
                                           .bare = bare,
                                           .wide = wide};
        sink->position += head;
    }
    return status;
}

/* The content grew beyond sizes of one byte, for which alone room was left. */
static amqpc_status widen(amqpci_sink *sink, size_t content, size_t size)
{
    enum { MORE = 6 };
    amqpc_status status = amqpci_sink_reserve(sink, MORE);
    if (status == AMQPC_OK) {
        memmove(sink->start + content + MORE, sink->start + content, size);
        sink->position += MORE;
    }
    return status;
}

amqpc_status amqpci_end_compound(amqpci_sink *sink, const amqpci_open_compound *compound)
{
    if (compound->code == AMQPC_CODE_LIST0) {
        if (compound->count != 0) {
            return AMQPC_INVALID_ARGUMENT;
        }
        if (!compound->bare) {
            sink->start[compound->start] = AMQPC_CODE_LIST0;
        }
        return AMQPC_OK;
    }
    bool choose = compound->code == AMQPC_CODE_SMALLEST;
    if (choose && compound->type == AMQPC_TYPE_LIST && compound->count == 0) {
        sink->position = sink->start + compound->start;
        *sink->position++ = AMQPC_CODE_LIST0;
        return AMQPC_OK;
    }
    size_t size_at = compound->start + (compound->bare ? 0 : 1);
    size_t content = size_at + (compound->wide ? 8 : 2);
    size_t size = amqpci_sink_offset(sink) - content;
    bool wide = compound->wide;
    if (!wide && (size >= UINT8_MAX || compound->count > UINT8_MAX)) {
        amqpc_status status = choose ? widen(sink, content, size) : AMQPC_INVALID_ARGUMENT;
        if (status != AMQPC_OK) {
            return status;
        }
        wide = true;
    }
    if (size > UINT32_MAX - 9) {
        return AMQPC_INVALID_ARGUMENT;
    }
    uint8_t *to = sink->start + size_at;
    if (!compound->bare) {
        to[-1] = (uint8_t)(narrow_code(compound->type) | (wide ? 0x10 : 0));
    }
    if (wide) {
        amqpci_store32(to, (uint32_t)size + 4);
        amqpci_store32(to + 4, compound->count);
    } else {
        to[0] = (uint8_t)(size + 1);
        to[1] = (uint8_t)compound->count;
    }
    return AMQPC_OK;
}
