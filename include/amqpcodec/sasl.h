/* SASL: how the two ends of a connection agree on who is who before AMQP begins (AMQP 5.3).
 *
 * The engine speaks ANONYMOUS, PLAIN, EXTERNAL, SCRAM-SHA-1, SCRAM-SHA-256, SCRAM-SHA-512 (where
 * it is built with OpenSSL), XOAUTH2 and OAUTHBEARER. The application may drive any other mechanism
 * by events. Nothing here blocks: what the engine has to ask is an event, and the answer a call. */
#ifndef AMQPCODEC_SASL_H
#define AMQPCODEC_SASL_H

#include <amqpcodec/connection.h>

AMQPC_BEGIN_DECLS

/* What a client has to identify itself by, or what a server offers.
 *
 * Set by amqpc_sasl_options_init, change single members, and point amqpc_connection_options.sasl to
 * it. All bytes are copied by amqpc_connection_new, and wiped when SASL is over.
 *
 * struct_size           sizeof(amqpc_sasl_options) of the caller; set by amqpc_sasl_options_init
 * mechanisms            names, separated by single spaces. Client: those it will use, the most
 *                       wanted first; empty: by what is given below, the strongest first
 *                       (SCRAM-SHA-512, -256, -1, PLAIN with user and password; OAUTHBEARER with
 *                       a token, XOAUTH2 with user and token; EXTERNAL only if named; ANONYMOUS
 *                       with neither user, password nor token). A client that has credentials
 *                       never falls back to ANONYMOUS (unless named). Server: those it offers;
 *                       empty: ANONYMOUS. A name that the engine does not know is driven by the
 *                       application, see amqpc_sasl_question_type. Names are of A to Z, 0 to 9,
 *                       "-" and "_", up to 20 characters (RFC 4422 3.1)
 * user, password        client: of PLAIN and SCRAM, the user also of XOAUTH2 and OAUTHBEARER;
 *                       UTF-8 without NUL, the user also without 0x01
 * authorization_id      client: whom to act as; mostly empty. Of EXTERNAL the initial response,
 *                       which is empty, not null, where this is (AMQP 5.3.3.2); of ANONYMOUS the
 *                       trace; of OAUTHBEARER in place of the user. UTF-8 without NUL and 0x01
 * token                 client: of XOAUTH2 and OAUTHBEARER; printable ASCII
 * hostname              client: sasl-init.hostname, and the host of OAUTHBEARER; empty for none
 * port                  client: the port of OAUTHBEARER; 0 for none
 * allow_plain_cleartext PLAIN, XOAUTH2 and OAUTHBEARER may be used on a connection that is not
 *                       marked as protected. Server: without it they are not offered there.
 * optional              server: a client may leave SASL out, and begin with AMQP's own header
 * iterations_max        client: most iterations of SCRAM that a server may ask for; default
 *                       1,000,000. Fewer than 4,096 are refused always (RFC 5802 5.1).
 * rounds_max            challenges and responses until it is given up; default 16 */
typedef struct amqpc_sasl_options {
    size_t struct_size;
    amqpc_bytes mechanisms;
    amqpc_bytes user;
    amqpc_bytes password;
    amqpc_bytes authorization_id;
    amqpc_bytes token;
    amqpc_bytes hostname;
    uint16_t port;
    bool allow_plain_cleartext;
    bool optional;
    uint32_t iterations_max;
    uint32_t rounds_max;
} amqpc_sasl_options;

/* Sets the defaults. struct_size: sizeof(amqpc_sasl_options) as the caller was compiled. */
AMQPC_API void amqpc_sasl_options_init(amqpc_sasl_options *options, size_t struct_size);

/* What the engine asks, with AMQPC_EVENT_SASL. */
typedef enum amqpc_sasl_question_type {
    AMQPC_SASL_QUESTION_NONE = 0,
    /* Server: may this client come in? amqpc_sasl_finish. PLAIN: `user` and `password`, which are
     * never empty. ANONYMOUS: the trace in `authorization_id`. EXTERNAL: `authorization_id`, which
     * the application compares with what the transport knows of the client; empty for just that.
     * XOAUTH2: `user` and `token`. OAUTHBEARER: `token` and `authorization_id`, which may be empty.
     *
     * All but the trace is what the client says: OK vouches for all of it. A PLAIN client with an
     * `authorization_id` wants to act as somebody else: refuse where it may not. */
    AMQPC_SASL_QUESTION_CREDENTIALS = 1,
    /* Server: the SCRAM verifier of `user`? amqpc_sasl_give_verifier, or amqpc_sasl_finish to
     * refuse, also where the user may not act as `authorization_id`, which is mostly empty. */
    AMQPC_SASL_QUESTION_VERIFIER = 2,
    /* Client: the server offers `mechanism`, which is the application's own; answer by
     * amqpc_sasl_send_response with the mechanism's initial response. */
    AMQPC_SASL_QUESTION_INITIAL_RESPONSE = 3,
    /* Client: `data` is the challenge of the application's own mechanism: amqpc_sasl_send_response.
     */
    AMQPC_SASL_QUESTION_CHALLENGE = 4,
    /* Server: `data` is the initial response, or a response, of the application's own mechanism:
     * amqpc_sasl_send_challenge or amqpc_sasl_finish. */
    AMQPC_SASL_QUESTION_RESPONSE = 5
} amqpc_sasl_question_type;

/* A question, as views that hold until it is answered or the connection is freed.
 *
 * type              amqpc_sasl_question_type
 * has_data          false where there are no bytes: the initial response was null, which is not the
 *                   same as empty, or is to be made
 * mechanism         in use
 * hostname          server: of sasl-init
 * other members     as the type says; otherwise empty */
typedef struct amqpc_sasl_question {
    uint32_t type;
    bool has_data;
    amqpc_bytes mechanism;
    amqpc_bytes user;
    amqpc_bytes password;
    amqpc_bytes authorization_id;
    amqpc_bytes token;
    amqpc_bytes hostname;
    amqpc_bytes data;
} amqpc_sasl_question;

/* What a server keeps of a SCRAM user instead of the password (RFC 5802 3).
 *
 * salt                  at least one byte
 * iterations            at least 4,096
 * stored_key, server_key  of the hash's size: 20, 32 or 64 bytes */
typedef struct amqpc_sasl_verifier {
    amqpc_bytes salt;
    uint32_t iterations;
    amqpc_bytes stored_key;
    amqpc_bytes server_key;
} amqpc_sasl_verifier;

/* The question that is open.
 *
 * Returns AMQPC_OK, or AMQPC_NOT_FOUND where there is none. */
AMQPC_API amqpc_status amqpc_sasl_question_get(const amqpc_connection *connection,
                                               amqpc_sasl_question *question) AMQPC_CHECK;

/* Server: ends SASL with an outcome (AMQP 5.3.3.5).
 *
 * code             AMQPC_SASL_CODE_OK lets the client in; _AUTH and the others do not. Of SCRAM OK
 *                  is the engine's to give; the application may only refuse.
 * additional_data  borrowed until return; size 0 for none, and with any other code than OK
 *                  (AMQP 5.3.3.5)
 *
 * Returns AMQPC_OK; AMQPC_INVALID_STATE where no question is open that this answers;
 * AMQPC_INVALID_ARGUMENT; AMQPC_NO_MEMORY. After a failure the question is still open. */
AMQPC_API amqpc_status amqpc_sasl_finish(amqpc_connection *connection, unsigned code,
                                         amqpc_bytes additional_data) AMQPC_CHECK;

/* Server: answers AMQPC_SASL_QUESTION_VERIFIER. The engine then checks what the client proves.
 *
 * verifier  copied. For a user that does not exist: refuse; or, so that nobody can find out who
 *           does, give one of a random password, with a salt that is the same each time.
 *
 * Returns as amqpc_sasl_finish; AMQPC_INVALID_ARGUMENT for a verifier that is none of the hash. */
AMQPC_API amqpc_status amqpc_sasl_give_verifier(amqpc_connection *connection,
                                                const amqpc_sasl_verifier *verifier) AMQPC_CHECK;

/* Server: sends a challenge of the application's own mechanism. data: copied. Returns as
 * amqpc_sasl_finish. */
AMQPC_API amqpc_status amqpc_sasl_send_challenge(amqpc_connection *connection,
                                                 amqpc_bytes data) AMQPC_CHECK;

/* Client: sends the initial response, or a response, of the application's own mechanism.
 *
 * data  copied; of the initial response NULL data means null
 *
 * Returns as amqpc_sasl_finish. */
AMQPC_API amqpc_status amqpc_sasl_send_response(amqpc_connection *connection,
                                                amqpc_bytes data) AMQPC_CHECK;

/* The mechanism that is, or was, in use; size 0 before there is one. Lives as long as the
 * connection. */
AMQPC_API amqpc_bytes amqpc_sasl_mechanism(const amqpc_connection *connection);

/* Server: who came in; size 0 without SASL, before it is over, and of the application's own
 * mechanisms. Lives as long as the connection.
 *
 * PLAIN, SCRAM and XOAUTH2: the user, whoever they want to act as: that is in the question.
 * EXTERNAL and OAUTHBEARER: the authorization id, which may be empty. ANONYMOUS: "anonymous",
 * whatever the trace. */
AMQPC_API amqpc_bytes amqpc_sasl_identity(const amqpc_connection *connection);

/* Makes a SCRAM verifier of a password, for servers that know it (RFC 5802 3).
 *
 * hash        of the mechanism: 1, 256 or 512
 * password    UTF-8; text beyond ASCII is used as it is, without SASLprep
 * salt        at least one byte
 * iterations  at least 4,096
 * stored_key, server_key  receive 20, 32 or 64 bytes each; room for 64 is enough
 * size        receives how many
 *
 * Returns AMQPC_OK; AMQPC_INVALID_ARGUMENT; AMQPC_UNSUPPORTED in a build without OpenSSL. */
AMQPC_API amqpc_status amqpc_sasl_make_verifier(unsigned hash, amqpc_bytes password,
                                                amqpc_bytes salt, uint32_t iterations,
                                                uint8_t *stored_key, uint8_t *server_key,
                                                size_t *size) AMQPC_CHECK;

AMQPC_END_DECLS

#endif
