/* The output: slabs that are filled, held, and used again, and pieces in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/output.h"
#include "support/counting_allocator.h"
#include "support/failing_allocator.h"

static void no_payload(void *context, struct amqpci_delivery *delivery)
{
    (void)context;
    (void)delivery;
    fail_msg("no payload was lent");
}

/* Counts what has gone; the deliveries are numbers. */
static void count_payload(void *context, struct amqpci_delivery *delivery)
{
    uintptr_t *last = (uintptr_t *)context;
    assert_int_equal((uintptr_t)delivery, *last + 1);
    *last = (uintptr_t)delivery;
}

/* Room for `size` bytes, which there has to be. */
static uint8_t *room(amqpci_output *output, size_t size)
{
    uint8_t *place = NULL;
    if (amqpci_output_reserve(output, size, &place) != AMQPC_OK) {
        fail_msg("no room for %zu bytes", size);
        abort(); /* fail_msg does not come back, but nothing in its declaration says so */
    }
    return place;
}

static void write(amqpci_output *output, const char *text)
{
    size_t size = strlen(text);
    /* The output holds bytes: the string's end is not sent. */
    memcpy(room(output, size), text, size); /* NOLINT(bugprone-not-null-terminated-result) */
    amqpci_output_commit(output, size);
}

static void assert_waits(const amqpci_output *output, const char *expected)
{
    amqpc_bytes vectors[64];
    char text[1024];
    size_t size = 0;
    size_t count = amqpci_output_vectors(output, vectors, 64);
    for (size_t i = 0; i < count; i++) {
        assert_true(vectors[i].size > 0);
        memcpy(text + size, vectors[i].data, vectors[i].size);
        size += vectors[i].size;
    }
    assert_int_equal(size, strlen(expected));
    assert_int_equal(output->size, size);
    assert_memory_equal(text, expected, size);
}

static void test_neighbours_are_one_piece(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    amqpci_output output;
    amqpci_output_init(&output, &counting.allocator);
    write(&output, "one ");
    write(&output, "two ");
    write(&output, "three");
    amqpc_bytes vector;
    assert_int_equal(amqpci_output_vectors(&output, &vector, 1), 1);
    assert_int_equal(vector.size, 13);
    amqpci_output_consume(&output, 4, no_payload, NULL);
    assert_waits(&output, "two three");
    write(&output, "!");
    assert_waits(&output, "two three!");
    amqpci_output_consume(&output, 10, no_payload, NULL);
    assert_int_equal(amqpci_output_vectors(&output, &vector, 1), 0);
    amqpci_output_clean_up(&output);
    assert_int_equal(counting.size, 0);
}

static void test_lent_pieces_go_in_order_and_are_told(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    amqpci_output output;
    amqpci_output_init(&output, &counting.allocator);
    static const uint8_t lent[] = "0123456789";
    uintptr_t last = 0;
    for (uintptr_t i = 1; i <= 9; i++) { /* the ring grows while it is turned */
        assert_int_equal(amqpci_output_reserve_pieces(&output, 3), AMQPC_OK);
        write(&output, "<");
        amqpci_output_add_piece(&output, lent + i, 1, NULL, (struct amqpci_delivery *)i);
        write(&output, ">");
        if (i == 2) {
            amqpci_output_consume(&output, 1, count_payload, &last);
            assert_int_equal(last, 0);
            amqpci_output_consume(&output, 2, count_payload, &last);
            assert_int_equal(last, 1);
        }
    }
    assert_waits(&output, "<2><3><4><5><6><7><8><9>");
    amqpci_output_consume(&output, output.size, count_payload, &last);
    assert_int_equal(last, 9);
    amqpci_output_clean_up(&output);
    assert_int_equal(counting.size, 0);
}

static void test_in_steady_state_nothing_is_allocated(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    amqpci_output output;
    amqpci_output_init(&output, &counting.allocator);
    static const size_t sizes[] = {100, 40000, 70000, 200000};
    size_t before = 0;
    for (unsigned i = 0; i < 400; i++) {
        size_t size = sizes[i % 4];
        memset(room(&output, size), 1, size);
        amqpci_output_commit(&output, size);
        if (i % 3 == 2) {
            amqpci_output_consume(&output, output.size, no_payload, NULL);
        }
        if (i == 100) {
            before = counting.allocations;
        }
    }
    assert_int_equal(counting.allocations, before);
    amqpci_output_clean_up(&output);
    assert_int_equal(counting.size, 0);
}

static void test_a_slab_of_another_size_is_not_kept(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    amqpci_output output;
    amqpci_output_init(&output, &counting.allocator);
    uint8_t *place = NULL;
    assert_int_equal(amqpci_output_reserve(&output, 1000000, &place), AMQPC_OK);
    amqpci_output_commit(&output, 1000000);
    write(&output, "behind");
    amqpci_output_consume(&output, 1000000, no_payload, NULL);
    assert_true(counting.size < 200000);
    assert_waits(&output, "behind");
    assert_int_equal(amqpci_output_reserve(&output, SIZE_MAX - 8, &place), AMQPC_NO_MEMORY);
    amqpci_output_clean_up(&output);
    assert_int_equal(counting.size, 0);
}

static void test_what_is_held_is_not_written_over(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    amqpci_output output;
    amqpci_output_init(&output, &counting.allocator);
    write(&output, "unsettled");
    const uint8_t *kept = output.current->data;
    amqpci_output_slab *slab = output.current;
    amqpci_output_slab_hold(slab);
    amqpci_output_consume(&output, 9, no_payload, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        write(&output, "0123456789");
        amqpci_output_consume(&output, 10, no_payload, NULL);
    }
    assert_memory_equal(kept, "unsettled", 9);
    amqpci_output_trim(&output);
    assert_memory_equal(kept, "unsettled", 9);
    amqpci_output_slab_drop(&output, slab);
    amqpci_output_trim(&output);
    assert_int_equal(counting.size, 0);
    amqpci_output_clean_up(&output);
}

static void test_trimming_keeps_what_waits(void **state)
{
    (void)state;
    counting_allocator counting;
    counting_allocator_init(&counting);
    amqpci_output output;
    amqpci_output_init(&output, &counting.allocator);
    write(&output, "waits");
    amqpci_output_trim(&output);
    assert_waits(&output, "waits");
    amqpci_output_consume(&output, 5, no_payload, NULL);
    amqpci_output_trim(&output);
    assert_int_equal(counting.size, 0);
    write(&output, "again");
    assert_waits(&output, "again");
    amqpci_output_clean_up(&output);
    assert_int_equal(counting.size, 0);
}

static void test_row_101_without_memory_the_output_is_as_before(void **state)
{
    (void)state;
    for (size_t at = 0; at < 3; at++) {
        failing_allocator failing;
        failing_allocator_init(&failing, at);
        amqpci_output output;
        amqpci_output_init(&output, &failing.allocator);
        uint8_t *place = NULL;
        amqpc_status status = amqpci_output_reserve(&output, 10, &place);
        assert_int_equal(status, at < 2 ? AMQPC_NO_MEMORY : AMQPC_OK);
        assert_int_equal(output.size, 0);
        write(&output, "now");
        assert_waits(&output, "now");
        amqpci_output_clean_up(&output);
        assert_int_equal(failing.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_are_one_piece),
        cmocka_unit_test(test_lent_pieces_go_in_order_and_are_told),
        cmocka_unit_test(test_in_steady_state_nothing_is_allocated),
        cmocka_unit_test(test_a_slab_of_another_size_is_not_kept),
        cmocka_unit_test(test_what_is_held_is_not_written_over),
        cmocka_unit_test(test_trimming_keeps_what_waits),
        cmocka_unit_test(test_row_101_without_memory_the_output_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
