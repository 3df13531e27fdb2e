/* What the tests of the writer share. */
#include "unit/writer_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

amqpc_writer *writer;
uint8_t room[ROOM];
char letters[300];

int writer_setup(void **state)
{
    (void)state;
    memset(letters, 'a', sizeof letters);
    return amqpc_writer_new(NULL, &writer) == AMQPC_OK ? 0 : 1;
}

int writer_teardown(void **state)
{
    (void)state;
    amqpc_writer_free(writer);
    return 0;
}

amqpc_value of_unsigned(unsigned type, unsigned code, uint64_t number)
{
    return (amqpc_value){.type = (uint8_t)type, .code = (uint8_t)code, .as.u64 = number};
}

amqpc_value of_signed(unsigned type, unsigned code, int64_t number)
{
    return (amqpc_value){.type = (uint8_t)type, .code = (uint8_t)code, .as.i64 = number};
}

amqpc_value of_boolean(unsigned code, bool boolean)
{
    return (amqpc_value){.type = AMQPC_TYPE_BOOLEAN, .code = (uint8_t)code, .as.boolean = boolean};
}

amqpc_value of_bytes(unsigned type, unsigned code, const void *data, size_t size)
{
    return (amqpc_value){.type = (uint8_t)type, .code = (uint8_t)code, .as.bytes = {data, size}};
}

amqpc_value of_text(unsigned type, const char *text)
{
    return of_bytes(type, ANY_CODE, text, strlen(text));
}

amqpc_value of_items(unsigned type, unsigned code, const amqpc_value *items, uint32_t count)
{
    return (amqpc_value){.type = (uint8_t)type,
                         .code = (uint8_t)code,
                         .form = AMQPC_FORM_ITEMS,
                         .count = count,
                         .as.items = items};
}

void start(void)
{
    amqpc_writer_set_fixed(writer, room, sizeof room);
}

void begin(unsigned type, unsigned code)
{
    assert_int_equal(amqpc_writer_begin(writer, type, code), AMQPC_OK);
}

void begin_array(unsigned code, unsigned element_code)
{
    assert_int_equal(amqpc_writer_begin_array(writer, code, element_code, NULL), AMQPC_OK);
}

void put(amqpc_value value)
{
    assert_int_equal(amqpc_writer_value(writer, &value), AMQPC_OK);
}

void end(void)
{
    assert_int_equal(amqpc_writer_end(writer), AMQPC_OK);
}

static const char *to_hex(const uint8_t *bytes, size_t size)
{
    static char hex[2 * ROOM + 1];
    for (size_t i = 0; i < size; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    hex[2 * size] = '\0';
    return hex;
}

void assert_written(const char *hex)
{
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_OK);
    assert_string_equal(to_hex(room, amqpc_writer_size(writer)), hex);
}

/* In a block of its own, so that sanitizers see a write beyond. */
static amqpc_status write_within(const amqpc_value *value, size_t capacity, size_t *size)
{
    uint8_t *bytes = (uint8_t *)malloc(capacity == 0 ? 1 : capacity);
    assert_non_null(bytes);
    amqpc_writer_set_fixed(writer, bytes, capacity);
    amqpc_status status = amqpc_writer_value(writer, value);
    assert_int_equal(amqpc_writer_finish(writer), status);
    *size = amqpc_writer_size(writer);
    assert_true(*size <= capacity);
    assert_true(status != AMQPC_OK || memcmp(bytes, room, *size) == 0);
    free(bytes);
    return status;
}

void assert_encodes(amqpc_value value, const char *hex)
{
    size_t size = 0;
    start();
    put(value);
    assert_written(hex);
    size_t needed = strlen(hex) / 2;
    assert_int_equal(write_within(&value, needed, &size), AMQPC_OK);
    assert_int_equal(size, needed);
    for (size_t capacity = 0; capacity < needed; capacity++) {
        assert_int_equal(write_within(&value, capacity, &size), AMQPC_BUFFER_FULL);
    }
    start();
}

void assert_refused(amqpc_value value)
{
    start();
    assert_int_equal(amqpc_writer_value(writer, &value), AMQPC_INVALID_ARGUMENT);
    assert_int_equal(amqpc_writer_finish(writer), AMQPC_INVALID_ARGUMENT);
}
