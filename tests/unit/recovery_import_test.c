/* Unsettled deliveries as bytes: written, read again, and read where nobody wrote them so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recovery_fixture.h"
#include "support/failing_allocator.h"

/* A connection with a session and a link that was never attached. */
typedef struct fresh {
    engine_pair pair;
    amqpc_link *link;
} fresh;

static void open_fresh(fresh *made, bool role, uint32_t unsettled_max)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    if (unsettled_max > 0) {
        options.unsettled_max = unsettled_max;
    }
    engine_pair_open_with(&made->pair, &options, NULL);
    assert_int_equal(
        amqpc_link_new(made->pair.client_session, role, engine_text("link"), &made->link),
        AMQPC_OK);
}

/* An export of a sender with three deliveries, of all kinds. */
static amqpc_buffer *sender_export(uint64_t numbers[3])
{
    engine_pair pair;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_SECOND, 10);
    amqpc_send_options options;
    amqpc_send_options_init(&options, sizeof options);
    options.context = 11;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("one"), &options, &numbers[0]),
                     AMQPC_OK);
    options.context = 12;
    options.tag = engine_text("own tag");
    options.message_format = 7;
    options.has_rcv_settle_mode = true;
    options.rcv_settle_mode = AMQPC_RECEIVER_SETTLE_MODE_SECOND;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text("two"), &options, &numbers[1]),
                     AMQPC_OK);
    amqpc_send_options_init(&options, sizeof options);
    options.context = 13;
    assert_int_equal(amqpc_link_send(pair.sender, engine_text(""), &options, &numbers[2]),
                     AMQPC_OK);
    engine_exchange(&pair);
    amqpc_delivery deliveries[3];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 3, &count), AMQPC_OK);
    amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = engine_text("test:no")};
    assert_int_equal(
        amqpc_link_reject(pair.receiver, deliveries[1].number, deliveries[1].number, &error),
        AMQPC_OK);
    amqpc_deliveries_release(deliveries, count);
    engine_exchange(&pair);
    (void)recovery_update(pair.sender);
    recovery_cut(&pair);
    amqpc_buffer *buffer = recovery_export(pair.sender);
    engine_pair_free(&pair);
    return buffer;
}

static amqpc_buffer *receiver_export(void)
{
    engine_pair pair;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, 10);
    (void)recovery_send(&pair, "one");
    (void)recovery_send(&pair, "two");
    engine_exchange(&pair);
    amqpc_delivery delivery;
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, &delivery, 1, &count), AMQPC_OK);
    amqpc_delivery_release(&delivery);
    recovery_cut(&pair);
    assert_int_equal(amqpc_link_settle(pair.receiver, delivery.number, delivery.number,
                                       AMQPC_COMPOSITE_RELEASED),
                     AMQPC_OK);
    amqpc_buffer *buffer = recovery_export(pair.receiver);
    engine_pair_free(&pair);
    return buffer;
}

static amqpc_status import(const fresh *made, const amqpc_buffer *buffer)
{
    return amqpc_link_import(made->link, amqpc_buffer_data(buffer), amqpc_buffer_size(buffer));
}

static void test_numbers_contexts_tags_and_states_are_those_of_the_export(void **state)
{
    (void)state;
    uint64_t numbers[3];
    amqpc_buffer *buffer = sender_export(numbers);
    fresh made;
    open_fresh(&made, AMQPC_ROLE_SENDER, 0);
    assert_int_equal(import(&made, buffer), AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(made.link), 3);
    amqpc_unsettled one = {0};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(amqpc_link_next_unsettled(made.link, one.number, &one), AMQPC_OK);
        assert_int_equal(one.number, numbers[i]);
        assert_int_equal(one.context, 11 + i);
        assert_int_equal(one.state_type, AMQPC_COMPOSITE_NONE);
        assert_int_equal(one.remote_state_type,
                         i == 1 ? AMQPC_COMPOSITE_REJECTED : AMQPC_COMPOSITE_NONE);
        if (i == 1) {
            assert_memory_equal(one.tag.data, "own tag", 7);
        }
    }
    assert_int_equal(amqpc_link_next_unsettled(made.link, one.number, &one), AMQPC_NOT_FOUND);
    engine_pair_free(&made.pair);
    amqpc_buffer_free(buffer);
}

static void test_an_import_exports_the_same_again(void **state)
{
    (void)state;
    uint64_t numbers[3];
    for (unsigned role = 0; role < 2; role++) {
        bool sends = role == 0;
        amqpc_buffer *buffer = sends ? sender_export(numbers) : receiver_export();
        fresh made;
        open_fresh(&made, sends ? AMQPC_ROLE_SENDER : AMQPC_ROLE_RECEIVER, 0);
        assert_int_equal(import(&made, buffer), AMQPC_OK);
        amqpc_buffer *again = recovery_export(made.link);
        assert_int_equal(amqpc_buffer_size(again), amqpc_buffer_size(buffer));
        assert_memory_equal(amqpc_buffer_data(again), amqpc_buffer_data(buffer),
                            amqpc_buffer_size(buffer));
        amqpc_buffer_free(again);
        amqpc_buffer_free(buffer);
        engine_pair_free(&made.pair);
    }
}

static void test_what_a_receiver_settled_is_exported_though_it_is_not_listed(void **state)
{
    (void)state;
    amqpc_buffer *buffer = receiver_export();
    fresh made;
    open_fresh(&made, AMQPC_ROLE_RECEIVER, 0);
    assert_int_equal(import(&made, buffer), AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(made.link), 1);
    amqpc_unsettled one;
    assert_int_equal(amqpc_link_next_unsettled(made.link, 0, &one), AMQPC_OK);
    assert_int_equal(one.state_type, AMQPC_COMPOSITE_NONE); /* the second one */
    assert_int_equal(amqpc_link_next_unsettled(made.link, one.number, &one), AMQPC_NOT_FOUND);
    engine_pair_free(&made.pair);
    amqpc_buffer_free(buffer);
}

static void assert_same_bytes(const amqpc_buffer *left, const amqpc_buffer *right)
{
    assert_int_equal(amqpc_buffer_size(left), amqpc_buffer_size(right));
    assert_memory_equal(amqpc_buffer_data(left), amqpc_buffer_data(right), amqpc_buffer_size(left));
}

static void test_an_attached_link_is_exported_as_if_it_were_lost_now(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, 10);
    (void)recovery_send(&pair, "one");
    (void)recovery_send(&pair, "two");
    (void)recovery_send(&pair, "three");
    engine_exchange(&pair);
    amqpc_delivery deliveries[2];
    size_t count = 0;
    assert_int_equal(amqpc_link_receive(pair.receiver, deliveries, 2, &count), AMQPC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(amqpc_link_settle(pair.receiver, deliveries[0].number, deliveries[0].number,
                                       AMQPC_COMPOSITE_ACCEPTED),
                     AMQPC_OK);
    amqpc_deliveries_release(deliveries, count);
    engine_exchange(&pair);
    (void)recovery_update(pair.sender);
    amqpc_buffer *sent = recovery_export(pair.sender);
    amqpc_buffer *received = recovery_export(pair.receiver);
    recovery_cut(&pair);
    amqpc_buffer *sent_after = recovery_export(pair.sender);
    amqpc_buffer *received_after = recovery_export(pair.receiver);
    assert_same_bytes(sent, sent_after);
    assert_same_bytes(received, received_after);
    fresh made;
    open_fresh(&made, AMQPC_ROLE_SENDER, 0);
    assert_int_equal(import(&made, sent), AMQPC_OK);
    assert_int_equal(amqpc_link_unsettled_count(made.link), 2);
    engine_pair_free(&made.pair);
    amqpc_buffer_free(sent);
    amqpc_buffer_free(received);
    amqpc_buffer_free(sent_after);
    amqpc_buffer_free(received_after);
    engine_pair_free(&pair);
}

static void test_a_full_buffer_is_as_before(void **state)
{
    (void)state;
    engine_pair pair;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, 10);
    (void)recovery_send(&pair, "one");
    recovery_cut(&pair);
    amqpc_buffer *buffer = NULL;
    assert_int_equal(amqpc_buffer_new(NULL, 64, &buffer), AMQPC_OK);
    assert_int_equal(amqpc_buffer_append(buffer, "before", 6), AMQPC_OK);
    assert_int_equal(amqpc_link_export(pair.sender, buffer), AMQPC_BUFFER_FULL);
    assert_int_equal(amqpc_buffer_size(buffer), 6);
    amqpc_buffer_free(buffer);
    engine_pair_free(&pair);
}

static void test_import_is_for_a_link_of_the_same_role_that_was_never_attached(void **state)
{
    (void)state;
    uint64_t numbers[3];
    amqpc_buffer *buffer = sender_export(numbers);
    fresh made;
    open_fresh(&made, AMQPC_ROLE_RECEIVER, 0);
    assert_int_equal(import(&made, buffer), AMQPC_INVALID_FIELD);
    engine_pair_free(&made.pair);
    open_fresh(&made, AMQPC_ROLE_SENDER, 0);
    assert_int_equal(import(&made, buffer), AMQPC_OK);
    assert_int_equal(import(&made, buffer), AMQPC_INVALID_STATE); /* twice */
    engine_pair_free(&made.pair);
    engine_pair pair;
    recovery_open(&pair, AMQPC_RECEIVER_SETTLE_MODE_FIRST, 0);
    assert_int_equal(
        amqpc_link_import(pair.sender, amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)),
        AMQPC_INVALID_STATE);
    recovery_detach(&pair);
    assert_int_equal(
        amqpc_link_import(pair.sender, amqpc_buffer_data(buffer), amqpc_buffer_size(buffer)),
        AMQPC_INVALID_STATE);
    engine_pair_free(&pair);
    amqpc_buffer_free(buffer);
}

static void test_no_more_is_imported_than_may_be_unsettled(void **state)
{
    (void)state;
    uint64_t numbers[3];
    amqpc_buffer *buffer = sender_export(numbers);
    fresh made;
    open_fresh(&made, AMQPC_ROLE_SENDER, 2);
    assert_int_equal(import(&made, buffer), AMQPC_LIMIT_REACHED);
    assert_int_equal(amqpc_link_unsettled_count(made.link), 0);
    engine_pair_free(&made.pair);
    amqpc_buffer_free(buffer);
}

static void test_an_export_cut_anywhere_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    uint64_t numbers[3];
    for (unsigned role = 0; role < 2; role++) {
        bool sends = role == 0;
        amqpc_buffer *buffer = sends ? sender_export(numbers) : receiver_export();
        fresh made;
        open_fresh(&made, sends ? AMQPC_ROLE_SENDER : AMQPC_ROLE_RECEIVER, 0);
        for (size_t size = 0; size < amqpc_buffer_size(buffer); size++) {
            assert_int_not_equal(amqpc_link_import(made.link, amqpc_buffer_data(buffer), size),
                                 AMQPC_OK);
            assert_int_equal(amqpc_link_unsettled_count(made.link), 0);
        }
        assert_int_equal(amqpc_buffer_append(buffer, "\x40", 1), AMQPC_OK);
        assert_int_equal(import(&made, buffer), AMQPC_TRAILING_BYTES);
        engine_pair_free(&made.pair);
        amqpc_buffer_free(buffer);
    }
}

static void test_any_changed_byte_is_refused_or_makes_an_import_that_can_be_exported(void **state)
{
    (void)state;
    uint64_t numbers[3];
    amqpc_buffer *buffer = sender_export(numbers);
    size_t size = amqpc_buffer_size(buffer);
    uint8_t *changed = (uint8_t *)malloc(size);
    assert_non_null(changed);
    fresh made;
    open_fresh(&made, AMQPC_ROLE_SENDER, 0);
    for (size_t i = 0; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(changed, amqpc_buffer_data(buffer), size);
            changed[i] ^= (uint8_t)(1u << bit);
            if (amqpc_link_import(made.link, changed, size) == AMQPC_OK) {
                amqpc_buffer_free(recovery_export(made.link));
                amqpc_link_free(made.link);
                assert_int_equal(amqpc_link_new(made.pair.client_session, AMQPC_ROLE_SENDER,
                                                engine_text("link"), &made.link),
                                 AMQPC_OK);
            }
        }
    }
    free(changed);
    engine_pair_free(&made.pair);
    amqpc_buffer_free(buffer);
}

/* --- Exports that nobody wrote. */

typedef struct crafted {
    const char *why;
    uint64_t version;
    uint64_t epoch;
    uint64_t ids[2];
    const char *tags[2];
    uint64_t flags;
    amqpc_status expected;
} crafted;

static amqpc_value list_of(const amqpc_value *items, uint32_t count)
{
    return (amqpc_value){
        .type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS, .count = count, .as.items = items};
}

static void write_described(amqpc_writer *writer, const char *name, const amqpc_value *fields,
                            uint32_t count)
{
    const amqpc_value parts[2] = {
        {.type = AMQPC_TYPE_SYMBOL, .as.bytes = engine_text(name)},
        list_of(fields, count),
    };
    const amqpc_value described = {
        .type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = parts};
    assert_int_equal(amqpc_writer_value(writer, &described), AMQPC_OK);
}

static void write_crafted(amqpc_writer *writer, const crafted *one)
{
    const amqpc_value header[4] = {
        {.type = AMQPC_TYPE_UBYTE, .as.u64 = one->version},
        {.type = AMQPC_TYPE_BOOLEAN, .as.boolean = AMQPC_ROLE_SENDER},
        {.type = AMQPC_TYPE_UINT, .as.u64 = one->epoch},
        {.type = AMQPC_TYPE_UINT, .as.u64 = 2},
    };
    write_described(writer, "amqpcodec:link-export", header, 4);
    for (unsigned i = 0; i < 2; i++) {
        const amqpc_value delivery[10] = {
            {.type = AMQPC_TYPE_UINT, .as.u64 = 1},
            {.type = AMQPC_TYPE_UINT, .as.u64 = one->ids[i]},
            {.type = AMQPC_TYPE_BINARY, .as.bytes = engine_text(one->tags[i])},
            {.type = AMQPC_TYPE_NULL},
            {.type = AMQPC_TYPE_NULL},
            {.type = AMQPC_TYPE_UINT, .as.u64 = one->flags},
            {.type = AMQPC_TYPE_ULONG, .as.u64 = 0},
            {.type = AMQPC_TYPE_UINT, .as.u64 = 0},
            {.type = AMQPC_TYPE_NULL},
            {.type = AMQPC_TYPE_BINARY, .as.bytes = engine_text("payload")},
        };
        write_described(writer, "amqpcodec:delivery-export", delivery, 10);
    }
}

static void test_exports_that_nobody_wrote_are_refused(void **state)
{
    static const crafted cases[] = {
        {"as it should be", 1, 1, {0, 1}, {"a", "b"}, 0, AMQPC_OK},
        {"a later version", 2, 1, {0, 1}, {"a", "b"}, 0, AMQPC_UNSUPPORTED},
        {"an epoch that was not yet", 1, 0, {0, 1}, {"a", "b"}, 0, AMQPC_INVALID_FIELD},
        {"an epoch that would wrap", 1, 0x80000000u, {0, 1}, {"a", "b"}, 0, AMQPC_INVALID_FIELD},
        {"a number twice", 1, 1, {1, 1}, {"a", "b"}, 0, AMQPC_INVALID_FIELD},
        {"numbers out of order", 1, 1, {2, 1}, {"a", "b"}, 0, AMQPC_INVALID_FIELD},
        {"a tag twice", 1, 1, {0, 1}, {"a", "a"}, 0, AMQPC_DUPLICATE_KEY},
        {"no tag", 1, 1, {0, 1}, {"a", ""}, 0, AMQPC_INVALID_FIELD},
        {"a tag that is too long (row 69)",
         1,
         1,
         {0, 1},
         {"a", "012345678901234567890123456789012"},
         0,
         AMQPC_INVALID_FIELD},
        {"in pieces, but with a payload", 1, 1, {0, 1}, {"a", "b"}, 1, AMQPC_INVALID_FIELD},
        {"flags of a receiver's", 1, 1, {0, 1}, {"a", "b"}, 8, AMQPC_INVALID_FIELD},
        {"flags that do not exist", 1, 1, {0, 1}, {"a", "b"}, 0x100, AMQPC_INVALID_FIELD},
    };
    (void)state;
    amqpc_writer *writer = NULL;
    assert_int_equal(amqpc_writer_new(NULL, &writer), AMQPC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        amqpc_buffer *buffer = NULL;
        assert_int_equal(amqpc_buffer_new(NULL, SIZE_MAX, &buffer), AMQPC_OK);
        amqpc_writer_set_growable(writer, buffer);
        write_crafted(writer, &cases[i]);
        fresh made;
        open_fresh(&made, AMQPC_ROLE_SENDER, 0);
        amqpc_status status = import(&made, buffer);
        if (status != cases[i].expected) {
            fail_msg("%s: %s", cases[i].why, amqpc_status_name(status));
        }
        assert_int_equal(amqpc_link_unsettled_count(made.link), status == AMQPC_OK ? 2 : 0);
        engine_pair_free(&made.pair);
        amqpc_buffer_free(buffer);
    }
    amqpc_writer_free(writer);
}

/* --- Where memory is short. */

static const amqpc_buffer *scarce_export;
static bool scarce_role;

static void import_with(const amqpc_allocator *allocator)
{
    amqpc_connection_options options;
    amqpc_connection *connection = NULL;
    amqpc_session *session = NULL;
    amqpc_link *link = NULL;
    amqpc_buffer *buffer = NULL;
    amqpc_connection_options_init(&options, sizeof options);
    options.role = AMQPC_CLIENT;
    amqpc_status status = amqpc_connection_new(allocator, &options, &connection);
    if (status == AMQPC_OK) {
        status = amqpc_session_new(connection, &session);
    }
    if (status == AMQPC_OK) {
        status = amqpc_link_new(session, scarce_role, engine_text("link"), &link);
    }
    if (status == AMQPC_OK) {
        status = amqpc_link_import(link, amqpc_buffer_data(scarce_export),
                                   amqpc_buffer_size(scarce_export));
        if (status != AMQPC_OK) {
            assert_int_equal(amqpc_link_unsettled_count(link), 0);
        }
    }
    if (status == AMQPC_OK) {
        status = amqpc_buffer_new(allocator, SIZE_MAX, &buffer);
    }
    if (status == AMQPC_OK) {
        status = amqpc_link_export(link, buffer);
    }
    assert_true(status == AMQPC_OK || status == AMQPC_NO_MEMORY);
    amqpc_buffer_free(buffer);
    amqpc_connection_free(connection);
}

static void test_row_101_import_and_export_survive_failing_allocations(void **state)
{
    (void)state;
    uint64_t numbers[3];
    for (unsigned role = 0; role < 2; role++) {
        amqpc_buffer *buffer = role == 0 ? sender_export(numbers) : receiver_export();
        scarce_export = buffer;
        scarce_role = role == 0 ? AMQPC_ROLE_SENDER : AMQPC_ROLE_RECEIVER;
        assert_survives_failing_allocations(import_with);
        amqpc_buffer_free(buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_contexts_tags_and_states_are_those_of_the_export),
        cmocka_unit_test(test_an_import_exports_the_same_again),
        cmocka_unit_test(test_what_a_receiver_settled_is_exported_though_it_is_not_listed),
        cmocka_unit_test(test_an_attached_link_is_exported_as_if_it_were_lost_now),
        cmocka_unit_test(test_a_full_buffer_is_as_before),
        cmocka_unit_test(test_import_is_for_a_link_of_the_same_role_that_was_never_attached),
        cmocka_unit_test(test_no_more_is_imported_than_may_be_unsettled),
        cmocka_unit_test(test_an_export_cut_anywhere_is_refused_and_leaves_nothing),
        cmocka_unit_test(test_any_changed_byte_is_refused_or_makes_an_import_that_can_be_exported),
        cmocka_unit_test(test_exports_that_nobody_wrote_are_refused),
        cmocka_unit_test(test_row_101_import_and_export_survive_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
