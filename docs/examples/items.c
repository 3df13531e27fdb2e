/* Builds a map, walks through it again, and explains what is wrong with a damaged copy. */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>

static const amqpc_value entries[4] = {
    {.type = AMQPC_TYPE_STRING, .as.bytes = {"count", 5}},
    {.type = AMQPC_TYPE_LONG, .as.i64 = 42},
    {.type = AMQPC_TYPE_STRING, .as.bytes = {"unit", 4}},
    {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"celsius", 7}},
};

/* Writes the map, and gives its size, or 0. */
static size_t write_map(void *bytes, size_t capacity)
{
    const amqpc_value map = {
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 4, .as.items = entries};
    amqpc_writer *writer = NULL;
    size_t size = 0;
    if (amqpc_writer_new(NULL, &writer) != AMQPC_OK) {
        return 0;
    }
    amqpc_writer_set_fixed(writer, bytes, capacity);
    if (amqpc_writer_value(writer, &map) == AMQPC_OK) {
        size = amqpc_writer_size(writer);
    }
    amqpc_writer_free(writer);
    return size;
}

static int explain(const void *bytes, size_t size)
{
    amqpc_buffer *account = NULL;
    amqpc_status status = amqpc_buffer_new(NULL, 4096, &account);
    if (status == AMQPC_OK) {
        status = amqpc_explain(AMQPC_INPUT_VALUE, bytes, size, NULL, account);
    }
    if (status == AMQPC_OK) {
        fwrite(amqpc_buffer_data(account), 1, amqpc_buffer_size(account), stdout);
    }
    amqpc_buffer_free(account);
    return status == AMQPC_OK ? 0 : 1;
}

int main(void)
{
    unsigned char bytes[128];
    amqpc_value map;
    amqpc_items items;
    amqpc_value found[4]; /* keys and values by turns */
    size_t count = 0;
    size_t size = write_map(bytes, sizeof bytes);
    if (amqpc_value_decode(bytes, size, NULL, &map, NULL) != AMQPC_OK ||
        amqpc_items_init(&map, &items) != AMQPC_OK ||
        amqpc_items_next(&items, found, 4, &count) != AMQPC_OK) {
        return 1;
    }
    for (size_t i = 0; i < count; i += 2) {
        printf("%.*s is a %s\n", (int)found[i].as.bytes.size, (const char *)found[i].as.bytes.data,
               amqpc_type_name(found[i + 1].type));
    }
    bytes[size - 1] = 0xff; /* not a character of a symbol */
    return explain(bytes, size);
}
