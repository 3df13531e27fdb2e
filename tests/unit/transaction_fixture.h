/* A controller and a resource: two engines, a link to a coordinator, and a link to post by. */
#ifndef TESTS_UNIT_TRANSACTION_FIXTURE_H
#define TESTS_UNIT_TRANSACTION_FIXTURE_H

#include "support/engine_frames.h"

enum { TRANSACTIONS_MAX = 8, TXN_ID_SIZE = 5 };

typedef struct transaction_fixture {
    engine_pair pair;        /* the client is the controller, and sends by pair.sender */
    amqpc_link *controller;  /* the client's end of the link to the coordinator */
    amqpc_link *coordinator; /* the server's */

    /* What the resource knows. */
    bool live[TRANSACTIONS_MAX];
    unsigned posted[TRANSACTIONS_MAX];  /* messages that wait for the discharge */
    unsigned retired[TRANSACTIONS_MAX]; /* acceptances that wait for the discharge */
    unsigned declared_count;
    unsigned stored;       /* messages of discharged transactions */
    unsigned acknowledged; /* retirements of discharged transactions */
} transaction_fixture;

/* Opens both ends, attaches both links, with credit. options: of both ends; NULL for the defaults.
 */
void transaction_open(transaction_fixture *fixture, const amqpc_connection_options *options);
void transaction_close(transaction_fixture *fixture);

/* The resource looks at all that it was sent, and answers. */
void transaction_serve(transaction_fixture *fixture);

/* As transaction_serve, for what came by the coordinator's link only. */
void transaction_serve_coordinator(transaction_fixture *fixture);

/* What the controller does: begins a transaction, the id of which is copied. */
amqpc_bytes transaction_declare(transaction_fixture *fixture, uint8_t storage[TXN_ID_SIZE]);

/* Discharges, and gives what amqpc_update_discharged says of it. */
amqpc_status transaction_discharge(transaction_fixture *fixture, amqpc_bytes txn_id, bool fail);

/* The index of a live transaction; TRANSACTIONS_MAX where there is none of the id. */
unsigned transaction_find(const transaction_fixture *fixture, amqpc_bytes txn_id);

/* The resource forgets transactions that are not discharged. */
void transaction_roll_back_all(transaction_fixture *fixture);

/* Posts in the transaction. */
uint64_t transaction_post(amqpc_link *link, amqpc_bytes txn_id, amqpc_bytes payload);

void assert_same_bytes(amqpc_bytes bytes, amqpc_bytes expected);

#endif
