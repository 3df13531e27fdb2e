/* A server for tests of clients: a thread of its own, a listener on a free port of 127.0.0.1, and
 * nodes that do what their names say.
 *
 * To send to (the first word of the address counts, "accept 2" is another node that accepts):
 *     accept     accepts
 *     reject     rejects, with amqp:test:rejected and "not this one"
 *     release    releases
 *     modify     modifies, with delivery-failed
 *     say        accepts, and leaves it to the sender to settle
 *     hold       receives, and settles nothing until test_server_release_held
 *     dry        gives no credit
 *     refuse     is refused, with amqp:not-found
 *     forced     detaches the link, closed, with amqp:link:detach-forced after five messages
 *     kicked     detaches the link, closed, with amqp:resource-deleted after the first message
 *     moved      is refused, with amqp:link:redirect to "elsewhere" at 127.0.0.2:1234
 *     drop       closes the socket after each tenth message
 *     answer     sends what it gets to reply-to, with correlation-id
 *     refuse-request  rejects
 * To receive from:
 *     numbers    messages of one data section with 8 bytes, a number each, from 0 on; unsettled
 *                ones whose link is lost are sent again
 *     settled    the same, settled
 *     silent     sends nothing, and answers drain
 *     once       the same; when it is attached again the session ends, with amqp:internal-error
 *     stuck      sends nothing, and never answers
 *     refuse, moved  as above
 *     a dynamic source gets what "answer" sends to it
 */
#ifndef TESTS_SUPPORT_TEST_SERVER_H
#define TESTS_SUPPORT_TEST_SERVER_H

#include <amqpcodec/amqpcodec.h>
#include <pthread.h>

enum { TEST_SERVER_NUMBERS_MAX = 1 << 16 };

/* Set these before test_server_start; zero for all is fine.
 *
 * keeps_state     unsettled deliveries of lost links are kept, and links resumed
 * recovers_nothing  a link that says what is unsettled ends the session, with amqp:not-implemented
 * credit          that receivers are kept at; 0: 100
 * handles         links of one session; 0: the default
 * channels        sessions of one connection; 0: the default
 * window          of sessions, in frames; 0: the default
 * transactions    there is a coordinator
 * dry_coordinator  that gives no credit
 * silent_discharge  that answers no discharge
 * declare_condition, discharge_condition  that rejects with it; discharges that commit; NULL
 * number_count    how many numbers there are to receive
 * port            0: a free one
 * refuses_sasl    nobody gets in
 * close_condition  every connection is closed with it right after open; NULL
 * drops_at_open   every connection is cut instead of an answer to open
 * user            whom alone PLAIN lets in, with the password "secret"; NULL: anybody, ANONYMOUS
 * unix_path       listens at a Unix socket instead; NULL for none
 * tls             speaks TLS; NULL for none */
typedef struct test_server_options {
    bool keeps_state;
    bool recovers_nothing;
    bool refuses_sasl;
    bool drops_at_open;
    bool transactions;
    bool dry_coordinator;
    bool silent_discharge;
    uint32_t credit;
    uint32_t window;
    uint32_t handles;
    uint32_t channels;
    uint32_t number_count;
    uint32_t port;
    uint32_t max_frame_size;
    uint32_t idle_timeout_ms;
    const char *close_condition;
    const char *declare_condition;
    const char *discharge_condition;
    const char *user;
    const char *unix_path;
    amqpc_tls *tls;
} test_server_options;

typedef struct test_server test_server;

test_server *test_server_start(const test_server_options *options);
void test_server_stop(test_server *server);
uint32_t test_server_port(const test_server *server);

/* "amqp://127.0.0.1:PORT/" and a query; static. */
const char *test_server_url(const test_server *server, const char *query);

/* How often a number was received, in a message of one data section with 8 bytes; or how often one
 * was settled as accepted. */
uint32_t test_server_received(test_server *server, uint32_t number);
uint32_t test_server_settled(test_server *server, uint32_t number);

/* All messages that came, and connections that were made. */
uint32_t test_server_message_count(test_server *server);
uint32_t test_server_connection_count(test_server *server);

/* Connections that the client has closed, and links that it had neither closed nor detached before
 * that. */
uint32_t test_server_closed_count(test_server *server);
uint32_t test_server_abandoned_count(test_server *server);

/* Links that clients have detached without closing them. */
uint32_t test_server_detached_count(test_server *server);

/* Links that are kept, with keeps_state, for a client to resume. */
uint32_t test_server_kept_count(test_server *server);

/* Sessions that clients have begun. */
uint32_t test_server_session_count(test_server *server);

/* Messages that were posted in transactions, whatever became of those; transactions that were
 * rolled back; discharges that were not answered. */
uint32_t test_server_provisional_count(test_server *server);
uint32_t test_server_rolled_back_count(test_server *server);
uint32_t test_server_unanswered_count(test_server *server);

/* How many numbers of those to receive are not accepted yet. */
uint32_t test_server_left(test_server *server);

/* Ends all connections: with a close and this condition, or, for NULL, by cutting them. */
void test_server_disconnect(test_server *server, const char *condition);

/* Ends the sessions of all connections, with this condition. */
void test_server_end_sessions(test_server *server, const char *condition);

/* Closes all links, with this condition. */
void test_server_close_links(test_server *server, const char *condition);

/* Accepts what "hold" holds. */
void test_server_release_held(test_server *server);

#endif
