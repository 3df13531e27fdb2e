/* The player's calls of connections, sessions and links. */
#include "player.h"

#include <string.h>

static amqpc_bytes text(const char *characters)
{
    return (amqpc_bytes){characters, strlen(characters)};
}

/* --- Arguments. */

/* An error, or NULL; rarely one that cannot be encoded. */
static const amqpc_error *some_error(player *self, amqpc_error *error)
{
    uint8_t kind = choose_byte(self->from) % 8;
    *error = (amqpc_error){.present = AMQPC_ERROR_CONDITION | AMQPC_ERROR_DESCRIPTION,
                           .condition = text("amqp:internal-error"),
                           .description = text(kind == 1 ? "\xc3\xa4" : "words")};
    if (kind == 2) {
        error->present = 0;
    } else if (kind == 3) {
        error->description = choose_bytes(self->from, SIZE_MAX);
    }
    return kind < 4 ? error : NULL;
}

/* A map of one symbol, or something that is none. */
static const amqpc_value *some_properties(player *self)
{
    static const amqpc_value items[] = {
        {.type = AMQPC_TYPE_SYMBOL, .as.bytes = {"txn-id", 6}},
        {.type = AMQPC_TYPE_BINARY, .as.bytes = {"id", 2}},
    };
    static const amqpc_value map = {
        .type = AMQPC_TYPE_MAP, .form = AMQPC_FORM_ITEMS, .count = 2, .as.items = items};
    uint8_t kind = choose_byte(self->from) % 4;
    return kind == 0 ? &map : kind == 1 ? &items[0] : NULL;
}

static const amqpc_begin *some_begin(player *self, amqpc_begin *begin)
{
    uint8_t kind = choose_byte(self->from);
    *begin = (amqpc_begin){.present = (kind & 1 ? AMQPC_BEGIN_INCOMING_WINDOW : 0u) |
                                      (kind & 2 ? AMQPC_BEGIN_NEXT_OUTGOING_ID : 0u) |
                                      (kind & 4 ? AMQPC_BEGIN_OUTGOING_WINDOW : 0u)};
    if ((kind & 7) == 0) {
        return NULL;
    }
    begin->incoming_window = choose_number(self->from);
    begin->next_outgoing_id = choose_number(self->from);
    begin->outgoing_window = choose_number(self->from);
    return begin;
}

/* Settle modes, sizes and counts, most of them absent. */
static const amqpc_attach *some_attach(player *self, amqpc_attach *attach)
{
    uint8_t kind = choose_byte(self->from);
    *attach = (amqpc_attach){.snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_MIXED};
    if (kind & 1) {
        attach->present |= AMQPC_ATTACH_SND_SETTLE_MODE;
        attach->snd_settle_mode = (kind >> 1) % 3;
    }
    if (kind & 8) {
        attach->present |= AMQPC_ATTACH_RCV_SETTLE_MODE;
        attach->rcv_settle_mode = (kind >> 4) % 2;
    }
    if (kind & 32) {
        attach->present |= AMQPC_ATTACH_INITIAL_DELIVERY_COUNT;
        attach->initial_delivery_count = choose_number(self->from);
    }
    if (kind & 64) {
        attach->present |= AMQPC_ATTACH_MAX_MESSAGE_SIZE;
        attach->max_message_size = choose_number(self->from);
    }
    return kind & 128 ? NULL : attach;
}

void player_attach(player *self, player_link *link)
{
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = text("here")};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = text("queue")};
    amqpc_attach attach;
    uint8_t kind = choose_byte(self->from) % 8;
    amqpc_status status = amqpc_link_attach(link->link, some_attach(self, &attach),
                                            kind & 1 ? NULL : &source, kind & 2 ? NULL : &target);
    /* Of a peer that used a tag twice the unsettled map cannot be encoded: AMQPC_DUPLICATE_KEY. */
    (void)player_check(self, status,
                       MAY_STATE | MAY_LIMIT | MAY_MEMORY | MAY_ARGUMENT | MAY_ENCODING);
}

/* --- Connections. */

void player_open(player *self)
{
    amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = text("player")};
    uint8_t kind = choose_byte(self->from) % 16;
    if (kind == 1) {
        open.present |= AMQPC_OPEN_HOSTNAME;
        open.hostname = choose_bytes(self->from, SIZE_MAX);
    } else if (kind == 2) {
        open.present = 0;
    }
    (void)player_check(self, amqpc_connection_open(self->connection, &open),
                       MAY_STATE | MAY_MEMORY | MAY_COMPOSITE | MAY_ARGUMENT | MAY_FRAME);
}

void player_answer_sasl(player *self)
{
    static const uint8_t key[64] = {1};
    amqpc_sasl_question question;
    amqpc_bytes data = choose_bytes(self->from, SIZE_MAX);
    amqpc_sasl_verifier verifier = {
        .salt = data, .iterations = 4096, .stored_key = {key, 32}, .server_key = {key, 32}};
    bool asked = amqpc_sasl_question_get(self->connection, &question) == AMQPC_OK;
    amqpc_status status = AMQPC_OK;
    uint8_t code = 0;
    switch (choose_byte(self->from) % 6) {
    case 0:
        status = amqpc_sasl_give_verifier(self->connection, &verifier);
        break;
    case 1:
        status = amqpc_sasl_send_challenge(self->connection, data);
        break;
    case 2:
        status = amqpc_sasl_send_response(self->connection, data);
        break;
    case 3:
        code = choose_byte(self->from) % 6;
        status = amqpc_sasl_finish(self->connection, code, data);
        break;
    default:
        status = amqpc_sasl_finish(self->connection, AMQPC_SASL_CODE_OK, (amqpc_bytes){NULL, 0});
        break;
    }
    FUZZ_CHECK(asked || status != AMQPC_OK);
    (void)player_check(self, status, MAY_STATE | MAY_MEMORY | MAY_ARGUMENT);
    (void)amqpc_sasl_mechanism(self->connection);
    (void)amqpc_sasl_identity(self->connection);
}

static void call_connection(player *self)
{
    char trace[600];
    amqpc_error error;
    uint64_t deadline_ms = 0;
    amqpc_status status = AMQPC_OK;
    switch (choose_byte(self->from) % 16) {
    case 0:
        status = amqpc_connection_close(self->connection, some_error(self, &error));
        (void)player_check(self, status,
                           MAY_STATE | MAY_MEMORY | MAY_ARGUMENT | MAY_COMPOSITE | MAY_FRAME);
        break;
    case 1:
        if (choose_rarely(self->from, 8)) {
            status = amqpc_connection_input_end(self->connection);
            (void)player_check(self, status, MAY_FAIL | MAY_MEMORY);
            self->input_over = true;
        }
        break;
    case 2:
        player_answer_sasl(self);
        break;
    case 3:
        amqpc_connection_trim(self->connection);
        break;
    case 4:
        (void)amqpc_connection_read_trace(self->connection, trace, choose(self->from, 600));
        break;
    case 5:
    case 6:
        self->now_ms += choose(self->from, 2) ? choose(self->from, 65536) : choose(self->from, 64);
        status = amqpc_connection_tick(self->connection, self->now_ms, &deadline_ms);
        (void)player_check(self, status, MAY_MEMORY | MAY_FAIL);
        FUZZ_CHECK(status != AMQPC_OK || deadline_ms > self->now_ms);
        break;
    case 7:
        (void)amqpc_connection_is_finished(self->connection);
        break;
    default:
        player_open(self);
        break;
    }
}

/* --- Sessions. */

static void begin(player *self, amqpc_session *session)
{
    amqpc_begin fields;
    (void)player_check(self, amqpc_session_begin(session, some_begin(self, &fields)),
                       MAY_STATE | MAY_LIMIT | MAY_MEMORY | MAY_ARGUMENT);
}

static void make_session(player *self)
{
    amqpc_session *session = NULL;
    amqpc_status status = amqpc_session_new(self->connection, &session);
    if (player_check(self, status, MAY_STATE | MAY_MEMORY)) {
        session = player_add_session(self, session);
        if (session != NULL) {
            begin(self, session);
        }
    }
}

static void make_link(player *self, amqpc_session *session)
{
    static const char *const names[] = {"a",        "b", "c",    "d",
                                        "\xc3\xa4", "",  "\xff", "a longer name"};
    uint8_t kind = choose_byte(self->from);
    amqpc_link *made = NULL;
    amqpc_status status =
        amqpc_link_new(session, (kind & 1) != 0, text(names[(kind >> 1) % 8]), &made);
    if (player_check(self, status, MAY_STATE | MAY_MEMORY | MAY_ARGUMENT)) {
        player_link *link = player_add_link(self, made);
        if (link != NULL && kind & 32) {
            player_attach(self, link);
        }
    }
}

static void call_session(player *self, amqpc_session *session)
{
    amqpc_error error;
    uint32_t window = 0;
    switch (choose_byte(self->from) % 8) {
    case 0:
        begin(self, session);
        break;
    case 1:
        (void)player_check(self, amqpc_session_end(session, some_error(self, &error)),
                           MAY_STATE | MAY_MEMORY | MAY_ARGUMENT | MAY_COMPOSITE | MAY_FRAME);
        break;
    case 2:
        if (choose_rarely(self->from, 4)) {
            player_free_session(self, session);
        }
        break;
    case 3:
        window = choose_number(self->from);
        (void)player_check(self, amqpc_session_set_incoming_window(session, window), MAY_ARGUMENT);
        break;
    default:
        make_link(self, session);
        break;
    }
}

/* --- Links. */

void player_export(player *self, player_link *link, unsigned number)
{
    amqpc_buffer **place = &self->exports[number];
    if (*place == NULL) {
        FUZZ_CHECK(amqpc_buffer_new(NULL, 1 << 20, place) == AMQPC_OK);
    }
    amqpc_buffer_truncate(*place, 0);
    amqpc_status status = amqpc_link_export(link->link, *place);
    (void)player_check(self, status, MAY_STATE | MAY_MEMORY | MAY_FULL);
    FUZZ_CHECK(status == AMQPC_OK || amqpc_buffer_size(*place) == 0);
}

void player_import(player *self, player_link *link, unsigned number, size_t cut)
{
    const amqpc_buffer *bytes = self->exports[number];
    if (bytes == NULL) {
        return;
    }
    uint32_t before = amqpc_link_unsettled_count(link->link);
    size_t size = amqpc_buffer_size(bytes);
    size -= cut < size ? cut : size;
    const void *data = size == 0 ? (const void *)"" : amqpc_buffer_data(bytes);
    amqpc_status status = amqpc_link_import(link->link, data, size);
    bool is_done = player_check(self, status,
                                MAY_STATE | MAY_MEMORY | MAY_LIMIT | MAY_ENCODING | MAY_COMPOSITE);
    FUZZ_CHECK(is_done || amqpc_link_unsettled_count(link->link) == before);
    link->imported = link->imported || is_done;
}

static void end_link(player *self, player_link *link)
{
    amqpc_error error;
    amqpc_session *session = player_session(self);
    uint8_t kind = choose_byte(self->from) % 8;
    unsigned may = MAY_STATE | MAY_MEMORY | MAY_ARGUMENT | MAY_COMPOSITE | MAY_FRAME | MAY_LIMIT;
    if (kind == 0) {
        player_free_link(self, link);
    } else if (kind == 1) {
        (void)player_check(self, amqpc_link_refuse(link->link, some_error(self, &error)), may);
    } else if (kind == 2 && session != NULL) {
        (void)player_check(self, amqpc_link_move(link->link, session), MAY_STATE);
    } else {
        (void)player_check(
            self, amqpc_link_detach(link->link, (kind & 1) != 0, some_error(self, &error)), may);
    }
}

static void call_flow(player *self, amqpc_link *link)
{
    uint32_t count = choose_number(self->from);
    unsigned wrong_role = MAY_STATE;
    amqpc_status status = AMQPC_OK;
    switch (choose_byte(self->from) % 8) {
    case 0:
        status = amqpc_link_set_prefetch(link, count);
        break;
    case 1:
        status = amqpc_link_drain(link);
        break;
    case 2:
        status = amqpc_link_withdraw_credit(link);
        break;
    case 3:
        status = amqpc_link_set_available(link, count);
        break;
    case 4:
        status = amqpc_link_drained(link);
        break;
    case 5:
        status = amqpc_link_send_flow(link, (count & 1) != 0, some_properties(self));
        wrong_role |= MAY_MEMORY;
        break;
    default:
        status = amqpc_link_add_credit(link, count);
        break;
    }
    (void)player_check(self, status, MAY_ARGUMENT | wrong_role);
}

static void call_link(player *self, player_link *link)
{
    unsigned number = 0;
    size_t cut = 0;
    switch (choose_byte(self->from) % 16) {
    case 0:
        end_link(self, link);
        break;
    case 1:
        player_export(self, link, choose(self->from, PLAYER_EXPORTS));
        break;
    case 2:
        number = choose(self->from, PLAYER_EXPORTS);
        cut = choose_rarely(self->from, 8) ? choose_byte(self->from) : 0;
        player_import(self, link, number, cut);
        break;
    case 3:
    case 4:
        player_attach(self, link);
        break;
    case 5:
    case 6:
    case 7:
        call_flow(self, link->link);
        break;
    case 8:
        player_take_updates(self, link);
        break;
    case 9:
        player_settle(self, link);
        break;
    default:
        if (amqpc_link_role(link->link) == AMQPC_ROLE_SENDER) {
            player_call_sender(self, link);
        } else {
            player_call_receiver(self, link);
        }
        break;
    }
}

void player_call(player *self)
{
    uint8_t kind = choose_byte(self->from) % 16;
    amqpc_session *session = player_session(self);
    player_link *link = player_some_link(self);
    if (kind == 0) {
        call_connection(self);
    } else if (kind == 1) {
        make_session(self);
    } else if (kind < 5 && session != NULL) {
        call_session(self, session);
    } else if (link != NULL) {
        call_link(self, link);
    }
}

void player_set_up(player *self, bool sessions, bool links)
{
    amqpc_session *session = NULL;
    amqpc_link *made = NULL;
    player_open(self);
    if (!sessions || !player_check(self, amqpc_session_new(self->connection, &session),
                                   MAY_STATE | MAY_MEMORY)) {
        return;
    }
    (void)player_add_session(self, session);
    (void)player_check(self, amqpc_session_begin(session, NULL), MAY_STATE | MAY_MEMORY);
    for (unsigned role = 0; role < 2 && links; role++) {
        amqpc_bytes name = text(self->is_server ? "b" : "a");
        amqpc_status status = amqpc_link_new(session, role == 1, name, &made);
        if (player_check(self, status, MAY_STATE | MAY_MEMORY)) {
            player_link *link = player_add_link(self, made);
            player_attach(self, link);
            if (role == 1) {
                status = amqpc_link_set_prefetch(made, choose(self->from, 16));
                (void)player_check(self, status, 0);
            }
        }
    }
}
