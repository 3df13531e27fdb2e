/* Recovery of a link where memory is short (row 101): each allocation of a whole scenario fails
 * once. The call is repeated, and then all comes out as if nothing had been; where a connection
 * gives up instead, nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/engine_pair.h"
#include "support/failing_allocator.h"

enum { DELIVERIES = 4, VECTORS = 4, ROUNDS_MAX = 1000 };

/* Both ends of the scenario, and whether one has given up. */
typedef struct scene {
    engine_pair pair;
    bool is_over;
} scene;

static bool has_failed(const amqpc_connection *connection)
{
    amqpc_connection_failure failure;
    return amqpc_connection_get_failure(connection, &failure) == AMQPC_OK;
}

/* The call was made again where it had no memory. */
#define REPEAT(scene, call)                                                                        \
    do {                                                                                           \
        amqpc_status status_ = (call);                                                             \
        if (status_ == AMQPC_NO_MEMORY) {                                                          \
            status_ = (call);                                                                      \
        }                                                                                          \
        note(scene, status_, __LINE__);                                                            \
    } while (0)

static void note(scene *played, amqpc_status status, int line)
{
    engine_pair *pair = &played->pair;
    played->is_over = played->is_over || has_failed(pair->client) || has_failed(pair->server);
    if (status != AMQPC_OK && !played->is_over) {
        fail_msg("line %d: %s", line, amqpc_status_name(status));
    }
}

static size_t pump(scene *played, amqpc_connection *from, amqpc_connection *to)
{
    size_t total = 0;
    for (unsigned i = 0; i < ROUNDS_MAX && !played->is_over; i++) {
        amqpc_bytes vectors[VECTORS];
        size_t count = 0;
        void *place = NULL;
        size_t capacity = 0;
        REPEAT(played, amqpc_connection_output(from, vectors, VECTORS, &count));
        if (count == 0 || played->is_over) {
            break;
        }
        REPEAT(played, amqpc_connection_input_buffer(to, &place, &capacity));
        if (played->is_over) {
            break;
        }
        size_t moved = vectors[0].size < capacity ? vectors[0].size : capacity;
        memcpy(place, vectors[0].data, moved);
        amqpc_status status = amqpc_connection_input(to, moved);
        if (status == AMQPC_NO_MEMORY) {
            status = amqpc_connection_input(to, 0);
        }
        note(played, status, __LINE__);
        amqpc_connection_output_done(from, moved);
        total += moved;
    }
    return total;
}

static void exchange(scene *played)
{
    engine_pair *pair = &played->pair;
    while (!played->is_over &&
           pump(played, pair->client, pair->server) + pump(played, pair->server, pair->client) >
               0) {
    }
}

static void *event_of(amqpc_connection *connection, amqpc_event_type type)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        if (event.type == type) {
            return event.link == NULL ? (void *)event.session : (void *)event.link;
        }
    }
    return NULL;
}

static void open_both(scene *played)
{
    engine_pair *pair = &played->pair;
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"c", 1}};
    REPEAT(played, amqpc_connection_open(pair->client, &open));
    REPEAT(played, amqpc_connection_open(pair->server, &open));
    REPEAT(played, amqpc_session_new(pair->client, &pair->client_session));
    REPEAT(played, amqpc_session_begin(pair->client_session, NULL));
    exchange(played);
    if (!played->is_over) {
        pair->server_session = (amqpc_session *)event_of(pair->server, AMQPC_EVENT_SESSION_BEGIN);
        REPEAT(played, amqpc_session_begin(pair->server_session, NULL));
        exchange(played);
    }
    if (!played->is_over) {
        REPEAT(played, amqpc_link_new(pair->client_session, AMQPC_ROLE_SENDER, engine_text("link"),
                                      &pair->sender));
    }
}

static void attach_both(scene *played)
{
    engine_pair *pair = &played->pair;
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = {"here", 4}};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = {"queue", 5}};
    REPEAT(played, amqpc_link_attach(pair->sender, NULL, &source, &target));
    exchange(played);
    if (played->is_over) {
        return;
    }
    pair->receiver = (amqpc_link *)event_of(pair->server, AMQPC_EVENT_LINK_ATTACH);
    REPEAT(played, amqpc_link_attach(pair->receiver, NULL, NULL, NULL));
    REPEAT(played, amqpc_link_add_credit(pair->receiver, 2 * DELIVERIES));
    exchange(played);
}

/* Sends; the receiver takes them, rejects one, and accepts another. */
static void send_some(scene *played)
{
    engine_pair *pair = &played->pair;
    for (unsigned i = 0; i < DELIVERIES && !played->is_over; i++) {
        REPEAT(played, amqpc_link_send(pair->sender, engine_text("payload"), NULL, NULL));
    }
    exchange(played);
}

static void detach_both(scene *played)
{
    engine_pair *pair = &played->pair;
    REPEAT(played, amqpc_link_detach(pair->sender, false, NULL));
    exchange(played);
    if (!played->is_over) {
        REPEAT(played, amqpc_link_detach(pair->receiver, false, NULL));
        exchange(played);
    }
}

static void settle_some(scene *played)
{
    amqpc_delivery deliveries[DELIVERIES];
    size_t count = 0;
    amqpc_link *link = played->pair.receiver;
    const amqpc_error error = {.present = AMQPC_ERROR_CONDITION, .condition = {"test:no", 7}};
    REPEAT(played, amqpc_link_receive(link, deliveries, DELIVERIES, &count));
    for (size_t i = 0; i < count; i++) {
        uint64_t number = deliveries[i].number;
        amqpc_delivery_release(&deliveries[i]);
        if (played->is_over || i == 2) {
            continue;
        }
        if (i == 0) {
            REPEAT(played, amqpc_link_reject(link, number, number, &error));
        } else {
            REPEAT(played, amqpc_link_settle(link, number, number, AMQPC_COMPOSITE_ACCEPTED));
        }
    }
}

/* All but one have their outcome. */
static void check_outcomes(scene *played)
{
    amqpc_update updates[DELIVERIES];
    size_t count = 0;
    REPEAT(played, amqpc_link_updates(played->pair.sender, updates, DELIVERIES, &count));
    if (played->is_over) {
        return;
    }
    assert_int_equal(count, DELIVERIES - 1);
    for (size_t i = 0; i < count; i++) {
        assert_true(updates[i].settled);
        assert_false(updates[i].unknown);
    }
}

static void play(scene *played)
{
    open_both(played);
    if (!played->is_over) {
        attach_both(played);
    }
    if (!played->is_over) {
        send_some(played);
    }
    if (!played->is_over) {
        detach_both(played);
    }
    if (!played->is_over) {
        settle_some(played);
    }
    if (!played->is_over) {
        attach_both(played);
    }
    if (!played->is_over) {
        check_outcomes(played);
    }
}

static void scenario(const amqpc_allocator *allocator)
{
    scene played = {.is_over = false};
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.role = AMQPC_CLIENT;
    amqpc_status status = amqpc_connection_new(allocator, &options, &played.pair.client);
    options.role = AMQPC_SERVER;
    if (status == AMQPC_OK) {
        status = amqpc_connection_new(allocator, &options, &played.pair.server);
    }
    if (status == AMQPC_OK) {
        play(&played);
    } else {
        assert_int_equal(status, AMQPC_NO_MEMORY);
    }
    amqpc_connection_free(played.pair.client);
    amqpc_connection_free(played.pair.server);
}

static void test_row_101_recovery_survives_failing_allocations(void **state)
{
    (void)state;
    assert_survives_failing_allocations(scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_101_recovery_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
