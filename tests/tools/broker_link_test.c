/* Links of the broker: what it attaches, what it refuses, dynamic nodes, the anonymous relay,
 * selectors (AMQP 2.6.3, 3.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/broker_fixture.h"

static const amqpc_attach settled = {.present = AMQPC_ATTACH_SND_SETTLE_MODE,
                                     .snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_SETTLED};

/* A value that describes a list without elements: a lifetime policy. */
static amqpc_value described(amqpc_value *parts, uint64_t descriptor)
{
    parts[0] = (amqpc_value){.type = AMQPC_TYPE_ULONG};
    parts[0].as.u64 = descriptor;
    parts[1] = (amqpc_value){.type = AMQPC_TYPE_LIST, .form = AMQPC_FORM_ITEMS};
    amqpc_value value = {.type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2};
    value.as.items = parts;
    return value;
}

static void assert_refused(amqpc_link *link, const char *condition)
{
    assert_true(amqpc_link_is_refused(link));
    assert_true(amqpc_link_is_closed(link));
    assert_string_equal(fixture_condition(link), condition);
}

/* --- What is refused. */

static void test_a_receiver_without_a_source_is_refused(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source nothing = {.present = 0};
    const amqpc_source lost = fixture_source("amqpcodec-dynamic-0-1");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    assert_refused(fixture_receiver(&fixture, peer, "a", &nothing, NULL, 0), "amqp:invalid-field");
    assert_refused(fixture_receiver(&fixture, peer, "b", &lost, NULL, 0), "amqp:not-found");
    assert_int_equal(fixture.broker->termini.count, 0);
    fixture_free(&fixture);
}

static void test_transactions_are_refused(void **state)
{
    (void)state;
    broker_fixture fixture;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_value parts[2];
    amqpc_attach attach = {.present = AMQPC_ATTACH_TARGET};
    attach.target = described(parts, AMQPC_COMPOSITE_COORDINATOR);
    assert_refused(fixture_sender(&fixture, peer, "a", NULL, &attach), "amqp:not-implemented");
    fixture_free(&fixture);
}

static void test_an_unknown_expiry_policy_is_refused(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    source.present |= AMQPC_SOURCE_EXPIRY_POLICY;
    source.expiry_policy = fixture_bytes("some-day");
    assert_refused(fixture_receiver(&fixture, peer, "a", &source, NULL, 0), "amqp:invalid-field");
    assert_int_equal(fixture.broker->termini.count, 0);
    fixture_free(&fixture);
}

static void test_more_links_and_queues_than_allowed_are_refused(void **state)
{
    (void)state;
    broker_fixture fixture;
    broker_options options;
    broker_options_init(&options);
    options.links = 3;
    options.queues = 2;
    fixture_make(&fixture, &options);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *first = fixture_sender(&fixture, peer, "a", "q1", NULL);
    (void)fixture_sender(&fixture, peer, "b", "q2", NULL);
    assert_refused(fixture_sender(&fixture, peer, "c", "q3", NULL), "amqp:resource-limit-exceeded");
    assert_int_equal(amqpc_link_detach(first, true, NULL), AMQPC_OK);
    fixture_run(&fixture);
    (void)fixture_sender(&fixture, peer, "d", "q3", NULL); /* in place of q1, which is idle */
    (void)fixture_sender(&fixture, peer, "e", "q2", NULL);
    assert_refused(fixture_sender(&fixture, peer, "f", "q2", NULL), "amqp:resource-limit-exceeded");
    assert_int_equal(fixture.broker->queues.count, 2);
    fixture_free(&fixture);
}

/* --- What the answer says. */

static void test_open_offers_the_anonymous_relay(void **state)
{
    (void)state;
    broker_fixture fixture;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_open open;
    amqpc_bytes symbol;
    assert_int_equal(amqpc_connection_remote_open(peer->client, &open), AMQPC_OK);
    assert_int_equal(amqpc_symbols_get(&open.offered_capabilities, 0, &symbol), AMQPC_OK);
    assert_memory_equal(symbol.data, "ANONYMOUS-RELAY", 15);
    assert_memory_equal(open.container_id.data, "amqpcodec-broker", 16);
    fixture_free(&fixture);
}

static void test_the_answer_has_the_outcomes_and_the_largest_message(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    amqpc_source answered;
    amqpc_attach attach;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *receiver = fixture_receiver(&fixture, peer, "a", &source, NULL, 0);
    assert_int_equal(amqpc_link_remote_source(receiver, &answered), AMQPC_OK);
    assert_int_equal(answered.outcomes.count, 4);
    assert_memory_equal(answered.address.data, "q", 1);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    assert_int_equal(amqpc_link_remote_attach(sender, &attach), AMQPC_OK);
    assert_int_equal(attach.max_message_size, fixture.broker->options.message_size);
    fixture_free(&fixture);
}

/* --- Dynamic nodes. */

static void close_link(broker_fixture *fixture, amqpc_link *link)
{
    assert_int_equal(amqpc_link_detach(link, true, NULL), AMQPC_OK); /* also where it is detached */
    fixture_run(fixture);
}

/* Makes a dynamic node with a lifetime policy. Gives its address, which lives as long as the link.
 */
static amqpc_link *attach_dynamic(broker_fixture *fixture, fixture_peer *peer, uint64_t policy,
                                  amqpc_bytes *address)
{
    amqpc_value parts[2];
    amqpc_value entries[2] = {{.type = AMQPC_TYPE_SYMBOL}};
    amqpc_source source = {.present = AMQPC_SOURCE_DYNAMIC, .dynamic = true};
    if (policy != 0) {
        entries[0].as.bytes = fixture_bytes("lifetime-policy");
        entries[1] = described(parts, policy);
        source.present |= AMQPC_SOURCE_DYNAMIC_NODE_PROPERTIES;
        source.dynamic_node_properties =
            (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2};
        source.dynamic_node_properties.as.items = entries;
    }
    amqpc_link *link = fixture_receiver(fixture, peer, "dynamic", &source, NULL, 1);
    amqpc_source answered;
    assert_int_equal(amqpc_link_remote_source(link, &answered), AMQPC_OK);
    assert_true(answered.present & AMQPC_SOURCE_ADDRESS);
    *address = answered.address;
    return link;
}

static void test_a_dynamic_node_takes_messages_and_goes_with_its_link(void **state)
{
    (void)state;
    broker_fixture fixture;
    char name[80] = "";
    amqpc_bytes address;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *link = attach_dynamic(&fixture, peer, 0, &address);
    assert_true(address.size < sizeof name);
    memcpy(name, address.data, address.size);
    amqpc_link *sender = fixture_sender(&fixture, peer, "reply", name, NULL);
    fixture_send(&fixture, sender, "hello");
    assert_string_equal(fixture_texts(&fixture, link), "hello");
    assert_int_equal(amqpc_link_detach(link, true, NULL), AMQPC_OK);
    fixture_run(&fixture);
    assert_null(queue_find(fixture.broker, fixture_bytes(name)));
    assert_string_equal(fixture_condition(sender), "amqp:resource-deleted");
    assert_refused(fixture_sender(&fixture, peer, "again", name, NULL), "amqp:not-found");
    fixture_free(&fixture);
}

static void test_a_dynamic_node_lives_as_its_policy_says(void **state)
{
    (void)state;
    static const struct {
        uint64_t policy;
        bool lives_with_sender;  /* after its creator */
        bool lives_with_message; /* without links, with a message */
    } cases[] = {
        {AMQPC_COMPOSITE_DELETE_ON_CLOSE, false, false},
        {AMQPC_COMPOSITE_DELETE_ON_NO_LINKS, true, false},
        {AMQPC_COMPOSITE_DELETE_ON_NO_MESSAGES, true, true},
        {AMQPC_COMPOSITE_DELETE_ON_NO_LINKS_OR_MESSAGES, true, true},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        broker_fixture fixture;
        char name[80] = "";
        amqpc_bytes address;
        fixture_make(&fixture, NULL);
        fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
        amqpc_link *link = attach_dynamic(&fixture, peer, cases[i].policy, &address);
        memcpy(name, address.data, address.size);
        amqpc_link *sender = fixture_sender(&fixture, peer, "to it", name, NULL);
        fixture_send(&fixture, sender, "one");
        fixture_send(&fixture, sender, "two"); /* waits: there was one credit */
        assert_int_equal(amqpc_link_detach(link, true, NULL), AMQPC_OK);
        fixture_run(&fixture);
        assert_int_equal(queue_find(fixture.broker, fixture_bytes(name)) != NULL,
                         cases[i].lives_with_sender);
        close_link(&fixture, sender);
        assert_int_equal(queue_find(fixture.broker, fixture_bytes(name)) != NULL,
                         cases[i].lives_with_message);
        const amqpc_source source = fixture_source(name);
        amqpc_link *last = fixture_receiver(&fixture, peer, "last", &source, NULL, 5);
        if (cases[i].lives_with_message) {
            assert_string_equal(fixture_texts(&fixture, last), "one two");
            close_link(&fixture, last);
        }
        assert_null(queue_find(fixture.broker, fixture_bytes(name)));
        fixture_free(&fixture);
    }
}

static void test_a_dynamic_node_goes_with_its_connection(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_bytes address;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    (void)attach_dynamic(&fixture, peer, 0, &address);
    assert_int_equal(fixture.broker->queues.count, 1);
    fixture_cut(&fixture, peer);
    fixture_run(&fixture);
    assert_int_equal(fixture.broker->queues.count, 0);
    fixture_free(&fixture);
}

static void test_a_dynamic_target_is_made_too(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_target answered;
    amqpc_value fields[5] = {{.type = AMQPC_TYPE_NULL},
                             {.type = AMQPC_TYPE_NULL},
                             {.type = AMQPC_TYPE_NULL},
                             {.type = AMQPC_TYPE_NULL},
                             {.type = AMQPC_TYPE_BOOLEAN}};
    amqpc_value parts[2];
    amqpc_attach attach = {.present = AMQPC_ATTACH_TARGET};
    fields[4].as.boolean = true; /* dynamic */
    attach.target = described(parts, AMQPC_COMPOSITE_TARGET);
    parts[1].count = 5;
    parts[1].as.items = fields;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *link = fixture_sender(&fixture, peer, "a", NULL, &attach);
    assert_int_equal(amqpc_link_remote_target(link, &answered), AMQPC_OK);
    assert_true(answered.address.size > 0);
    assert_non_null(queue_find(fixture.broker, answered.address));
    fixture_free(&fixture);
}

/* --- The anonymous relay. */

static void send_to(broker_fixture *fixture, amqpc_link *link, const char *to, bool is_settled)
{
    amqpc_message message;
    const amqpc_send_options options = {.struct_size = sizeof options, .settled = is_settled};
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    if (to != NULL) {
        message.sections |= AMQPC_SECTION_PROPERTIES;
        message.properties.present = AMQPC_PROPERTIES_TO;
        message.properties.to = fixture_bytes(to);
    }
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_STRING;
    message.body.as.bytes = fixture_bytes("text");
    fixture_send_message(fixture, link, &message, &options);
}

static void test_the_relay_sends_a_message_where_it_wants_to_go(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *relay = fixture_sender(&fixture, peer, "relay", NULL, NULL);
    amqpc_link *receiver = fixture_receiver(&fixture, peer, "a", &source, &settled, 10);
    send_to(&fixture, relay, "q", false);
    assert_int_equal(fixture_update(relay).state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_string_equal(fixture_texts(&fixture, receiver), "text");
    send_to(&fixture, relay, "new", false); /* made for it */
    assert_int_equal(fixture_update(relay).state_type, AMQPC_COMPOSITE_ACCEPTED);
    assert_int_equal(queue_find(fixture.broker, fixture_bytes("new"))->ready_count, 1);
    fixture_free(&fixture);
}

static void test_the_relay_rejects_what_has_nowhere_to_go(void **state)
{
    (void)state;
    broker_fixture fixture;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *relay = fixture_sender(&fixture, peer, "relay", NULL, NULL);
    send_to(&fixture, relay, NULL, false);
    assert_int_equal(fixture_update(relay).state_type, AMQPC_COMPOSITE_REJECTED);
    send_to(&fixture, relay, "amqpcodec-dynamic-0-1", false);
    assert_int_equal(fixture_update(relay).state_type, AMQPC_COMPOSITE_REJECTED);
    assert_int_equal(fixture.broker->counts.dropped, 2);
    send_to(&fixture, relay, NULL, true); /* nobody would hear of it */
    assert_string_equal(fixture_condition(relay), "amqp:not-found");
    fixture_free(&fixture);
}

/* --- Selectors. */

static amqpc_link *attach_selective(broker_fixture *fixture, fixture_peer *peer, const char *name,
                                    const char *selector)
{
    amqpc_value parts[2] = {{.type = AMQPC_TYPE_SYMBOL}, {.type = AMQPC_TYPE_STRING}};
    amqpc_value entries[2] = {{.type = AMQPC_TYPE_SYMBOL}};
    amqpc_source source = fixture_source("q");
    parts[0].as.bytes = fixture_bytes("apache.org:selector-filter:string");
    parts[1].as.bytes = fixture_bytes(selector);
    entries[0].as.bytes = fixture_bytes("selector");
    entries[1] = (amqpc_value){.type = AMQPC_TYPE_DESCRIBED, .form = AMQPC_FORM_ITEMS, .count = 2};
    entries[1].as.items = parts;
    source.present |= AMQPC_SOURCE_FILTER;
    source.filter = (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2};
    source.filter.as.items = entries;
    return fixture_receiver(fixture, peer, name, &source, NULL, 10);
}

static void send_coloured(broker_fixture *fixture, amqpc_link *link, const char *colour,
                          const char *subject, const char *text)
{
    amqpc_message message;
    amqpc_value entries[4] = {{.type = AMQPC_TYPE_STRING},
                              {.type = AMQPC_TYPE_STRING},
                              {.type = AMQPC_TYPE_STRING},
                              {.type = AMQPC_TYPE_INT}};
    entries[0].as.bytes = fixture_bytes("colour");
    entries[1].as.bytes = fixture_bytes(colour);
    entries[2].as.bytes = fixture_bytes("size");
    entries[3].as.i64 = (int64_t)strlen(text);
    amqpc_message_init(&message);
    message.sections =
        AMQPC_SECTION_PROPERTIES | AMQPC_SECTION_APPLICATION_PROPERTIES | AMQPC_SECTION_BODY;
    message.properties.present = AMQPC_PROPERTIES_SUBJECT;
    message.properties.subject = fixture_bytes(subject);
    message.application_properties =
        (amqpc_value){.type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 4};
    message.application_properties.as.items = entries;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_STRING;
    message.body.as.bytes = fixture_bytes(text);
    fixture_send_message(fixture, link, &message, NULL);
}

static void test_selectors_choose_by_one_property(void **state)
{
    (void)state;
    broker_fixture fixture;
    const amqpc_source source = fixture_source("q");
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *sender = fixture_sender(&fixture, peer, "a", "q", NULL);
    send_coloured(&fixture, sender, "red", "first", "one");
    send_coloured(&fixture, sender, "it's", "first", "two");
    send_coloured(&fixture, sender, "blue", "second", "three");
    send_coloured(&fixture, sender, "blue", "third", "four");
    amqpc_link *red = attach_selective(&fixture, peer, "red", " colour='red' ");
    amqpc_link *quote = attach_selective(&fixture, peer, "quote", "colour = 'it''s'");
    amqpc_link *subject = attach_selective(&fixture, peer, "subject", "JMSType = 'second'");
    assert_string_equal(fixture_texts(&fixture, red), "one");
    assert_string_equal(fixture_texts(&fixture, quote), "two");
    assert_string_equal(fixture_texts(&fixture, subject), "three");
    amqpc_link *size = attach_selective(&fixture, peer, "size", "size = 4");
    assert_string_equal(fixture_texts(&fixture, size), "four");
    send_coloured(&fixture, sender, "green", "x", "seven");
    send_coloured(&fixture, sender, "red", "x", "eight");
    assert_string_equal(fixture_texts(&fixture, red), "eight");
    amqpc_link *rest = fixture_receiver(&fixture, peer, "rest", &source, NULL, 10);
    assert_string_equal(fixture_texts(&fixture, rest), "seven");
    fixture_free(&fixture);
}

static void test_a_supported_selector_is_in_the_answer(void **state)
{
    (void)state;
    broker_fixture fixture;
    amqpc_source answered;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    amqpc_link *link = attach_selective(&fixture, peer, "a", "colour = 'red'");
    assert_int_equal(amqpc_link_remote_source(link, &answered), AMQPC_OK);
    assert_true(answered.present & AMQPC_SOURCE_FILTER);
    assert_int_equal(answered.filter.count, 2);
    fixture_free(&fixture);
}

static void test_other_selectors_are_refused(void **state)
{
    (void)state;
    static const char *const selectors[] = {"",
                                            "colour",
                                            "colour =",
                                            "colour = red",
                                            "colour <> 'red'",
                                            "= 'red'",
                                            "colour = 'red",
                                            "a = 1 OR b = 2",
                                            "colour = 'a' 'b'",
                                            "size = 12a",
                                            "size = 1.5",
                                            "size > 3",
                                            "size = 99999999999999999999",
                                            "1 = 1"};
    broker_fixture fixture;
    fixture_make(&fixture, NULL);
    fixture_peer *peer = fixture_connect(&fixture, "client", NULL);
    for (unsigned i = 0; i < sizeof selectors / sizeof selectors[0]; i++) {
        amqpc_link *link = attach_selective(&fixture, peer, "a", selectors[i]);
        assert_refused(link, "amqp:not-implemented");
        amqpc_link_free(link);
    }
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_receiver_without_a_source_is_refused),
        cmocka_unit_test(test_transactions_are_refused),
        cmocka_unit_test(test_an_unknown_expiry_policy_is_refused),
        cmocka_unit_test(test_more_links_and_queues_than_allowed_are_refused),
        cmocka_unit_test(test_open_offers_the_anonymous_relay),
        cmocka_unit_test(test_the_answer_has_the_outcomes_and_the_largest_message),
        cmocka_unit_test(test_a_dynamic_node_takes_messages_and_goes_with_its_link),
        cmocka_unit_test(test_a_dynamic_node_lives_as_its_policy_says),
        cmocka_unit_test(test_a_dynamic_node_goes_with_its_connection),
        cmocka_unit_test(test_a_dynamic_target_is_made_too),
        cmocka_unit_test(test_the_relay_sends_a_message_where_it_wants_to_go),
        cmocka_unit_test(test_the_relay_rejects_what_has_nowhere_to_go),
        cmocka_unit_test(test_selectors_choose_by_one_property),
        cmocka_unit_test(test_a_supported_selector_is_in_the_answer),
        cmocka_unit_test(test_other_selectors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
