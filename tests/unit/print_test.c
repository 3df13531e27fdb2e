/* Printing into buffers that are too small: a failure is never lost. */
#include <amqpcodec/amqpcodec.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t write_attach(uint8_t *frame, size_t capacity)
{
    uint8_t bytes[128];
    size_t size = 0;
    static const uint8_t accepted[] = {0x00, 0x53, AMQPC_COMPOSITE_ACCEPTED, 0x45};
    amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS | AMQPC_SOURCE_DEFAULT_OUTCOME,
                           .address = {"queue", 5}};
    assert_int_equal(
        amqpc_value_decode(accepted, sizeof accepted, NULL, &source.default_outcome, NULL),
        AMQPC_OK);
    assert_int_equal(amqpc_source_encode(&source, bytes, sizeof bytes, &size), AMQPC_OK);
    amqpc_performative attach = {.type = AMQPC_COMPOSITE_ATTACH};
    attach.as.attach.present =
        AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE | AMQPC_ATTACH_SOURCE;
    attach.as.attach.name = (amqpc_bytes){"link", 4};
    assert_int_equal(amqpc_value_decode(bytes, size, NULL, &attach.as.attach.source, NULL),
                     AMQPC_OK);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &attach, frame, capacity, &size),
                     AMQPC_OK);
    return size;
}

static void test_a_frame_that_does_not_fit_the_buffer_is_buffer_full_for_every_cap(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = write_attach(bytes, sizeof bytes);
    amqpc_frame frame;
    assert_int_equal(amqpc_frame_parse(bytes, size, NULL, &frame, NULL), AMQPC_OK);
    for (unsigned format = AMQPC_PRINT_TEXT; format <= AMQPC_PRINT_JSON; format++) {
        size_t needed = SIZE_MAX;
        for (size_t cap = 1; cap <= needed; cap++) {
            amqpc_buffer *buffer = NULL;
            assert_int_equal(amqpc_buffer_new(NULL, cap, &buffer), AMQPC_OK);
            amqpc_status status = amqpc_frame_print(&frame, NULL, format, buffer);
            if (status == AMQPC_OK) {
                needed = amqpc_buffer_size(buffer);
                assert_int_equal(cap, needed);
            } else {
                assert_int_equal(status, AMQPC_BUFFER_FULL);
                assert_int_equal(amqpc_buffer_size(buffer), 0);
            }
            amqpc_buffer_free(buffer);
        }
        assert_true(needed > 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_frame_that_does_not_fit_the_buffer_is_buffer_full_for_every_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
