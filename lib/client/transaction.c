/* Transactions: what becomes of them between the declare and the answer to the discharge (AMQP 4.2,
 * 4.3).
 *
 * Declares and discharges are messages of the controller's sender, and their answers are
 * completions. A discharge goes out behind what was posted and settled before: in a session there
 * is an order, and where links have several nothing may wait for the window of another one. */
#include <string.h>

#include "base/memory.h"
#include "client/controller.h"
#include "engine/link.h"
#include "engine/transaction.h"

enum { TAKEN_AT_ONCE = 16 };

/* --- To the peer. */

/* Whether the link takes a declare, or discharge, now. */
static bool may_send(const amqpc_controller *controller)
{
    return controller->sender->base.phase == AMQPCI_LINK_OPEN &&
           amqpci_sender_may_post(controller->sender) &&
           !amqpci_client_has_pending(controller->client);
}

static bool has_due(const amqpc_transaction *transaction)
{
    return transaction->phase == AMQPCI_TRANSACTION_NEW ||
           (transaction->phase == AMQPCI_TRANSACTION_DECLARED && transaction->is_asked);
}

static amqpc_status send_due(amqpc_transaction *transaction)
{
    amqpc_controller *controller = transaction->controller;
    amqpc_sender *sender = controller->sender;
    bool declares = transaction->phase == AMQPCI_TRANSACTION_NEW;
    amqpc_status status =
        amqpci_completions_reserve(&sender->completions, (size_t)sender->posted + 1);
    if (status != AMQPC_OK) {
        return status;
    }
    sender->options.context = controller->last_request + 1;
    status = declares ? amqpc_link_declare(sender->base.link, NULL, &sender->options, NULL)
                      : amqpc_link_discharge(sender->base.link, transaction->id, transaction->fails,
                                             &sender->options, NULL);
    if (status != AMQPC_OK) {
        return status;
    }
    sender->posted++;
    transaction->request = ++controller->last_request;
    transaction->phase = declares ? AMQPCI_TRANSACTION_DECLARING : AMQPCI_TRANSACTION_DISCHARGING;
    return AMQPC_OK;
}

/* status: AMQPC_OK where it was discharged. */
static void end(amqpc_transaction *transaction, amqpc_status status, const char *detail)
{
    transaction->phase = AMQPCI_TRANSACTION_OVER;
    if (status != AMQPC_OK) {
        amqpci_client_error_set(&transaction->error, status,
                                transaction->controller->client->attempts.address, detail);
    }
}

amqpc_status amqpci_controller_send_due(amqpc_controller *controller)
{
    amqpc_status status = AMQPC_OK;
    bool any_sent = false;
    for (amqpc_transaction *at = controller->transactions;
         at != NULL && status == AMQPC_OK && may_send(controller); at = at->next) {
        if (!has_due(at)) {
            continue;
        }
        status = send_due(at);
        if (status != AMQPC_OK && status != AMQPC_NO_MEMORY) {
            end(at, status, NULL); /* the peer takes no message of that size, say */
            status = AMQPC_OK;
        }
        any_sent = true;
    }
    if (any_sent) {
        amqpci_client_send_soon(controller->client);
    }
    return status;
}

/* --- From the peer. */

static amqpc_transaction *find(const amqpc_controller *controller, uint64_t request)
{
    amqpc_transaction *at = controller->transactions;
    while (at != NULL && at->request != request) {
        at = at->next;
    }
    return at;
}

static amqpc_status keep_id(amqpc_transaction *transaction, amqpc_bytes id)
{
    const amqpc_allocator *allocator = &transaction->controller->client->allocator;
    void *copy = amqpci_new(allocator, id.size + 1); /* an id may be empty */
    if (copy == NULL) {
        return AMQPC_NO_MEMORY;
    }
    if (id.size > 0) {
        memcpy(copy, id.data, id.size);
    }
    transaction->id = (amqpc_bytes){copy, id.size};
    return AMQPC_OK;
}

/* It was refused: why, in the peer's words where there are some. */
static void end_refused(amqpc_transaction *transaction, amqpc_status status,
                        const amqpc_update *update)
{
    amqpc_rejected rejected;
    bool says_why = update->state_type == AMQPC_COMPOSITE_REJECTED &&
                    amqpc_rejected_from_value(&update->state, NULL, &rejected) == AMQPC_OK &&
                    rejected.present & AMQPC_REJECTED_ERROR;
    end(transaction, status == AMQPC_NOT_FOUND ? AMQPC_PEER_ERROR : status, NULL);
    if (says_why) {
        amqpci_client_error_of_peer(&transaction->error, transaction->error.status,
                                    transaction->controller->client->attempts.address,
                                    &rejected.error);
    }
}

/* There was no memory for the state with its fields. */
static bool is_cut(const amqpc_update *update)
{
    return update->state.type == AMQPC_TYPE_NULL &&
           (update->state_type == AMQPC_COMPOSITE_DECLARED ||
            update->state_type == AMQPC_COMPOSITE_REJECTED);
}

static void take_answer(amqpc_transaction *transaction, const amqpc_update *update)
{
    bool declares = transaction->phase == AMQPCI_TRANSACTION_DECLARING;
    amqpc_bytes id = {NULL, 0};
    amqpc_status status = AMQPC_NO_MEMORY;
    if (!is_cut(update)) {
        status = declares ? amqpc_update_declared(update, &id) : amqpc_update_discharged(update);
    }
    if (status == AMQPC_OK && declares) {
        status = keep_id(transaction, id);
    }
    transaction->request = 0;
    if (status != AMQPC_OK) {
        end_refused(transaction, status, update);
    } else if (declares) {
        transaction->phase = AMQPCI_TRANSACTION_DECLARED;
    } else {
        end(transaction, AMQPC_OK, NULL);
    }
}

static void take_completion(const amqpc_controller *controller, const amqpc_completion *completion)
{
    amqpc_transaction *transaction = find(controller, completion->context);
    amqpc_update update = {.state_type = completion->state_type, .settled = true};
    if (transaction == NULL) {
        return; /* it went with an earlier connection */
    }
    if (completion->state.size == 0 ||
        amqpc_value_decode(completion->state.data, completion->state.size, NULL, &update.state,
                           NULL) != AMQPC_OK) {
        update.state.type = AMQPC_TYPE_NULL;
    }
    take_answer(transaction, &update);
}

static void take_answers(amqpc_controller *controller)
{
    amqpc_completion completions[TAKEN_AT_ONCE];
    size_t count = 0;
    while ((count = amqpci_completions_take(&controller->sender->completions, completions,
                                            TAKEN_AT_ONCE)) > 0) {
        for (size_t i = 0; i < count; i++) {
            take_completion(controller, &completions[i]);
        }
    }
}

/* --- The link has gone, and the peer's transactions with it. */

static void lose(amqpc_transaction *transaction)
{
    transaction->request = 0;
    switch (transaction->phase) {
    case AMQPCI_TRANSACTION_DECLARING:
        transaction->phase = AMQPCI_TRANSACTION_NEW; /* nothing has happened in it yet */
        break;
    case AMQPCI_TRANSACTION_DECLARED:
        end(transaction, AMQPC_TRANSACTION_ROLLBACK, "the connection, or the link, was lost");
        break;
    case AMQPCI_TRANSACTION_DISCHARGING:
        end(transaction, transaction->fails ? AMQPC_TRANSACTION_ROLLBACK : AMQPC_DISCONNECTED,
            "before the answer to the discharge");
        break;
    default:
        break;
    }
}

/* What can never be declared any more. */
static void end_new(amqpc_controller *controller)
{
    const amqpci_client_link *link = &controller->sender->base;
    amqpc_status status = amqpci_client_link_end_status(link);
    for (amqpc_transaction *at = controller->transactions; at != NULL; at = at->next) {
        if (at->phase == AMQPCI_TRANSACTION_NEW) {
            end(at, status, NULL);
            at->error = link->phase == AMQPCI_LINK_FAILED ? link->error : at->error;
        }
    }
}

static void check_link(amqpc_controller *controller)
{
    const amqpci_client_link *link = &controller->sender->base;
    bool attached = link->phase == AMQPCI_LINK_OPEN || link->phase == AMQPCI_LINK_CLOSING;
    if (!attached || controller->attachment != link->attachments) {
        for (amqpc_transaction *at = controller->transactions; at != NULL; at = at->next) {
            lose(at);
        }
    }
    controller->attachment = link->attachments;
    if (amqpci_client_link_is_over(link)) {
        end_new(controller);
    }
}

static void free_abandoned(amqpc_controller *controller)
{
    amqpc_transaction *next = NULL;
    for (amqpc_transaction *at = controller->transactions; at != NULL; at = next) {
        next = at->next;
        if (at->is_abandoned && at->phase == AMQPCI_TRANSACTION_OVER) {
            amqpci_transaction_destroy(at);
        }
    }
}

void amqpci_controller_take_news(void *owner)
{
    amqpc_controller *controller = (amqpc_controller *)owner;
    if (controller->sender == NULL) {
        return; /* it is about to be freed */
    }
    take_answers(controller);
    check_link(controller);
    amqpci_ignore(amqpci_controller_send_due(controller)); /* whoever waits tries again */
    free_abandoned(controller);
}

/* --- Making and freeing. */

void amqpci_transaction_destroy(amqpc_transaction *transaction)
{
    const amqpc_allocator *allocator = &transaction->controller->client->allocator;
    amqpc_transaction **at = &transaction->controller->transactions;
    while (*at != transaction) {
        at = &(*at)->next;
    }
    *at = transaction->next;
    amqpci_release(allocator, (void *)(uintptr_t)transaction->id.data);
    amqpci_release(allocator, transaction);
}

static amqpc_status make(amqpc_controller *controller, amqpc_transaction **transaction)
{
    amqpc_status status = amqpci_client_link_end_status(&controller->sender->base);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpc_transaction *made =
        (amqpc_transaction *)amqpci_new(&controller->client->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->controller = controller;
    made->next = controller->transactions;
    controller->transactions = made;
    status = amqpci_controller_send_due(controller);
    if (status != AMQPC_OK && made->phase == AMQPCI_TRANSACTION_NEW) {
        amqpci_transaction_destroy(made);
        return status;
    }
    *transaction = made;
    return AMQPC_OK;
}

amqpc_status amqpc_transaction_new(amqpc_controller *controller, amqpc_transaction **transaction)
{
    amqpc_status status = amqpci_client_enter(controller->client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = make(controller, transaction);
    amqpci_client_leave(controller->client);
    return status;
}

void amqpc_transaction_free(amqpc_transaction *transaction)
{
    amqpc_client *client = transaction == NULL ? NULL : transaction->controller->client;
    if (client == NULL || amqpci_client_enter(client) != AMQPC_OK) {
        return;
    }
    bool untold = transaction->phase == AMQPCI_TRANSACTION_NEW ||
                  transaction->phase == AMQPCI_TRANSACTION_OVER;
    if (untold) {
        amqpci_transaction_destroy(transaction);
    } else {
        transaction->is_abandoned = true;
        transaction->fails = transaction->fails || !transaction->is_asked;
        transaction->is_asked = true;
        amqpci_ignore(amqpci_controller_send_due(transaction->controller));
    }
    amqpci_client_leave(client);
}

/* --- Waiting. */

amqpc_status amqpci_transaction_check(const amqpc_transaction *transaction)
{
    if (transaction->phase == AMQPCI_TRANSACTION_OVER && transaction->error.status != AMQPC_OK) {
        return transaction->error.status;
    }
    if (transaction->is_asked) {
        return AMQPC_INVALID_STATE;
    }
    return transaction->phase == AMQPCI_TRANSACTION_DECLARED ? AMQPC_OK : AMQPC_NOT_FOUND;
}

/* Whether there is an answer, or something to send that can be sent. */
static bool is_declared_or_due(const void *object)
{
    const amqpc_transaction *transaction = (const amqpc_transaction *)object;
    return amqpci_transaction_check(transaction) != AMQPC_NOT_FOUND ||
           (has_due(transaction) && may_send(transaction->controller));
}

static bool is_over_or_due(const void *object)
{
    const amqpc_transaction *transaction = (const amqpc_transaction *)object;
    return transaction->phase == AMQPCI_TRANSACTION_OVER ||
           (has_due(transaction) && may_send(transaction->controller));
}

amqpc_status amqpci_transaction_wait(amqpc_transaction *transaction, uint64_t deadline_ms)
{
    amqpc_status status = AMQPC_OK;
    amqpc_status found = AMQPC_OK;
    while (status == AMQPC_OK &&
           (found = amqpci_transaction_check(transaction)) == AMQPC_NOT_FOUND) {
        status = amqpci_controller_send_due(transaction->controller);
        if (status == AMQPC_OK) {
            status = amqpci_client_wait(transaction->controller->client, deadline_ms,
                                        is_declared_or_due, transaction);
        }
    }
    return status == AMQPC_OK ? found : status;
}

amqpc_status amqpc_transaction_wait_declared(amqpc_transaction *transaction, int64_t timeout_ms)
{
    amqpc_client *client = transaction->controller->client;
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_transaction_wait(transaction, amqpci_deadline(timeout_ms));
    amqpci_client_leave(client);
    return status;
}

static amqpc_status discharge(amqpc_transaction *transaction, bool fail, uint64_t deadline_ms)
{
    amqpc_client *client = transaction->controller->client;
    amqpc_status status = AMQPC_OK;
    if (transaction->is_asked && transaction->fails != fail) {
        return AMQPC_INVALID_STATE;
    }
    transaction->is_asked = true;
    transaction->fails = fail;
    if (transaction->phase == AMQPCI_TRANSACTION_NEW && fail) {
        end(transaction, AMQPC_OK, NULL); /* the peer has not heard of it */
    }
    amqpci_driver_look_again(client); /* others may wait to post in it */
    while (status == AMQPC_OK && transaction->phase != AMQPCI_TRANSACTION_OVER) {
        status = amqpci_controller_send_due(transaction->controller);
        if (status == AMQPC_OK) {
            status = amqpci_client_wait(client, deadline_ms, is_over_or_due, transaction);
        }
    }
    /* However it has ended, nothing of it has happened where that was wanted. */
    return status == AMQPC_OK && !fail ? transaction->error.status : status;
}

amqpc_status amqpc_transaction_discharge(amqpc_transaction *transaction, bool fail,
                                         int64_t timeout_ms)
{
    amqpc_client *client = transaction->controller->client;
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = discharge(transaction, fail, amqpci_deadline(timeout_ms));
    amqpci_client_leave(client);
    return status;
}

/* --- What is known. */

amqpc_status amqpc_transaction_id(amqpc_transaction *transaction, amqpc_bytes *txn_id)
{
    amqpc_status status = amqpci_client_enter(transaction->controller->client);
    if (status != AMQPC_OK) {
        return status;
    }
    if (transaction->id.data == NULL) {
        status = AMQPC_NOT_FOUND;
    } else {
        *txn_id = transaction->id;
    }
    amqpci_client_leave(transaction->controller->client);
    return status;
}

amqpc_status amqpc_transaction_get_error(amqpc_transaction *transaction, amqpc_client_error *error)
{
    amqpc_status status = amqpci_client_enter(transaction->controller->client);
    if (status != AMQPC_OK) {
        return status;
    }
    if (transaction->error.status == AMQPC_OK) {
        status = AMQPC_NOT_FOUND;
    } else {
        *error = transaction->error;
    }
    amqpci_client_leave(transaction->controller->client);
    return status;
}
