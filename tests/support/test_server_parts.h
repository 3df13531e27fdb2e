/* What the files of the test server share. */
#ifndef TESTS_SUPPORT_TEST_SERVER_PARTS_H
#define TESTS_SUPPORT_TEST_SERVER_PARTS_H

#include <amqpcodec/event.h>
#include <amqpcodec/sasl.h>
#include <amqpcodec/transaction.h>

#include "support/test_server.h"

enum {
    KEPT_MAX = 64,
    CONNECTIONS_MAX = 64,
    SERVER_TRANSACTIONS_MAX = 16,
    SERVER_WORK_MAX = 256 /* messages posted, or accepted, in one transaction */
};

typedef enum command_type {
    NO_COMMAND = 0,
    DISCONNECT = 1,
    CUT = 2,
    END_SESSIONS = 3,
    RELEASE_HELD = 4,
    CLOSE_LINKS = 5
} command_type;

/* What is kept of a link that was lost. */
typedef struct kept_link {
    char name[80];
    bool role;
    amqpc_buffer *unsettled; /* NULL: not in use */
} kept_link;

/* connection  of its controller; NULL: not in use */
typedef struct server_transaction {
    const amqpc_connection *connection;
    char id[16];
    uint32_t posted[SERVER_WORK_MAX];
    uint32_t posted_count;
    uint32_t retired[SERVER_WORK_MAX];
    uint32_t retired_count;
} server_transaction;

struct test_server {
    test_server_options options;
    pthread_t thread;
    pthread_mutex_t mutex; /* of the counts, and the command */
    pthread_cond_t done;
    amqpc_poller *poller;
    amqpc_listener *listener;
    uint32_t port;
    char condition[64];
    command_type command;
    bool stops;
    char url[256];
    amqpc_transport *transports[CONNECTIONS_MAX];
    uint32_t messages;
    uint32_t connections;
    uint32_t sessions;
    uint32_t closed_count;
    uint32_t abandoned_count;
    uint32_t detached_count;
    uint32_t dynamic_count;
    uint32_t once_count; /* attachments of "once" */
    uint32_t left;
    uint32_t next_number; /* of those to receive */
    uint32_t again_count; /* numbers that have to be sent again */
    uint32_t again[TEST_SERVER_NUMBERS_MAX];
    uint32_t received[TEST_SERVER_NUMBERS_MAX];
    uint32_t settled[TEST_SERVER_NUMBERS_MAX];
    kept_link kept[KEPT_MAX];
    server_transaction transactions[SERVER_TRANSACTIONS_MAX];
    uint32_t declared;
    uint32_t rolled_back;
    uint32_t provisional; /* messages that were posted in transactions */
    uint32_t unanswered;  /* discharges, with silent_discharge */
};

/* What a server cannot go on after. */
void test_server_must(bool holds, const char *what);
void test_server_must_be_ok(amqpc_status status, const char *what);

/* --- test_server_nodes.c: with the mutex held. */

amqpc_bytes test_server_text(const char *string);
amqpc_error test_server_error(const char *condition, const char *description);

bool test_server_is_node(const amqpc_link *link, const char *name);

/* The connection is lost: what arrived before has arrived, and what is unsettled is kept, or sent
 * again. */
void test_server_settle_up(test_server *server, amqpc_connection *connection);

void test_server_take_link_event(test_server *server, const amqpc_connection_event *event);

void test_server_forget(kept_link *kept);

/* --- test_server_transactions.c: with the mutex held. */

bool test_server_is_coordinator(const amqpc_link *link);
void test_server_attach_coordinator(const test_server *server, amqpc_link *link);

/* The connection, or its controller's link, has ended. */
void test_server_roll_back(test_server *server, const amqpc_connection *connection);

void test_server_take_request(test_server *server, amqpc_link *link,
                              const amqpc_delivery *delivery);

/* Take what belongs to a transaction; false for what belongs to none. */
bool test_server_take_posted(test_server *server, amqpc_link *link, const amqpc_delivery *delivery,
                             uint32_t number);
bool test_server_take_retired(test_server *server, const amqpc_update *update);

#endif
