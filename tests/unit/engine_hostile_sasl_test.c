/* SASL against hostile peers, over whole connections (hostile-inputs.md, 41, 70 to 77): nobody
 * comes in, no credentials go out, and nothing weaker is tried. The layer by itself is tested in
 * sasl_hostile_test.c. */
#include <stdio.h>

#include "engine_hostile_fixture.h"
#include "support/skip_because.h"

static const char secret[] = "pencil-0123456789";

static amqpc_sasl_options sasl_of(const char *mechanisms, const char *user)
{
    amqpc_sasl_options options;
    amqpc_sasl_options_init(&options, sizeof options);
    options.mechanisms = engine_text(mechanisms);
    if (user != NULL) {
        options.user = engine_text(user);
        options.password = engine_text(secret);
    }
    return options;
}

static amqpc_connection_options options_of(const amqpc_sasl_options *sasl, bool is_protected)
{
    amqpc_connection_options options;
    amqpc_connection_options_init(&options, sizeof options);
    options.sasl = sasl;
    options.random = engine_text("32 bytes which nobody can predict");
    options.is_protected = is_protected;
    return options;
}

/* An engine with SASL, which has opened already as far as it is concerned; the SASL headers have
 * crossed. */
static peer *peer_sasl(amqpc_end_role role, const amqpc_sasl_options *sasl, bool is_protected)
{
    const amqpc_connection_options options = options_of(sasl, is_protected);
    const amqpc_performative open = open_frame();
    peer *self = peer_new(role, &options);
    if (role == AMQPC_CLIENT) {
        assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    }
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_SASL), AMQPC_OK);
    peer_expect_header(self, AMQPC_PROTOCOL_SASL);
    if (role == AMQPC_SERVER) {
        peer_expect(self, AMQPC_COMPOSITE_SASL_MECHANISMS);
    }
    return self;
}

static amqpc_performative mechanisms_frame(const amqpc_bytes *names, uint32_t count)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_SASL_MECHANISMS};
    frame.as.sasl_mechanisms.present = AMQPC_SASL_MECHANISMS_SASL_SERVER_MECHANISMS;
    frame.as.sasl_mechanisms.sasl_server_mechanisms.items = names;
    frame.as.sasl_mechanisms.sasl_server_mechanisms.count = count;
    return frame;
}

static amqpc_performative offer(const char *name)
{
    static amqpc_bytes names[1];
    names[0] = engine_text(name);
    return mechanisms_frame(names, 1);
}

static amqpc_performative challenge_frame(amqpc_bytes challenge)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_SASL_CHALLENGE};
    frame.as.sasl_challenge.present = AMQPC_SASL_CHALLENGE_CHALLENGE;
    frame.as.sasl_challenge.challenge = challenge;
    return frame;
}

static amqpc_performative outcome_frame(uint8_t code)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_SASL_OUTCOME};
    frame.as.sasl_outcome.present = AMQPC_SASL_OUTCOME_CODE;
    frame.as.sasl_outcome.code = code;
    return frame;
}

static amqpc_performative init_frame(const char *mechanism, const char *response, size_t size)
{
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_SASL_INIT};
    frame.as.sasl_init.present = AMQPC_SASL_INIT_MECHANISM | AMQPC_SASL_INIT_INITIAL_RESPONSE;
    frame.as.sasl_init.mechanism = engine_text(mechanism);
    frame.as.sasl_init.initial_response = (amqpc_bytes){response, size};
    return frame;
}

/* Where the text stands in the bytes, or NULL. */
static const char *find(amqpc_bytes bytes, const char *text, size_t size)
{
    const char *characters = (const char *)bytes.data;
    for (size_t at = 0; at + size <= bytes.size; at++) {
        if (memcmp(characters + at, text, size) == 0) {
            return characters + at;
        }
    }
    return NULL;
}

/* It has failed so, without a word more, and there is no AMQP on it. */
static void expect_failed(peer *self, amqpc_status status)
{
    peer_expect_nothing(self);
    amqpc_connection_failure failure;
    assert_int_equal(amqpc_connection_get_failure(self->connection, &failure), AMQPC_OK);
    assert_int_equal(failure.status, status);
    assert_null(find(failure.bytes, secret, 6));
    assert_true(amqpc_connection_is_finished(self->connection));
    assert_int_equal(engine_events(self->connection) &
                         (1u << AMQPC_EVENT_SASL_OUTCOME | 1u << AMQPC_EVENT_CONNECTION_OPEN),
                     0);
    assert_int_equal(amqpc_sasl_identity(self->connection).size, 0);
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_AMQP), AMQPC_INVALID_STATE);
    peer_free(self);
}

static void test_row_41_an_amqp_frame_in_sasl_never_counts_as_authenticated(void **state)
{
    (void)state;
    const amqpc_sasl_options sasl = sasl_of("PLAIN", "user");
    const amqpc_performative open = open_frame();
    uint8_t in_sasl_frame[256];
    size_t size = 0;
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &open, in_sasl_frame, sizeof in_sasl_frame, &size),
        AMQPC_OK);
    for (unsigned role = AMQPC_CLIENT; role <= AMQPC_SERVER; role++) {
        peer *self = peer_sasl((amqpc_end_role)role, &sasl, true);
        assert_int_equal(engine_feed_frame(self->connection, 0, &open), AMQPC_SASL_BAD_SEQUENCE);
        expect_failed(self, AMQPC_SASL_BAD_SEQUENCE);
        self = peer_sasl((amqpc_end_role)role, &sasl, true);
        in_sasl_frame[5] = AMQPC_FRAME_SASL;
        assert_int_equal(engine_feed(self->connection, in_sasl_frame, size),
                         AMQPC_UNKNOWN_DESCRIPTOR);
        in_sasl_frame[5] = AMQPC_FRAME_AMQP;
        expect_failed(self, AMQPC_UNKNOWN_DESCRIPTOR);
    }
}

static void test_row_41_a_damaged_frame_with_credentials_is_not_kept(void **state)
{
    (void)state;
    const amqpc_sasl_options sasl = sasl_of("PLAIN", NULL);
    uint8_t bytes[256];
    size_t size = 0;
    char response[64];
    int length = snprintf(response, sizeof response, "%cuser%c%s", 0, 0, secret);
    amqpc_performative init = init_frame("PLAIN", response, (size_t)length);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_SASL, 0, &init, bytes, sizeof bytes, &size),
                     AMQPC_OK);
    assert_non_null(find((amqpc_bytes){bytes, size}, secret, 6));
    for (size_t at = 8; at < 15; at++) {
        peer *self = peer_sasl(AMQPC_SERVER, &sasl, true);
        uint8_t before = bytes[at];
        bytes[at] = 0xff;
        amqpc_status status = engine_feed(self->connection, bytes, size);
        bytes[at] = before;
        assert_int_not_equal(status, AMQPC_OK);
        amqpc_connection_failure failure;
        assert_int_equal(amqpc_connection_get_failure(self->connection, &failure), AMQPC_OK);
        assert_int_equal(failure.bytes.size, 0);
        peer_free(self);
    }
}

static void test_row_70_an_empty_list_of_mechanisms_is_refused(void **state)
{
    (void)state;
    const amqpc_sasl_options with[] = {sasl_of("", "user"), sasl_of("", NULL),
                                       sasl_of("ANONYMOUS", NULL)};
    for (size_t i = 0; i < 3; i++) {
        peer *self = peer_sasl(AMQPC_CLIENT, &with[i], true);
        const amqpc_bytes names[1] = {{"", 0}};
        const amqpc_performative none = mechanisms_frame(names, 0);
        assert_int_equal(peer_feed_sasl(self, &none), AMQPC_SASL_NO_MECHANISM);
        expect_failed(self, AMQPC_SASL_NO_MECHANISM);
    }
}

static void test_row_71_an_outcome_before_init_is_refused(void **state)
{
    (void)state;
    const amqpc_sasl_options sasl = sasl_of("PLAIN", "user");
    const amqpc_performative outcome = outcome_frame(AMQPC_SASL_CODE_OK);
    peer *self = peer_sasl(AMQPC_CLIENT, &sasl, true);
    assert_int_equal(peer_feed_sasl(self, &outcome), AMQPC_SASL_BAD_SEQUENCE);
    expect_failed(self, AMQPC_SASL_BAD_SEQUENCE);
    /* After the mechanisms, while the application thinks about its own mechanism. */
    const amqpc_sasl_options own = sasl_of("X-OWN", NULL);
    const amqpc_performative mechanisms = offer("X-OWN");
    self = peer_sasl(AMQPC_CLIENT, &own, true);
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
    assert_int_equal(peer_feed_sasl(self, &outcome), AMQPC_SASL_BAD_SEQUENCE);
    expect_failed(self, AMQPC_SASL_BAD_SEQUENCE);
}

static void test_row_72_a_giant_challenge_is_refused_by_its_header(void **state)
{
    (void)state;
    const amqpc_sasl_options own = sasl_of("X-OWN", NULL);
    const amqpc_performative mechanisms = offer("X-OWN");
    peer *self = peer_sasl(AMQPC_CLIENT, &own, true);
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
    assert_int_equal(amqpc_sasl_send_response(self->connection, engine_text("hello")), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_SASL_INIT);
    const uint8_t header[8] = {0, 0, 0x20, 1, 2, 1, 0, 0};
    assert_int_equal(engine_feed(self->connection, header, 8), AMQPC_FRAME_TOO_LARGE);
    expect_failed(self, AMQPC_FRAME_TOO_LARGE);
}

static void test_row_72_endless_challenges_are_given_up_with_flat_memory(void **state)
{
    (void)state;
    enum { ROUNDS = 16 };
    static char data[8000];
    const amqpc_sasl_options own = sasl_of("X-OWN", NULL);
    const amqpc_performative mechanisms = offer("X-OWN");
    peer *self = peer_sasl(AMQPC_CLIENT, &own, true);
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
    assert_int_equal(amqpc_sasl_send_response(self->connection, engine_text("hello")), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_SASL_INIT);
    const amqpc_performative challenge = challenge_frame((amqpc_bytes){data, sizeof data});
    size_t first = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_int_equal(peer_feed_sasl(self, &challenge), AMQPC_OK);
        assert_int_equal(amqpc_sasl_send_response(self->connection, engine_text("again")),
                         AMQPC_OK);
        peer_expect(self, AMQPC_COMPOSITE_SASL_RESPONSE);
        first = i == 0 ? self->memory.size : first;
        assert_true(self->memory.size <= first);
    }
    assert_int_equal(peer_feed_sasl(self, &challenge), AMQPC_SASL_TOO_MANY_ROUNDS);
    expect_failed(self, AMQPC_SASL_TOO_MANY_ROUNDS);
}

static void test_row_73_credentials_are_not_dropped_for_anonymous(void **state)
{
    (void)state;
    const amqpc_sasl_options sasl = sasl_of("", "user");
    const amqpc_performative mechanisms = offer("ANONYMOUS");
    peer *self = peer_sasl(AMQPC_CLIENT, &sasl, true);
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_SASL_NO_MECHANISM);
    expect_failed(self, AMQPC_SASL_NO_MECHANISM);
}

static void test_row_74_plain_goes_over_cleartext_only_with_leave(void **state)
{
    (void)state;
    amqpc_sasl_options sasl = sasl_of("PLAIN", "user");
    const amqpc_performative mechanisms = offer("PLAIN");
    peer *self = peer_sasl(AMQPC_CLIENT, &sasl, false);
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_SASL_CLEARTEXT);
    expect_failed(self, AMQPC_SASL_CLEARTEXT);
    for (unsigned is_protected = 0; is_protected < 2; is_protected++) {
        sasl.allow_plain_cleartext = !is_protected;
        self = peer_sasl(AMQPC_CLIENT, &sasl, is_protected);
        assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
        const amqpc_performative *init = peer_expect(self, AMQPC_COMPOSITE_SASL_INIT);
        assert_bytes(init->as.sasl_init.mechanism, "PLAIN");
        peer_expect_nothing(self); /* no AMQP before the outcome */
        peer_free(self);
    }
}

static void test_row_75_a_peer_that_skips_sasl_is_refused(void **state)
{
    (void)state;
    amqpc_sasl_options sasl = sasl_of("PLAIN", "user");
    amqpc_connection_options options = options_of(&sasl, true);
    const amqpc_performative open = open_frame();
    peer *self = peer_new(AMQPC_CLIENT, &options);
    assert_int_equal(amqpc_connection_open(self->connection, &open.as.open), AMQPC_OK);
    peer_expect_header(self, AMQPC_PROTOCOL_SASL);
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_AMQP), AMQPC_SASL_SKIPPED);
    expect_failed(self, AMQPC_SASL_SKIPPED);
    /* A server answers with the header that it wants (AMQP 2.2), and not with AMQP's. */
    sasl = sasl_of("PLAIN", NULL);
    self = peer_new(AMQPC_SERVER, &options);
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_AMQP), AMQPC_SASL_SKIPPED);
    peer_expect_header(self, AMQPC_PROTOCOL_SASL);
    expect_failed(self, AMQPC_SASL_SKIPPED);
    /* Where the caller has said so, SASL may be left out. */
    sasl.optional = true;
    self = peer_new(AMQPC_SERVER, &options);
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_AMQP), AMQPC_OK);
    peer_expect_header(self, AMQPC_PROTOCOL_AMQP);
    peer_feed(self, &open);
    assert_int_equal(amqpc_sasl_identity(self->connection).size, 0);
    peer_free(self);
}

/* --- SCRAM, where there is OpenSSL. */

static bool has_scram(void)
{
    uint8_t keys[2][64];
    size_t size = 0;
    return amqpc_sasl_make_verifier(256, engine_text(secret), engine_text("salt"), 4096, keys[0],
                                    keys[1], &size) == AMQPC_OK;
}

/* A client and a server that check each other by SCRAM; the server's key has a bit flipped. */
static amqpc_status run_scram(unsigned flip)
{
    uint8_t stored_key[64];
    uint8_t server_key[64];
    size_t size = 0;
    const amqpc_sasl_options client = sasl_of("SCRAM-SHA-256", "user");
    const amqpc_sasl_options server = sasl_of("SCRAM-SHA-256", NULL);
    amqpc_connection_options ends[2] = {options_of(&client, false), options_of(&server, false)};
    ends[1].random = engine_text("32 bytes of the server, also random");
    engine_pair pair;
    engine_pair_make(&pair, NULL, &ends[0], &ends[1]);
    const amqpc_performative open = open_frame();
    assert_int_equal(amqpc_connection_open(pair.client, &open.as.open), AMQPC_OK);
    assert_int_equal(amqpc_connection_open(pair.server, &open.as.open), AMQPC_OK);
    engine_exchange(&pair);
    (void)engine_event(pair.server, AMQPC_EVENT_SASL);
    amqpc_sasl_verifier verifier = {.salt = engine_text("salt"), .iterations = 4096};
    assert_int_equal(amqpc_sasl_make_verifier(256, engine_text(secret), verifier.salt, 4096,
                                              stored_key, server_key, &size),
                     AMQPC_OK);
    server_key[0] ^= (uint8_t)flip;
    verifier.stored_key = (amqpc_bytes){stored_key, size};
    verifier.server_key = (amqpc_bytes){server_key, size};
    assert_int_equal(amqpc_sasl_give_verifier(pair.server, &verifier), AMQPC_OK);
    engine_exchange(&pair);
    amqpc_connection_failure failure = {.status = AMQPC_OK};
    if (amqpc_connection_get_failure(pair.client, &failure) == AMQPC_OK) {
        assert_int_not_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPENED);
        assert_int_not_equal(amqpc_connection_get_state(pair.server), AMQPC_CONNECTION_OPENED);
    } else {
        assert_int_equal(amqpc_connection_get_state(pair.client), AMQPC_CONNECTION_OPENED);
    }
    engine_pair_free(&pair);
    return failure.status;
}

static void test_row_76_a_wrong_server_signature_is_refused(void **state)
{
    (void)state;
    if (!has_scram()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    assert_int_equal(run_scram(0), AMQPC_OK);
    assert_int_equal(run_scram(1), AMQPC_SASL_BAD_SERVER);
}

static void test_row_76_a_huge_iteration_count_is_refused_at_once(void **state)
{
    (void)state;
    static const char *const counts[] = {"4294967295", "1000001", "4095", "0",
                                         "99999999999999999999"};
    for (size_t i = 0; has_scram() && i < sizeof counts / sizeof counts[0]; i++) {
        const amqpc_sasl_options sasl = sasl_of("SCRAM-SHA-256", "user");
        const amqpc_performative mechanisms = offer("SCRAM-SHA-256");
        peer *self = peer_sasl(AMQPC_CLIENT, &sasl, false);
        assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
        amqpc_bytes first =
            peer_expect(self, AMQPC_COMPOSITE_SASL_INIT)->as.sasl_init.initial_response;
        const char *nonce = find(first, "r=", 2);
        assert_non_null(nonce);
        int nonce_size = (int)((const char *)first.data + first.size - nonce);
        char text[256];
        (void)snprintf(text, sizeof text, "%.*sserver,s=c2FsdA==,i=%s", nonce_size, nonce,
                       counts[i]);
        const amqpc_performative challenge = challenge_frame(engine_text(text));
        assert_int_equal(peer_feed_sasl(self, &challenge), AMQPC_SASL_BAD_CHALLENGE);
        expect_failed(self, AMQPC_SASL_BAD_CHALLENGE);
    }
}

/* --- What follows the outcome. */

/* A client to which the outcome was ok. */
static peer *peer_passed(void)
{
    const amqpc_sasl_options sasl = sasl_of("ANONYMOUS", NULL);
    const amqpc_performative mechanisms = offer("ANONYMOUS");
    const amqpc_performative outcome = outcome_frame(AMQPC_SASL_CODE_OK);
    peer *self = peer_sasl(AMQPC_CLIENT, &sasl, true);
    assert_int_equal(peer_feed_sasl(self, &mechanisms), AMQPC_OK);
    peer_expect(self, AMQPC_COMPOSITE_SASL_INIT);
    peer_expect_nothing(self);
    assert_int_equal(peer_feed_sasl(self, &outcome), AMQPC_OK);
    peer_expect_header(self, AMQPC_PROTOCOL_AMQP);
    peer_expect(self, AMQPC_COMPOSITE_OPEN);
    return self;
}

static void test_row_77_only_the_amqp_header_may_follow_the_outcome(void **state)
{
    (void)state;
    uint8_t again[64];
    size_t size = 0;
    const amqpc_performative outcome = outcome_frame(AMQPC_SASL_CODE_OK);
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_SASL, 0, &outcome, again, sizeof again, &size),
                     AMQPC_OK);
    const struct {
        const void *bytes;
        size_t size;
    } wrong[] = {{again, size},
                 {"AMQP\3\1\0\0", 8},
                 {"AMQP\0\1\0\1", 8},
                 {"\0\0\0\x08\2\0\0\0", 8},
                 {"x", 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        peer *self = peer_passed();
        assert_int_equal(engine_feed(self->connection, wrong[i].bytes, wrong[i].size),
                         AMQPC_BAD_PROTOCOL_HEADER);
        peer_expect_nothing(self);
        assert_true(amqpc_connection_is_finished(self->connection));
        assert_int_not_equal(amqpc_connection_get_state(self->connection), AMQPC_CONNECTION_OPENED);
        peer_free(self);
    }
    /* The right one, and open, in one piece with the outcome, or later. */
    peer *self = peer_passed();
    assert_int_equal(peer_feed_header(self, AMQPC_PROTOCOL_AMQP), AMQPC_OK);
    const amqpc_performative open = open_frame();
    peer_feed(self, &open);
    assert_int_equal(amqpc_connection_get_state(self->connection), AMQPC_CONNECTION_OPENED);
    peer_free(self);
}

/* What a client may send without waiting, behind its SASL header: init, the AMQP header, open and
 * begin. */
static size_t write_pipeline(uint8_t *bytes, size_t capacity)
{
    const amqpc_performative init = init_frame("ANONYMOUS", "me", 2);
    const amqpc_performative open = open_frame();
    const amqpc_performative begin = begin_frame();
    size_t at = 0;
    size_t size = 0;
    assert_int_equal(amqpc_frame_write(AMQPC_FRAME_SASL, 0, &init, bytes, capacity, &size),
                     AMQPC_OK);
    at += size;
    assert_int_equal(amqpc_protocol_header_write(AMQPC_PROTOCOL_AMQP, bytes + at, capacity - at),
                     AMQPC_OK);
    at += AMQPC_PROTOCOL_HEADER_SIZE;
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &open, bytes + at, capacity - at, &size), AMQPC_OK);
    at += size;
    assert_int_equal(
        amqpc_frame_write(AMQPC_FRAME_AMQP, 0, &begin, bytes + at, capacity - at, &size), AMQPC_OK);
    return at + size;
}

static void test_row_77_a_pipelined_amqp_header_waits_for_the_outcome(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t size = write_pipeline(bytes, sizeof bytes);
    const amqpc_sasl_options sasl = sasl_of("ANONYMOUS", NULL);
    for (size_t step = 1; step <= size; step++) {
        for (unsigned code = AMQPC_SASL_CODE_OK; code <= AMQPC_SASL_CODE_AUTH; code++) {
            peer *self = peer_sasl(AMQPC_SERVER, &sasl, true);
            for (size_t at = 0; at < size; at += step) {
                assert_int_equal(
                    engine_feed(self->connection, bytes + at, size - at < step ? size - at : step),
                    AMQPC_OK);
            }
            (void)engine_event(self->connection, AMQPC_EVENT_SASL);
            peer_expect_nothing(self);
            assert_int_equal(engine_events(self->connection), 0);
            assert_int_equal(amqpc_sasl_finish(self->connection, code, (amqpc_bytes){NULL, 0}),
                             AMQPC_OK);
            peer_expect(self, AMQPC_COMPOSITE_SASL_OUTCOME);
            if (code != AMQPC_SASL_CODE_OK) {
                expect_failed(self, AMQPC_SASL_REFUSED);
                continue;
            }
            (void)engine_event(self->connection, AMQPC_EVENT_CONNECTION_OPEN);
            (void)engine_event(self->connection, AMQPC_EVENT_SESSION_BEGIN);
            peer_free(self);
        }
    }
}

static void test_row_77_what_is_pipelined_is_limited(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static uint8_t empty[8000];
    uint8_t bytes[512];
    size_t size = write_pipeline(bytes, sizeof bytes);
    const amqpc_sasl_options sasl = sasl_of("ANONYMOUS", NULL);
    peer *self = peer_sasl(AMQPC_SERVER, &sasl, true);
    assert_int_equal(engine_feed(self->connection, bytes, size), AMQPC_OK);
    amqpc_status status = AMQPC_OK;
    for (size_t i = 0; i < MANY && status == AMQPC_OK; i++) {
        status = engine_feed(self->connection, empty, sizeof empty);
        assert_true(self->memory.size < 1024 * 1024);
    }
    assert_int_equal(status, AMQPC_SASL_BAD_SEQUENCE);
    expect_failed(self, AMQPC_SASL_BAD_SEQUENCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_41_an_amqp_frame_in_sasl_never_counts_as_authenticated),
        cmocka_unit_test(test_row_41_a_damaged_frame_with_credentials_is_not_kept),
        cmocka_unit_test(test_row_70_an_empty_list_of_mechanisms_is_refused),
        cmocka_unit_test(test_row_71_an_outcome_before_init_is_refused),
        cmocka_unit_test(test_row_72_a_giant_challenge_is_refused_by_its_header),
        cmocka_unit_test(test_row_72_endless_challenges_are_given_up_with_flat_memory),
        cmocka_unit_test(test_row_73_credentials_are_not_dropped_for_anonymous),
        cmocka_unit_test(test_row_74_plain_goes_over_cleartext_only_with_leave),
        cmocka_unit_test(test_row_75_a_peer_that_skips_sasl_is_refused),
        cmocka_unit_test(test_row_76_a_wrong_server_signature_is_refused),
        cmocka_unit_test(test_row_76_a_huge_iteration_count_is_refused_at_once),
        cmocka_unit_test(test_row_77_only_the_amqp_header_may_follow_the_outcome),
        cmocka_unit_test(test_row_77_a_pipelined_amqp_header_waits_for_the_outcome),
        cmocka_unit_test(test_row_77_what_is_pipelined_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
