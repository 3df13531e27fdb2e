/* Controllers: a sender whose target is the peer's coordinator (AMQP 4.5.1), and the transactions
 * that it declares. */
#include "client/controller.h"

#include <string.h>

#include "base/memory.h"

void amqpc_controller_options_init(amqpc_controller_options *options, size_t struct_size)
{
    amqpc_controller_options defaults = {.struct_size = struct_size};
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* --- Making and freeing. */

/* The source takes the outcomes accepted and rejected, so that what goes wrong comes as an outcome
 * (AMQP 4.2), and not by the end of the link. */
static amqpc_status make_sender(amqpc_controller *controller,
                                const amqpc_controller_options *options)
{
    static const amqpc_bytes outcomes[] = {{"amqp:accepted:list", sizeof "amqp:accepted:list" - 1},
                                           {"amqp:rejected:list", sizeof "amqp:rejected:list" - 1}};
    amqpc_source source = {.present = AMQPC_SOURCE_OUTCOMES};
    source.outcomes.count = sizeof outcomes / sizeof outcomes[0];
    source.outcomes.items = outcomes;
    amqpc_sender_options chosen;
    amqpc_sender_options_init(&chosen, sizeof chosen);
    chosen.name = options->name;
    chosen.source = &source;
    chosen.guarantee = AMQPC_ONCE_OR_UNKNOWN; /* a declare, or discharge, is for one connection */
    const char *wanted = options->capabilities == NULL ? "" : options->capabilities;
    amqpc_status status =
        amqpci_client_sender_make(controller->client, NULL, &chosen, wanted, &controller->sender);
    if (status == AMQPC_OK) {
        controller->sender->base.notify = amqpci_controller_take_news;
        controller->sender->base.owner = controller;
    }
    return status;
}

void amqpci_controller_destroy(amqpc_controller *controller)
{
    amqpc_client *client = controller->client;
    amqpc_controller **at = &client->first_controller;
    while (*at != controller) {
        at = &(*at)->next;
    }
    *at = controller->next;
    amqpc_sender *sender = controller->sender;
    controller->sender = NULL;
    if (sender != NULL) {
        amqpci_client_link_destroy(&sender->base);
    }
    while (controller->transactions != NULL) {
        amqpci_transaction_destroy(controller->transactions);
    }
    amqpci_release(&client->allocator, controller);
}

static amqpc_status make(amqpc_client *client, const amqpc_controller_options *options,
                         amqpc_controller **controller)
{
    amqpc_controller *made = (amqpc_controller *)amqpci_new(&client->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->client = client;
    made->next = client->first_controller;
    client->first_controller = made;
    amqpc_status status = make_sender(made, options);
    if (status != AMQPC_OK) {
        amqpci_controller_destroy(made);
        return status;
    }
    *controller = made;
    return AMQPC_OK;
}

amqpc_status amqpc_controller_new(amqpc_client *client, const amqpc_controller_options *options,
                                  amqpc_controller **controller)
{
    amqpc_controller_options chosen;
    amqpc_controller_options_init(&chosen, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    }
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = make(client, &chosen, controller);
    amqpci_client_leave(client);
    return status;
}

void amqpc_controller_free(amqpc_controller *controller)
{
    amqpc_client *client = controller == NULL ? NULL : controller->client;
    if (client == NULL || amqpci_client_enter(client) != AMQPC_OK) {
        return;
    }
    amqpci_controller_destroy(controller);
    amqpci_client_send_soon(client);
    amqpci_client_leave(client);
}

/* --- As a link. */

amqpc_status amqpc_controller_wait_open(amqpc_controller *controller, int64_t timeout_ms)
{
    return amqpci_client_link_wait_open(&controller->sender->base, timeout_ms);
}

amqpc_status amqpc_controller_get_error(amqpc_controller *controller, amqpc_client_error *error)
{
    return amqpci_client_link_get_error(&controller->sender->base, error);
}

amqpc_status amqpc_controller_close(amqpc_controller *controller, int64_t timeout_ms)
{
    return amqpci_client_link_close(&controller->sender->base, false, timeout_ms);
}
