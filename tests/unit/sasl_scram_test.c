/* SCRAM message by message: the examples of the RFCs, and messages that are wrong (RFC 5802, 7677).
 */
#include "engine/sasl_scram.h"

#include "engine/sasl_base64.h"
#include "sasl_fixture.h"
#include "support/skip_because.h"

enum { ITERATIONS_MAX = 1000000 };

static const amqpc_allocator *libc_allocator(void)
{
    static amqpc_allocator allocator;
    allocator = amqpci_allocator_or_default(NULL);
    return &allocator;
}

static void drop(amqpci_secret *secret)
{
    amqpci_secret_release(libc_allocator(), secret);
}

/* An exchange of messages, with the password "pencil". */
typedef struct example {
    unsigned hash;
    const char *user;
    const char *client_nonce;
    const char *server_nonce;
    const char *salt;
    const char *client_first;
    const char *server_first;
    const char *client_final;
    const char *server_final;
} example;

static const example examples[] = {
    /* RFC 5802 5 */
    {1, "user", "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    /* RFC 7677 3 */
    {256, "user", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    /* The same with SHA-512, for which no RFC has an example: computed by Python's hashlib, hmac.
     */
    {512, "user", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
     "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static void test_the_client_sends_what_the_rfcs_show(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    for (const example *shown = examples; shown < examples + EXAMPLES; shown++) {
        amqpci_scram scram;
        amqpci_secret out = {NULL, 0};
        amqpci_scram_init(&scram, libc_allocator(), shown->hash);
        assert_int_equal(amqpci_scram_client_first(&scram, text(shown->user), no_bytes,
                                                   text(shown->client_nonce), &out),
                         AMQPC_OK);
        assert_bytes(amqpci_secret_view(&out), text(shown->client_first));
        assert_int_equal(amqpci_scram_client_verify(&scram, text(shown->server_final)),
                         AMQPC_SASL_BAD_SERVER); /* too early */
        assert_int_equal(amqpci_scram_client_final(&scram, text(shown->server_first),
                                                   text("pencil"), 4096, &out),
                         AMQPC_OK);
        assert_bytes(amqpci_secret_view(&out), text(shown->client_final));
        assert_int_equal(amqpci_scram_client_verify(&scram, text(shown->server_final)), AMQPC_OK);
        drop(&out);
        amqpci_scram_clean_up(&scram);
    }
}

/* A server that has sent its first message. */
static amqpci_scram start_server(const example *shown, amqpci_secret *out)
{
    amqpci_scram scram;
    verifier_keys keys;
    amqpci_secret user = {NULL, 0};
    amqpci_secret authorization_id = {NULL, 0};
    amqpci_secret salt = {NULL, 0};
    size_t size = 0;
    assert_int_equal(amqpci_base64_decode(libc_allocator(), text(shown->salt), &salt), AMQPC_OK);
    assert_int_equal(amqpc_sasl_make_verifier(shown->hash, text("pencil"),
                                              amqpci_secret_view(&salt), 4096, keys.stored_key,
                                              keys.server_key, &size),
                     AMQPC_OK);
    assert_int_equal(size, amqpci_hash_size(shown->hash));
    const amqpc_sasl_verifier verifier = {
        amqpci_secret_view(&salt), 4096, {keys.stored_key, size}, {keys.server_key, size}};
    amqpci_scram_init(&scram, libc_allocator(), shown->hash);
    assert_int_equal(
        amqpci_scram_server_read(&scram, text(shown->client_first), &user, &authorization_id),
        AMQPC_OK);
    assert_bytes(amqpci_secret_view(&user), text(shown->user));
    assert_int_equal(authorization_id.size, 0);
    assert_int_equal(amqpci_scram_server_first(&scram, &verifier, text(shown->server_nonce), out),
                     AMQPC_OK);
    drop(&user);
    drop(&authorization_id);
    drop(&salt);
    return scram;
}

static void test_the_server_sends_what_the_rfcs_show(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    for (const example *shown = examples; shown < examples + EXAMPLES; shown++) {
        amqpci_secret out = {NULL, 0};
        amqpci_scram scram = start_server(shown, &out);
        assert_bytes(amqpci_secret_view(&out), text(shown->server_first));
        assert_int_equal(amqpci_scram_server_final(&scram, text(shown->client_final), &out),
                         AMQPC_OK);
        assert_bytes(amqpci_secret_view(&out), text(shown->server_final));
        drop(&out);
        amqpci_scram_clean_up(&scram);
    }
}

/* --- Messages that are wrong. */

static amqpc_status read_server_first(const char *server_first, uint32_t iterations_max)
{
    amqpci_scram scram;
    amqpci_secret out = {NULL, 0};
    amqpci_scram_init(&scram, libc_allocator(), 256);
    assert_int_equal(amqpci_scram_client_first(&scram, text("user"), no_bytes, text("abc"), &out),
                     AMQPC_OK);
    amqpc_status status =
        amqpci_scram_client_final(&scram, text(server_first), text("pencil"), iterations_max, &out);
    if (status != AMQPC_OK) {
        assert_bytes(amqpci_secret_view(&out), text("n,,n=user,r=abc")); /* nothing was computed */
    }
    drop(&out);
    amqpci_scram_clean_up(&scram);
    return status;
}

static void test_row_76_iterations_are_bounded_from_below_and_above(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    const amqpc_status bad = AMQPC_SASL_BAD_CHALLENGE;
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=4095", ITERATIONS_MAX), bad);
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=4096", ITERATIONS_MAX), AMQPC_OK);
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=5000", 5000), AMQPC_OK);
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=5001", 5000), bad);
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=4294967295", ITERATIONS_MAX), bad);
    /* 2^32 + 4096: what does not fit must not wrap. */
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=4294971392", UINT32_MAX), bad);
    assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=99999999999", UINT32_MAX), bad);
}

static void test_row_76_a_server_first_message_that_is_malformed_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "r=abcd",
        "r=abcd,s=c2FsdA==",
        "r=abc,s=c2FsdA==,i=4096",      /* the server adds nothing to the nonce */
        "r=xbcd,s=c2FsdA==,i=4096",     /* not our nonce */
        "r=ab,s=c2FsdA==,i=4096",       /* part of it */
        "r=abc\x7f,s=c2FsdA==,i=4096",  /* not printable */
        "m=x,r=abcd,s=c2FsdA==,i=4096", /* an extension that must not be ignored */
        "r=abcd,s=,i=4096",             /* no salt */
        "r=abcd,s=c2FsdA=,i=4096",      /* base64 cut off */
        "r=abcd,s=c2FsdB==,i=4096",     /* bits that are left over */
        "r=abcd,s=c2F*dA==,i=4096",     /* not base64 */
        "r=abcd,s=c2FsdA==,i=",
        "r=abcd,s=c2FsdA==,i=04096",
        "r=abcd,s=c2FsdA==,i=-4096",
        "r=abcd,s=c2FsdA==,i=4096,", /* an empty attribute */
        "r=abcd,s=c2FsdA==,i=4096,m=x",
        "r=abcd,s=c2FsdA==,i=4096,9=x",
        "r=abcd,s=c2FsdA==,i=4096,x",
        "s=c2FsdA==,r=abcd,i=4096", /* out of order */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(read_server_first(wrong[i], ITERATIONS_MAX), AMQPC_SASL_BAD_CHALLENGE);
    }
    if (amqpci_hash_available()) {
        assert_int_equal(read_server_first("r=abcd,s=c2FsdA==,i=4096,x=y,Z=", ITERATIONS_MAX),
                         AMQPC_OK);
    }
}

static void test_row_76_the_servers_signature_has_to_be_right(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    const struct {
        const char *message;
        amqpc_status status;
    } finals[] = {
        {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", AMQPC_OK},
        {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,x=y", AMQPC_OK},
        {"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", AMQPC_SASL_BAD_SERVER},
        {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,", AMQPC_SASL_BAD_SERVER},
        {"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9", AMQPC_SASL_BAD_SERVER}, /* shorter */
        {"v=", AMQPC_SASL_BAD_SERVER},
        {"v=!", AMQPC_SASL_BAD_SERVER},
        {"", AMQPC_SASL_BAD_SERVER},
        {"x=y", AMQPC_SASL_BAD_SERVER},
        {"e=invalid-proof", AMQPC_SASL_REFUSED},
    };
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        amqpci_scram scram;
        amqpci_secret out = {NULL, 0};
        amqpci_scram_init(&scram, libc_allocator(), 256);
        assert_int_equal(amqpci_scram_client_first(&scram, text("user"), no_bytes,
                                                   text(examples[1].client_nonce), &out),
                         AMQPC_OK);
        assert_int_equal(amqpci_scram_client_final(&scram, text(examples[1].server_first),
                                                   text("pencil"), ITERATIONS_MAX, &out),
                         AMQPC_OK);
        assert_int_equal(amqpci_scram_client_verify(&scram, text(finals[i].message)),
                         finals[i].status);
        drop(&out);
        amqpci_scram_clean_up(&scram);
    }
}

static void test_a_client_first_message_that_is_malformed_is_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,n=user,r=",
        "x,,n=user,r=abc",            /* no gs2 header */
        "p=tls-unique,,n=user,r=abc", /* channel binding, which is not offered */
        "n,b=c,n=user,r=abc",
        "n,a=,n=user,r=abc",
        "n,,m=x,n=user,r=abc", /* an extension that must not be ignored */
        "n,,n=,r=abc",         /* nobody */
        "n,,n=us=er,r=abc",
        "n,,n=user=2,r=abc",
        "n,,n=user=2c,r=abc",
        "n,a=x=3,n=user,r=abc",
        "n,,n=user,r=a c",
        "n,,n=user,r=abc,m=x",
        "n,,n=\xff,r=abc", /* not UTF-8 */
        "n,,r=abc,n=user",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        amqpci_scram scram;
        amqpci_secret user = {NULL, 0};
        amqpci_secret authorization_id = {NULL, 0};
        amqpci_scram_init(&scram, libc_allocator(), 1);
        assert_int_equal(amqpci_scram_server_read(&scram, text(wrong[i]), &user, &authorization_id),
                         AMQPC_SASL_BAD_CHALLENGE);
        drop(&user);
        drop(&authorization_id);
        amqpci_scram_clean_up(&scram);
    }
}

static void test_a_client_first_message_may_say_more(void **state)
{
    (void)state;
    amqpci_scram scram;
    amqpci_secret user = {NULL, 0};
    amqpci_secret authorization_id = {NULL, 0};
    amqpci_scram_init(&scram, libc_allocator(), 1);
    assert_int_equal(amqpci_scram_server_read(&scram, text("y,a=b=2Coss=3D,n=us=3D=2Cer,r=abc,x=y"),
                                              &user, &authorization_id),
                     AMQPC_OK);
    assert_bytes(amqpci_secret_view(&user), text("us=,er"));
    assert_bytes(amqpci_secret_view(&authorization_id), text("b,oss="));
    drop(&user);
    drop(&authorization_id);
    amqpci_scram_clean_up(&scram);
}

static void test_a_client_final_message_that_is_wrong_is_refused(void **state)
{
    (void)state;
    if (!amqpci_hash_available()) {
        skip_because(BUILD_WITHOUT_OPENSSL);
    }
    const struct {
        const char *message;
        amqpc_status status;
    } finals[] = {
        /* another channel binding: "y,," */
        {"c=eSws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_BAD_CHALLENGE},
        /* another nonce */
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7k,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_BAD_CHALLENGE},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_BAD_CHALLENGE},
        /* another proof, a short one, and none */
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=w0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_REFUSED},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI",
         AMQPC_SASL_BAD_CHALLENGE},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=", AMQPC_SASL_BAD_CHALLENGE},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j", AMQPC_SASL_BAD_CHALLENGE},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,", AMQPC_SASL_BAD_CHALLENGE},
        /* what was signed is not what is sent */
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,x=y,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_REFUSED},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,m=y,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_BAD_CHALLENGE},
        {"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=,x=y",
         AMQPC_SASL_BAD_CHALLENGE},
        {"c=!,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
         AMQPC_SASL_BAD_CHALLENGE},
        {"c=biws", AMQPC_SASL_BAD_CHALLENGE},
        {"", AMQPC_SASL_BAD_CHALLENGE},
    };
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        amqpci_secret out = {NULL, 0};
        amqpci_scram scram = start_server(&examples[0], &out);
        assert_int_equal(amqpci_scram_server_final(&scram, text(finals[i].message), &out),
                         finals[i].status);
        assert_bytes(amqpci_secret_view(&out), text(examples[0].server_first));
        drop(&out);
        amqpci_scram_clean_up(&scram);
    }
}

static void test_a_verifier_that_is_none_is_refused(void **state)
{
    (void)state;
    uint8_t key[64] = {0};
    const amqpc_sasl_verifier wrong[] = {
        {{"", 0}, 4096, {key, 20}, {key, 20}},     {{NULL, 4}, 4096, {key, 20}, {key, 20}},
        {{"salt", 4}, 4095, {key, 20}, {key, 20}}, {{"salt", 4}, 4096, {key, 32}, {key, 20}},
        {{"salt", 4}, 4096, {key, 20}, {key, 19}}, {{"salt", 4}, 4096, {NULL, 20}, {key, 20}},
        {{"salt", 4}, 4096, {key, 20}, {NULL, 20}}};
    amqpci_scram scram;
    amqpci_secret out = {NULL, 0};
    amqpci_scram_init(&scram, libc_allocator(), 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(amqpci_scram_server_first(&scram, &wrong[i], text("x"), &out),
                         AMQPC_INVALID_ARGUMENT);
    }
    amqpci_scram_clean_up(&scram);
}

static void test_making_a_verifier_checks_its_arguments(void **state)
{
    (void)state;
    uint8_t stored[64];
    uint8_t server[64];
    size_t size = 7;
    const amqpc_bytes salt = text("salt");
    const amqpc_bytes password = text("pencil");
    const amqpc_status bad = AMQPC_INVALID_ARGUMENT;
    assert_int_equal(amqpc_sasl_make_verifier(2, password, salt, 4096, stored, server, &size), bad);
    assert_int_equal(amqpc_sasl_make_verifier(1, password, no_bytes, 4096, stored, server, &size),
                     bad);
    assert_int_equal(amqpc_sasl_make_verifier(1, password, salt, 4095, stored, server, &size), bad);
    assert_int_equal(amqpc_sasl_make_verifier(1, password, salt, 4096, NULL, server, &size), bad);
    assert_int_equal(amqpc_sasl_make_verifier(1, password, salt, 4096, stored, NULL, &size), bad);
    assert_int_equal(amqpc_sasl_make_verifier(1, password, salt, 4096, stored, server, NULL), bad);
    assert_int_equal(size, 7);
    /* More iterations than OpenSSL can count, and a build without it. */
    assert_int_equal(amqpc_sasl_make_verifier(1, password, salt, UINT32_MAX, stored, server, &size),
                     AMQPC_UNSUPPORTED);
    if (!amqpci_hash_available()) {
        uint8_t hmac[64];
        assert_int_equal(amqpci_hash_hmac(1, salt, salt, hmac), AMQPC_UNSUPPORTED);
        assert_false(amqpci_hash_same(stored, stored, 1));
    }
}

/* --- What SCRAM is made of. */

static void test_base64_is_as_rfc_4648_shows(void **state)
{
    (void)state;
    const char *const pairs[][2] = {{"", ""},
                                    {"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"},
                                    {"\xff\xef\xbe", "/+++"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        amqpci_secret out = {NULL, 0};
        assert_int_equal(amqpci_base64_encode(libc_allocator(), text(pairs[i][0]), &out), AMQPC_OK);
        assert_bytes(amqpci_secret_view(&out), text(pairs[i][1]));
        assert_int_equal(amqpci_base64_decode(libc_allocator(), text(pairs[i][1]), &out), AMQPC_OK);
        assert_bytes(amqpci_secret_view(&out), text(pairs[i][0]));
        drop(&out);
    }
    const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Zg==Zg==", "====", "Z===", "Zh==", "Zm9=", "Zm9\n", "Zm-_"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        amqpci_secret out = {NULL, 0};
        assert_int_equal(amqpci_base64_decode(libc_allocator(), text(wrong[i]), &out),
                         AMQPC_SASL_BAD_CHALLENGE);
        drop(&out);
    }
}

static void test_sizes_that_wrap_are_no_memory(void **state)
{
    (void)state;
    amqpci_secret out = {NULL, 0};
    const amqpc_bytes huge = {"", SIZE_MAX};
    const amqpc_bytes parts[] = {huge, huge};
    assert_int_equal(amqpci_secret_resize(libc_allocator(), &out, SIZE_MAX), AMQPC_NO_MEMORY);
    assert_int_equal(amqpci_secret_join(libc_allocator(), &out, parts, 2), AMQPC_NO_MEMORY);
    assert_int_equal(amqpci_base64_encode(libc_allocator(), huge, &out), AMQPC_NO_MEMORY);
    assert_null(out.data);
}

/* Keeps what was last released, to be looked at. */
static uint8_t released[8];

static void look_and_release(void *context, void *memory)
{
    (void)context;
    if (memory != NULL) {
        memcpy(released, memory, sizeof released);
    }
    libc_allocator()->release(NULL, memory);
}

static void test_secrets_are_wiped_before_their_memory_is_given_back(void **state)
{
    (void)state;
    const uint8_t zeros[8] = {0};
    amqpc_allocator looking = *libc_allocator();
    looking.release = look_and_release;
    amqpci_secret secret = {NULL, 0};
    assert_int_equal(amqpci_secret_set(&looking, &secret, text("password")), AMQPC_OK);
    memset(released, 0xff, sizeof released);
    assert_int_equal(amqpci_secret_set(&looking, &secret, text("passphrase")), AMQPC_OK);
    assert_memory_equal(released, zeros, sizeof released);
    memset(released, 0xff, sizeof released);
    amqpci_secret_release(&looking, &secret);
    assert_memory_equal(released, zeros, sizeof released);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client_sends_what_the_rfcs_show),
        cmocka_unit_test(test_the_server_sends_what_the_rfcs_show),
        cmocka_unit_test(test_row_76_iterations_are_bounded_from_below_and_above),
        cmocka_unit_test(test_row_76_a_server_first_message_that_is_malformed_is_refused),
        cmocka_unit_test(test_row_76_the_servers_signature_has_to_be_right),
        cmocka_unit_test(test_a_client_first_message_that_is_malformed_is_refused),
        cmocka_unit_test(test_a_client_first_message_may_say_more),
        cmocka_unit_test(test_a_client_final_message_that_is_wrong_is_refused),
        cmocka_unit_test(test_a_verifier_that_is_none_is_refused),
        cmocka_unit_test(test_making_a_verifier_checks_its_arguments),
        cmocka_unit_test(test_base64_is_as_rfc_4648_shows),
        cmocka_unit_test(test_sizes_that_wrap_are_no_memory),
        cmocka_unit_test(test_secrets_are_wiped_before_their_memory_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
