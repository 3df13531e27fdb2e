/* Storing fields that are not straight-line. */
#include "schema/fields_store.h"

#include "schema/generated/composite.h"

amqpc_status amqpci_list_empty(amqpci_sink *sink, uint8_t type)
{
    const uint8_t bytes[] = {0x00, AMQPC_CODE_SMALLULONG, type, AMQPC_CODE_LIST0};
    amqpc_status status = amqpci_sink_reserve(sink, sizeof bytes);
    if (status == AMQPC_OK) {
        memcpy(sink->position, bytes, sizeof bytes);
        sink->position += sizeof bytes;
    }
    return status;
}

amqpc_status amqpci_list_widen(amqpci_sink *sink, size_t start, uint32_t count)
{
    enum { MORE = 6 };
    amqpc_status status = amqpci_sink_reserve(sink, MORE);
    if (status != AMQPC_OK) {
        return status;
    }
    uint8_t *list = sink->start + start + 3;
    size_t size = (size_t)(sink->position - (list + 3));
    if (size > UINT32_MAX - 4) {
        return AMQPC_INVALID_ARGUMENT;
    }
    memmove(list + 3 + MORE, list + 3, size);
    list[0] = AMQPC_CODE_LIST32;
    amqpci_store32(list + 1, (uint32_t)size + 4);
    amqpci_store32(list + 5, count);
    sink->position += MORE;
    return AMQPC_OK;
}

amqpc_status amqpci_store_map(amqpci_sink *sink, const amqpc_value *value)
{
    return value->type == AMQPC_TYPE_MAP ? amqpci_store_value(sink, value) : AMQPC_INVALID_ARGUMENT;
}

amqpc_status amqpci_store_any(amqpci_sink *sink, const amqpc_value *value)
{
    return amqpci_store_value(sink, value);
}

amqpc_status amqpci_store_described(amqpci_sink *sink, const amqpc_value *value)
{
    return value->type == AMQPC_TYPE_DESCRIBED ? amqpci_store_value(sink, value)
                                               : AMQPC_INVALID_ARGUMENT;
}

amqpc_status amqpci_store_message_id_any(amqpci_sink *sink, const amqpc_value *value)
{
    bool valid = value->type == AMQPC_TYPE_ULONG || value->type == AMQPC_TYPE_UUID ||
                 value->type == AMQPC_TYPE_BINARY || value->type == AMQPC_TYPE_STRING;
    return valid ? amqpci_store_scalar(sink, value) : AMQPC_INVALID_ARGUMENT;
}

/* Several symbols are an array, and so is one: every peer takes that, not every peer a bare one. */
static amqpc_status store_symbol_items(amqpci_sink *sink, const amqpc_symbols *symbols)
{
    bool wide = false;
    for (uint32_t i = 0; i < symbols->count; i++) {
        wide = wide || symbols->items[i].size > UINT8_MAX;
    }
    uint8_t code = wide ? AMQPC_CODE_SYMBOL32 : AMQPC_CODE_SYMBOL8;
    amqpci_open_compound array = {0};
    amqpc_status status = amqpci_begin_compound(sink, AMQPC_TYPE_ARRAY, AMQPC_CODE_SMALLEST, 0,
                                                symbols->count, &array);
    if (status == AMQPC_OK) {
        status = amqpci_store_byte(sink, code);
    }
    for (uint32_t i = 0; status == AMQPC_OK && i < symbols->count; i++) {
        amqpc_value symbol = {.type = AMQPC_TYPE_SYMBOL, .as.bytes = symbols->items[i]};
        status = amqpci_store_content(sink, &symbol, code);
    }
    array.count = symbols->count;
    return status == AMQPC_OK ? amqpci_end_compound(sink, &array) : status;
}

amqpc_status amqpci_store_symbols(amqpci_sink *sink, const amqpc_symbols *symbols)
{
    if (symbols->items != NULL) {
        return store_symbol_items(sink, symbols);
    }
    bool valid =
        symbols->value.type == AMQPC_TYPE_SYMBOL || symbols->value.type == AMQPC_TYPE_ARRAY;
    return valid ? amqpci_store_value(sink, &symbols->value) : AMQPC_INVALID_ARGUMENT;
}

amqpc_status amqpci_store_error(amqpci_sink *sink, const amqpc_error *error)
{
    return amqpci_encode_error(sink, error);
}
