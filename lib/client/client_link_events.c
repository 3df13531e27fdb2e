/* What the peer does with a link: it attaches it, refuses it, or detaches it (AMQP 2.6.3 to 2.6.6).
 */
#include "client/client_link.h"

#include <stdio.h>
#include <string.h>

#include "engine/link.h"

void amqpci_client_link_take_attach(amqpci_client_link *link)
{
    if (amqpc_link_is_refused(link->link)) {
        return; /* detach follows, with the reason */
    }
    if (link->phase == AMQPCI_LINK_UNTOLD) {
        link->phase = AMQPCI_LINK_OPEN;
        amqpci_client_link_begin_close(link, false);
    }
    if (link->phase != AMQPCI_LINK_ATTACHING) {
        return;
    }
    link->phase = AMQPCI_LINK_OPEN;
    link->is_anew = false;
    link->opened_ms = amqpc_now_ms();
    link->attachments++;
    link->kind->attached(link);
    amqpci_client_link_notify(link);
}

static void place_of(const amqpci_client_link *link, char *text, size_t capacity)
{
    amqpc_bytes name = amqpc_link_name(link->link);
    (void)snprintf(text, capacity, "%s, link %.*s", link->client->attempts.address,
                   (int)(name.size < 128 ? name.size : 128), (const char *)name.data);
}

static void describe(const amqpci_client_link *link, amqpc_client_error *error)
{
    char place[512];
    amqpc_error said;
    amqpc_status status = amqpc_link_is_refused(link->link) ? AMQPC_LINK_REFUSED : AMQPC_LINK_ENDED;
    place_of(link, place, sizeof place);
    if (amqpc_link_error(link->link, &said) == AMQPC_OK) {
        amqpci_client_error_of_peer(error, status, place, &said);
    } else {
        amqpci_client_error_set(error, status, place, NULL);
    }
}

/* A link whose attachments do not last is attached again ever more slowly. */
static uint32_t next_delay(amqpci_client_link *link, uint64_t now_ms)
{
    uint32_t least_ms = link->client->settings->options.reconnect_delay_ms;
    uint64_t open_ms = now_ms - link->opened_ms;
    if (link->opened_ms != 0 && open_ms >= least_ms && open_ms >= link->delay_ms) {
        link->attempts = 0;
    }
    link->delay_ms = amqpci_client_delay(link->client, link->attempts);
    link->attempts++;
    return link->delay_ms;
}

/* The link is over, and the program is told. */
static void fail(amqpci_client_link *link, const amqpc_client_error *error)
{
    char name[256];
    amqpc_bytes bytes = amqpc_link_name(link->link);
    (void)snprintf(name, sizeof name, "%.*s", (int)(bytes.size < 255 ? bytes.size : 255),
                   (const char *)bytes.data);
    amqpci_client_tell(link->client, AMQPC_CLIENT_EVENT_LINK_FAILED, name, 0, error);
    amqpci_client_link_end(link, error);
}

void amqpci_client_link_retry_or_end(amqpci_client_link *link, const amqpc_client_error *error)
{
    amqpc_client *client = link->client;
    if (!client->settings->options.reconnect || amqpci_client_error_is_final(error)) {
        fail(link, error);
        return;
    }
    uint64_t now_ms = amqpc_now_ms();
    link->phase = AMQPCI_LINK_RETRYING;
    link->retry_ms = now_ms + next_delay(link, now_ms);
    if (link->retry_ms < client->links_due_ms) {
        client->links_due_ms = link->retry_ms;
    }
    amqpci_client_link_notify(link);
}

bool amqpci_client_link_take_forgetful(const amqpci_client_link *link,
                                       const amqpc_client_error *error)
{
    bool forgetful = link->phase == AMQPCI_LINK_ATTACHING && !link->link->without_map &&
                     amqpc_link_unsettled_count(link->link) > 0 &&
                     strcmp(error->condition, "amqp:not-implemented") == 0;
    link->client->is_forgetful = link->client->is_forgetful || forgetful;
    return forgetful;
}

/* Whether the peer may want the link again: not where it has closed it without saying why, nor
 * where it has refused it from the first. A link that was there before may be refused for a while
 * only, as where the broker still takes the lost connection for alive. */
static bool is_wanted(const amqpci_client_link *link, const amqpc_client_error *error)
{
    bool says_why = error->condition[0] != '\0';
    return amqpc_link_is_refused(link->link) ? says_why && link->attachments > 0
                                             : says_why || !amqpc_link_is_closed(link->link);
}

/* Whether the link is attached again, at once or after a while. */
static bool comes_back(const amqpci_client_link *link, const amqpc_client_error *error)
{
    bool may = link->client->settings->options.reconnect && !amqpci_client_error_is_final(error);
    return link->phase >= AMQPCI_LINK_ATTACHING && link->phase <= AMQPCI_LINK_PAUSING && may &&
           is_wanted(link, error);
}

/* A peer that closes a link forgets what came by it: what has no outcome is sent again by the next
 * one, where the sender may do so. Gives it, or NULL. AMQPC_NO_MEMORY. */
static amqpc_status export_unsettled(const amqpci_client_link *link,
                                     const amqpc_client_error *error, amqpc_buffer **unsettled)
{
    const amqpc_link *at = link->link;
    bool sends_again = link->kind->role == AMQPC_ROLE_SENDER && !at->sends_once;
    if (!sends_again || !amqpc_link_is_closed(at) || amqpc_link_unsettled_count(at) == 0 ||
        !comes_back(link, error)) {
        return AMQPC_OK;
    }
    amqpc_buffer *buffer = NULL;
    amqpc_status status = amqpc_buffer_new(&link->client->allocator, SIZE_MAX, &buffer);
    if (status == AMQPC_OK) {
        status = amqpc_link_export(at, buffer);
    }
    if (status != AMQPC_OK) {
        amqpc_buffer_free(buffer);
        return status;
    }
    *unsettled = buffer;
    return AMQPC_OK;
}

/* The link goes on as another one of the engine, with what was unsettled. Where there is no memory
 * for that, it stays with the closed one, whose outcomes are unknown. */
static void import_unsettled(amqpci_client_link *link, const amqpc_buffer *unsettled)
{
    amqpc_link *before = link->link;
    amqpc_link *made = NULL;
    amqpc_status status =
        amqpci_client_link_make(link, amqpc_link_session(before), amqpc_link_name(before), &made);
    if (status != AMQPC_OK) {
        return;
    }
    made->epoch = 0; /* the export brings it along */
    status = amqpc_link_import(made, amqpc_buffer_data(unsettled), amqpc_buffer_size(unsettled));
    if (status != AMQPC_OK) {
        amqpc_link_free(made);
        return;
    }
    link->link = made;
    link->is_anew = true;
    amqpc_link_set_context(made, link);
    amqpc_link_set_context(before, NULL);
    link->kind->moved(link, before);
    amqpc_link_free(before);
}

/* Answers the peer's detach. AMQPC_NO_MEMORY. */
static amqpc_status answer_detach(amqpci_client_link *link, const amqpc_client_error *error)
{
    amqpc_buffer *unsettled = NULL;
    amqpc_status status = link->kind->settle_up(link);
    if (status == AMQPC_OK) {
        status = export_unsettled(link, error, &unsettled);
    }
    if (status == AMQPC_OK) {
        status = amqpc_link_detach(link->link, amqpc_link_is_closed(link->link), NULL);
    }
    if (status == AMQPC_OK && unsettled != NULL) {
        import_unsettled(link, unsettled);
    }
    amqpc_buffer_free(unsettled);
    return status;
}

void amqpci_client_link_take_detach(amqpci_client_link *link)
{
    amqpc_client *client = link->client;
    amqpc_client_error error;
    uint8_t phase = link->phase;
    describe(link, &error);
    bool closed = amqpc_link_is_closed(link->link);
    bool wanted = is_wanted(link, &error);
    amqpc_status status = answer_detach(link, &error);
    if (status == AMQPC_NO_MEMORY) {
        amqpci_client_error_set(&error, status, client->attempts.address, NULL);
        amqpci_client_disconnected(client, &error);
        return;
    }
    if (phase == AMQPCI_LINK_CLOSING || phase == AMQPCI_LINK_UNTOLD) {
        amqpci_client_link_end(link, NULL);
    } else if (phase == AMQPCI_LINK_PAUSING && !closed) {
        amqpci_client_link_attach(link);
    } else if (!wanted) {
        fail(link, &error);
    } else if (phase >= AMQPCI_LINK_ATTACHING && phase <= AMQPCI_LINK_PAUSING) {
        amqpci_client_link_retry_or_end(link, &error);
    }
}
