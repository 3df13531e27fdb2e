/* The calls that senders and receivers have in common. */
#include "client/client_link.h"

#include <string.h>

static bool is_open_or_over(const void *object)
{
    const amqpci_client_link *link = (const amqpci_client_link *)object;
    return link->phase == AMQPCI_LINK_OPEN || link->phase >= AMQPCI_LINK_CLOSING;
}

amqpc_status amqpci_client_link_wait_open(amqpci_client_link *link, int64_t timeout_ms)
{
    amqpc_client *client = link->client;
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_client_wait(client, amqpci_deadline(timeout_ms), is_open_or_over, link);
    if (status == AMQPC_OK) {
        status = amqpci_client_link_end_status(link);
    }
    amqpci_client_leave(client);
    return status;
}

static bool is_over(const void *object)
{
    return amqpci_client_link_is_over((const amqpci_client_link *)object);
}

void amqpci_client_link_begin_close(amqpci_client_link *link, bool leaves)
{
    bool attached = link->phase >= AMQPCI_LINK_ATTACHING && link->phase <= AMQPCI_LINK_PAUSING;
    if (link->phase >= AMQPCI_LINK_CLOSING) {
        return;
    }
    link->is_left = leaves;
    if (!attached) {
        amqpci_client_link_end_or_tell(link);
    } else if (amqpc_link_detach(link->link, !leaves, NULL) == AMQPC_OK) {
        link->phase = AMQPCI_LINK_CLOSING;
    } else {
        amqpci_client_link_end(link, NULL);
    }
    if (link->phase == AMQPCI_LINK_UNTOLD && link->client->is_carrying) {
        amqpci_client_link_tell(link);
    }
}

amqpc_status amqpci_client_link_close(amqpci_client_link *link, bool leaves, int64_t timeout_ms)
{
    amqpc_client *client = link->client;
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    amqpci_client_link_begin_close(link, leaves);
    amqpci_client_send_soon(client);
    amqpci_driver_look_again(client);
    status = amqpci_client_wait(client, amqpci_deadline(timeout_ms), is_over, link);
    amqpci_client_leave(client);
    return status;
}

amqpc_status amqpci_client_link_get_error(amqpci_client_link *link, amqpc_client_error *error)
{
    amqpc_status status = amqpci_client_enter(link->client);
    if (status != AMQPC_OK) {
        return status;
    }
    if (link->phase == AMQPCI_LINK_FAILED) {
        *error = link->error;
    } else if (link->phase == AMQPCI_LINK_CLOSED) {
        amqpci_client_error_set(error, AMQPC_CLOSED, NULL, NULL);
    } else {
        status = AMQPC_NOT_FOUND;
    }
    amqpci_client_leave(link->client);
    return status;
}

amqpc_status amqpci_client_link_read_address(const amqpci_client_link *link, amqpc_bytes *address)
{
    amqpc_source source;
    amqpc_target target;
    amqpc_status status = AMQPC_NOT_FOUND;
    uint32_t present = 0;
    if (link->phase != AMQPCI_LINK_OPEN) {
        return status;
    }
    if (link->kind->role == AMQPC_ROLE_RECEIVER) {
        status = amqpc_link_remote_source(link->link, &source);
        present = status == AMQPC_OK ? source.present & AMQPC_SOURCE_ADDRESS : 0;
        *address = present != 0 ? source.address : (amqpc_bytes){NULL, 0};
    } else {
        status = amqpc_link_remote_target(link->link, &target);
        present = status == AMQPC_OK ? target.present & AMQPC_TARGET_ADDRESS : 0;
        *address = present != 0 ? target.address : (amqpc_bytes){NULL, 0};
    }
    return present != 0 ? AMQPC_OK : AMQPC_NOT_FOUND;
}

amqpc_status amqpci_client_link_address(amqpci_client_link *link, char *data, size_t capacity)
{
    amqpc_bytes address;
    amqpc_status status = amqpci_client_enter(link->client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_client_link_read_address(link, &address);
    if (status == AMQPC_OK && address.size >= capacity) {
        status = AMQPC_BUFFER_FULL;
    }
    if (status == AMQPC_OK) {
        memcpy(data, address.data, address.size);
        data[address.size] = '\0';
    }
    amqpci_client_leave(link->client);
    return status;
}

void amqpci_client_link_free(amqpci_client_link *link)
{
    amqpc_client *client = link->client;
    if (amqpci_client_enter(client) != AMQPC_OK) {
        return; /* of the process that forked this one: amqpc_client_free frees it */
    }
    amqpci_client_link_destroy(link);
    amqpci_client_send_soon(client);
    amqpci_driver_look_again(client);
    amqpci_client_leave(client);
}
