/* Exports of a link that nobody wrote.
 *
 * An input is an export, for a sender and for a receiver. What must hold: what is refused leaves
 * the link empty; what is taken can be gone over in the order of its numbers, exported again, and
 * then read to the same bytes. */
#include "fuzz.h"

#include <string.h>

enum { COUNT_MAX = 200 }; /* deliveries, so that an input costs little */

typedef struct end {
    amqpc_connection *connection;
    amqpc_session *session;
    unsigned links;
} end;

static amqpc_link *make_link(end *made, bool role)
{
    char name[2] = {(char)('a' + made->links++), 0};
    amqpc_link *link = NULL;
    FUZZ_CHECK(amqpc_link_new(made->session, role, (amqpc_bytes){name, 1}, &link) == AMQPC_OK);
    return link;
}

static void go_over(const amqpc_link *link)
{
    amqpc_unsettled one = {0};
    uint64_t before = 0;
    uint32_t count = 0;
    while (amqpc_link_next_unsettled(link, before, &one) == AMQPC_OK) {
        FUZZ_CHECK(one.number > before);
        FUZZ_CHECK(one.tag.size <= AMQPC_DELIVERY_TAG_MAX);
        before = one.number;
        count++;
    }
    FUZZ_CHECK(count == amqpc_link_unsettled_count(link));
}

static void check(end *made, bool role, const uint8_t *data, size_t size)
{
    amqpc_buffer *first = fuzz_buffer(0);
    amqpc_buffer *second = fuzz_buffer(1);
    amqpc_link *link = make_link(made, role);
    if (amqpc_link_import(link, data, size) != AMQPC_OK) {
        FUZZ_CHECK(amqpc_link_unsettled_count(link) == 0);
        amqpc_unsettled one;
        FUZZ_CHECK(amqpc_link_next_unsettled(link, 0, &one) == AMQPC_NOT_FOUND);
        return;
    }
    go_over(link);
    amqpc_buffer_truncate(first, 0);
    amqpc_buffer_truncate(second, 0);
    FUZZ_CHECK(amqpc_link_export(link, first) == AMQPC_OK);
    amqpc_link *again = make_link(made, role);
    FUZZ_CHECK(amqpc_link_import(again, amqpc_buffer_data(first), amqpc_buffer_size(first)) ==
               AMQPC_OK);
    FUZZ_CHECK(amqpc_link_unsettled_count(again) == amqpc_link_unsettled_count(link));
    FUZZ_CHECK(amqpc_link_export(again, second) == AMQPC_OK);
    FUZZ_CHECK(fuzz_same_bytes(first, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.unsettled_max = COUNT_MAX;
    end made = {.links = 0};
    FUZZ_CHECK(amqpc_connection_new(NULL, &options, &made.connection) == AMQPC_OK);
    FUZZ_CHECK(amqpc_session_new(made.connection, &made.session) == AMQPC_OK);
    check(&made, AMQPC_ROLE_SENDER, data, size);
    check(&made, AMQPC_ROLE_RECEIVER, data, size);
    amqpc_connection_free(made.connection);
    return 0;
}
