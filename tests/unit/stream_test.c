/* Deliveries that are sent in pieces (AMQP 2.7.5: more). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_frames.h"

enum { PIECES = 5, PIECE_SIZE = 3000 };

/* A piece that is over once it is taken: its memory is written over, and freed. */
static void send_piece(amqpc_link *sender, uint8_t content)
{
    uint8_t *memory = (uint8_t *)malloc(PIECE_SIZE);
    assert_non_null(memory);
    memset(memory, content, PIECE_SIZE);
    assert_int_equal(amqpc_link_send_chunk(sender, (amqpc_bytes){memory, PIECE_SIZE}), AMQPC_OK);
    memset(memory, 0xff, PIECE_SIZE);
    free(memory);
}

static void test_pieces_are_copied_before_they_are_sent(void **state)
{
    (void)state;
    engine_pair pair;
    engine_pair_open(&pair);
    engine_pair_attach(&pair, NULL);
    assert_int_equal(amqpc_link_add_credit(pair.receiver, 1), AMQPC_OK);
    engine_exchange(&pair);
    assert_int_equal(amqpc_link_send_start(pair.sender, NULL, NULL), AMQPC_OK);
    for (int i = 0; i < PIECES; i++) {
        send_piece(pair.sender, (uint8_t)i);
    }
    assert_int_equal(amqpc_link_send_finish(pair.sender), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery delivery = engine_receive(pair.receiver);
    assert_int_equal(delivery.payload.size, PIECES * PIECE_SIZE);
    for (size_t i = 0; i < delivery.payload.size; i++) {
        assert_int_equal(((const uint8_t *)delivery.payload.data)[i], i / PIECE_SIZE);
    }
    amqpc_delivery_release(&delivery);
    engine_pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_copied_before_they_are_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
