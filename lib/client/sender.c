/* Senders: making them, and their flow (AMQP 2.6.7). */
#include "client/sender.h"

#include <string.h>

#include "base/memory.h"
#include "engine/link.h"

void amqpc_sender_options_init(amqpc_sender_options *options, size_t struct_size)
{
    amqpc_sender_options defaults = {
        .struct_size = struct_size, .guarantee = AMQPC_AT_LEAST_ONCE, .window = 1000};
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* --- As a link. */

static amqpc_status settle_up(amqpci_client_link *link)
{
    amqpc_sender *sender = (amqpc_sender *)link;
    amqpci_sender_take_updates(sender);
    if (amqpci_client_link_is_over(link)) {
        amqpci_sender_end_all(sender);
    }
    return AMQPC_OK;
}

static void moved(amqpci_client_link *link, const amqpc_link *from)
{
    (void)from;
    link->link->sends_once = ((amqpc_sender *)link)->guarantee != AMQPC_AT_LEAST_ONCE;
}

/* Where the two ends could not say all that is unsettled, nothing new can be sent until what was
 * said is done with, and the link attached again (AMQP 2.7.3). */
static void pause_where_incomplete(amqpci_client_link *link)
{
    const amqpc_link *at = link->link;
    bool incomplete = at->map_incomplete || at->remote_map_incomplete;
    if (AMQPCI_UNLIKELY(incomplete) && link->phase == AMQPCI_LINK_OPEN &&
        at->resuming.first == NULL && at->resumed_count == 0) {
        amqpci_client_link_pause(link);
    }
}

static void attached(amqpci_client_link *link)
{
    pause_where_incomplete(link);
}

static void ended(amqpci_client_link *link)
{
    amqpci_sender_end_all((amqpc_sender *)link);
}

static void free_waits(const amqpc_client *client, amqpci_send_wait *waits)
{
    while (waits != NULL) {
        amqpci_send_wait *next = waits->next;
        amqpci_release(&client->allocator, waits);
        waits = next;
    }
}

static void release(amqpci_client_link *link)
{
    amqpc_sender *sender = (amqpc_sender *)link;
    free_waits(link->client, sender->waits);
    free_waits(link->client, sender->spare_waits);
    amqpci_completions_clean_up(&sender->completions);
    amqpci_release(&link->client->allocator, sender);
}

static const amqpci_link_kind sender_kind = {
    .role = AMQPC_ROLE_SENDER,
    .settle_up = settle_up,
    .moved = moved,
    .attached = attached,
    .ended = ended,
    .release = release,
};

/* --- Making. */

static bool options_of(const amqpc_sender_options *given, amqpc_sender_options *options)
{
    amqpc_sender_options_init(options, sizeof *options);
    if (given != NULL) {
        size_t size = given->struct_size;
        memcpy(options, given, size < sizeof *options ? size : sizeof *options);
    }
    return options->guarantee <= AMQPC_EXACTLY_ONCE && options->window > 0 &&
           options->window <= AMQPCI_CLIENT_UNSETTLED_MAX;
}

static void fill_terms(const char *address, const amqpc_sender_options *options,
                       amqpci_link_terms *terms)
{
    bool settled = options->guarantee == AMQPC_AT_MOST_ONCE;
    bool second = options->guarantee == AMQPC_EXACTLY_ONCE;
    *terms = (amqpci_link_terms){
        .role = AMQPC_ROLE_SENDER,
        .name = options->name,
        .address = address,
        .source = options->source,
        .target = options->target,
        .properties = options->properties,
        .capabilities = options->capabilities,
        .snd_settle_mode =
            settled ? AMQPC_SENDER_SETTLE_MODE_SETTLED : AMQPC_SENDER_SETTLE_MODE_UNSETTLED,
        .rcv_settle_mode =
            second ? AMQPC_RECEIVER_SETTLE_MODE_SECOND : AMQPC_RECEIVER_SETTLE_MODE_FIRST,
    };
}

amqpc_status amqpci_client_sender_make(amqpc_client *client, const char *address,
                                       const amqpc_sender_options *options, const char *coordinator,
                                       amqpc_sender **sender)
{
    amqpci_link_terms terms;
    if (client->state == AMQPC_CLIENT_CLOSING || client->state == AMQPC_CLIENT_CLOSED) {
        return AMQPC_INVALID_STATE;
    }
    amqpc_sender *made = (amqpc_sender *)amqpci_new(&client->allocator, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    fill_terms(address, options, &terms);
    terms.coordinator = coordinator;
    amqpc_status status = amqpci_client_link_terms_encode(client, &terms, &made->base.terms);
    if (status != AMQPC_OK) {
        amqpci_release(&client->allocator, made);
        return status;
    }
    made->base.kind = &sender_kind;
    made->base.client = client;
    made->guarantee = options->guarantee;
    made->window = options->window;
    amqpc_send_options_init(&made->options, sizeof made->options);
    made->options.settled = options->guarantee == AMQPC_AT_MOST_ONCE;
    amqpci_completions_init(&made->completions, &client->allocator);
    amqpci_client_link_start(&made->base);
    *sender = made;
    return AMQPC_OK;
}

amqpc_status amqpc_sender_new(amqpc_client *client, const char *address,
                              const amqpc_sender_options *options, amqpc_sender **sender)
{
    amqpc_sender_options chosen;
    if (!options_of(options, &chosen)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_client_enter(client);
    if (status != AMQPC_OK) {
        return status;
    }
    status = amqpci_client_sender_make(client, address, &chosen, NULL, sender);
    amqpci_client_leave(client);
    return status;
}

/* --- Flow. */

static bool is_output_full(const amqpc_connection *connection)
{
    return connection->output.size + connection->pending_size >= connection->output_size_max;
}

/* The engine would take messages beyond the session's window, and keep them; but each costs more
 * then, and goes out no sooner. */
static bool is_window_open(const amqpc_session *session)
{
    return session->remote_window > 0 && session->pending.first == NULL;
}

bool amqpci_sender_may_post(const void *object)
{
    const amqpc_sender *sender = (const amqpc_sender *)object;
    const amqpc_link *link = sender->base.link;
    if (AMQPCI_UNLIKELY(sender->base.phase != AMQPCI_LINK_OPEN)) {
        return sender->base.phase >= AMQPCI_LINK_CLOSING;
    }
    return link->credit > 0 && sender->posted + sender->awaited < sender->window &&
           is_window_open(link->session) && !is_output_full(link->connection);
}

void amqpci_sender_answer_drain(amqpc_sender *sender)
{
    amqpc_link *link = sender->base.link;
    if (sender->base.phase == AMQPCI_LINK_OPEN && link->drain &&
        (sender->posters == 0 || link->credit == 0)) {
        amqpci_ignore(amqpc_link_drained(link)); /* it is a sender's */
    }
}

void amqpci_sender_take_flow(amqpc_sender *sender)
{
    amqpci_sender_answer_drain(sender);
    pause_where_incomplete(&sender->base);
}

uint32_t amqpc_sender_credit(amqpc_sender *sender)
{
    uint32_t credit = 0;
    if (amqpci_client_enter(sender->base.client) != AMQPC_OK) {
        return 0;
    }
    uint32_t used = sender->posted + sender->awaited;
    if (sender->base.phase == AMQPCI_LINK_OPEN && used < sender->window) {
        uint32_t room = sender->window - used;
        credit = sender->base.link->credit < room ? sender->base.link->credit : room;
    }
    amqpci_client_leave(sender->base.client);
    return credit;
}

/* --- What senders and receivers have in common. */

amqpc_status amqpc_sender_wait_open(amqpc_sender *sender, int64_t timeout_ms)
{
    return amqpci_client_link_wait_open(&sender->base, timeout_ms);
}

amqpc_status amqpc_sender_address(amqpc_sender *sender, char *data, size_t capacity)
{
    return amqpci_client_link_address(&sender->base, data, capacity);
}

amqpc_status amqpc_sender_get_error(amqpc_sender *sender, amqpc_client_error *error)
{
    return amqpci_client_link_get_error(&sender->base, error);
}

amqpc_status amqpc_sender_close(amqpc_sender *sender, int64_t timeout_ms)
{
    return amqpci_client_link_close(&sender->base, false, timeout_ms);
}

amqpc_status amqpc_sender_detach(amqpc_sender *sender, int64_t timeout_ms)
{
    return amqpci_client_link_close(&sender->base, true, timeout_ms);
}

void amqpc_sender_free(amqpc_sender *sender)
{
    if (sender != NULL) {
        amqpci_client_link_free(&sender->base);
    }
}
