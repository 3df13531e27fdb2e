/* The player's objects: made, freed, and looked at. */
#include "player.h"

#include <stdio.h>
#include <string.h>

enum {
    COUNT_MAX = 1 << 20, /* no count of deliveries comes near it */
    OUTPUT_SLACK = 65536,
    OUTPUT_PER_EFFORT = 64
};

void player_start(player *self, const amqpc_connection_options *options, counted_memory *memory,
                  choices *from)
{
    self->memory = memory;
    self->from = from;
    self->is_server = options->role == AMQPC_SERVER;
    self->input_over = false;
    self->output_limit = options->output_size;
    amqpc_status status = amqpc_connection_new(&memory->allocator, options, &self->connection);
    if (!player_check(self, status, MAY_MEMORY)) {
        /* Only one allocation fails. */
        status = amqpc_connection_new(&memory->allocator, options, &self->connection);
        FUZZ_CHECK(status == AMQPC_OK);
    }
}

void player_stop(player *self)
{
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        self->links[i].link = NULL;
    }
    memset(self->sessions, 0, sizeof self->sessions);
    amqpc_connection_free(self->connection);
    self->connection = NULL;
    player_drop_sends(self, 0, true);
}

void player_end(player *self)
{
    if (self->connection != NULL) {
        player_stop(self);
    }
    amqpc_deliveries_release(self->held, PLAYER_HELD);
    for (unsigned i = 0; i < PLAYER_EXPORTS; i++) {
        amqpc_buffer_free(self->exports[i]);
        self->exports[i] = NULL;
    }
}

static unsigned class_of(amqpc_status status)
{
    if (status == AMQPC_MESSAGE_TOO_LARGE) {
        return MAY_TOO_LARGE | MAY_FAIL;
    }
    if (status == AMQPC_FRAME_TOO_LARGE) {
        return MAY_FRAME | MAY_FAIL;
    }
    if (status < 15) {
        return 1u << status;
    }
    if (status >= 100 && status < 200) {
        return MAY_ENCODING | MAY_FAIL;
    }
    return status >= 200 && status < 300 ? MAY_COMPOSITE | MAY_FAIL : MAY_FAIL;
}

bool player_check(player *self, amqpc_status status, unsigned may)
{
    self->work++;
    self->effort += 4;
    if (status == AMQPC_OK) {
        return true;
    }
    if ((class_of(status) & may) == 0) {
        fprintf(stderr, "answered: %s\n", amqpc_status_name(status));
    }
    FUZZ_CHECK((class_of(status) & may) != 0);
    if (status == AMQPC_NO_MEMORY) {
        amqpc_connection_failure failure = {.status = AMQPC_OK};
        bool known = self->connection != NULL &&
                     amqpc_connection_get_failure(self->connection, &failure) == AMQPC_OK &&
                     failure.status == AMQPC_NO_MEMORY;
        FUZZ_CHECK(known || self->memory->failures > self->failures_seen);
    }
    self->failures_seen = self->memory->failures;
    return false;
}

/* --- Objects. */

amqpc_session *player_add_session(player *self, amqpc_session *session)
{
    for (unsigned i = 0; i < PLAYER_SESSIONS; i++) {
        if (self->sessions[i] == NULL) {
            self->sessions[i] = session;
            amqpc_session_set_context(session, self);
            FUZZ_CHECK(amqpc_session_context(session) == self);
            return session;
        }
    }
    player_free_session(self, session); /* with links that the peer attached there */
    return NULL;
}

player_link *player_add_link(player *self, amqpc_link *link)
{
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        if (self->links[i].link == NULL) {
            self->links[i] = (player_link){.link = link, .serial = ++self->last_serial};
            amqpc_link_set_context(link, self);
            return &self->links[i];
        }
    }
    amqpc_link_free(link);
    return NULL;
}

void player_forget_link(player *self, amqpc_link *link)
{
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        if (self->links[i].link == link) {
            self->links[i].link = NULL;
            player_drop_sends(self, self->links[i].serial, false);
        }
    }
}

void player_forget_session(player *self, amqpc_session *session)
{
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        amqpc_link *link = self->links[i].link;
        if (link != NULL && amqpc_link_session(link) == session) {
            player_forget_link(self, link);
        }
    }
    for (unsigned i = 0; i < PLAYER_SESSIONS; i++) {
        self->sessions[i] = self->sessions[i] == session ? NULL : self->sessions[i];
    }
}

void player_free_session(player *self, amqpc_session *session)
{
    player_forget_session(self, session);
    amqpc_session_free(session);
}

void player_free_link(player *self, player_link *link)
{
    amqpc_link *gone = link->link;
    player_forget_link(self, gone);
    amqpc_link_free(gone);
}

amqpc_session *player_session(player *self)
{
    unsigned first = choose(self->from, PLAYER_SESSIONS);
    for (unsigned i = 0; i < PLAYER_SESSIONS; i++) {
        amqpc_session *session = self->sessions[(first + i) % PLAYER_SESSIONS];
        if (session != NULL) {
            return session;
        }
    }
    return NULL;
}

player_link *player_some_link(player *self)
{
    unsigned first = choose(self->from, PLAYER_LINKS);
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        player_link *link = &self->links[(first + i) % PLAYER_LINKS];
        if (link->link != NULL) {
            return link;
        }
    }
    return NULL;
}

/* --- Looking. */

/* Those that the application did not free; also the peer's of which it has not heard yet. */
static bool is_shown(const player *self, const amqpc_session *session)
{
    const amqpc_session *at = NULL;
    do {
        at = amqpc_connection_next_session(self->connection, at);
    } while (at != NULL && at != session);
    return at != NULL;
}

/* Numbers are ordered by attachment, and within one as delivery-ids, which wrap (AMQP 2.8.7). */
static bool is_after(uint64_t number, uint64_t before)
{
    return number >> 32 == before >> 32 ? (int32_t)((uint32_t)number - (uint32_t)before) > 0
                                        : number > before;
}

static void look_at_unsettled(const amqpc_link *link)
{
    amqpc_unsettled unsettled = {.number = 0};
    uint64_t before = 0;
    uint32_t counted = 0;
    uint32_t most = amqpc_link_unsettled_count(link);
    FUZZ_CHECK(most < COUNT_MAX);
    while (counted < 64 && amqpc_link_next_unsettled(link, before, &unsettled) == AMQPC_OK) {
        FUZZ_CHECK(is_after(unsettled.number, before));
        FUZZ_CHECK(unsettled.tag.size <= AMQPC_DELIVERY_TAG_MAX);
        (void)fuzz_hash((const uint8_t *)unsettled.tag.data, unsettled.tag.size);
        before = unsettled.number;
        counted++;
    }
    FUZZ_CHECK(counted <= most);
}

static void look_at_link(const player *self, const amqpc_link *link)
{
    amqpc_attach attach;
    amqpc_source source;
    amqpc_target target;
    amqpc_error error;
    amqpc_value properties;
    amqpc_link_flow flow;
    FUZZ_CHECK(amqpc_link_context(link) == self);
    FUZZ_CHECK(amqpc_link_name(link).size > 0);
    FUZZ_CHECK(amqpc_link_get_state(link) <= AMQPC_LINK_DISCARDING);
    FUZZ_CHECK(amqpc_link_session(link) == NULL || is_shown(self, amqpc_link_session(link)));
    amqpc_link_get_flow(link, &flow);
    (void)amqpc_link_is_refused(link);
    (void)amqpc_link_is_closed(link);
    (void)!amqpc_link_remote_attach(link, &attach);
    (void)!amqpc_link_remote_source(link, &source);
    (void)!amqpc_link_remote_target(link, &target);
    (void)!amqpc_link_error(link, &error);
    (void)!amqpc_link_remote_flow_properties(link, &properties);
    look_at_unsettled(link);
}

static void look_at_session(const player *self, const amqpc_session *session)
{
    amqpc_begin begin;
    amqpc_error error;
    FUZZ_CHECK(amqpc_session_get_state(session) <= AMQPC_SESSION_DISCARDING);
    FUZZ_CHECK(amqpc_session_connection(session) == self->connection);
    (void)!amqpc_session_remote_begin(session, &begin);
    (void)!amqpc_session_error(session, &error);
    (void)amqpc_session_incoming_window(session);
    (void)amqpc_session_outgoing_window(session);
    unsigned links = 0;
    const amqpc_link *link = NULL;
    while ((link = amqpc_session_next_link(session, link)) != NULL) {
        FUZZ_CHECK(amqpc_link_session(link) == session);
        FUZZ_CHECK(links++ < COUNT_MAX);
    }
}

static void look_at_connection(player *self)
{
    amqpc_open open;
    amqpc_error error;
    amqpc_connection_failure failure;
    amqpc_connection_statistics statistics = {.struct_size = sizeof statistics};
    amqpc_connection *connection = self->connection;
    FUZZ_CHECK(amqpc_connection_get_state(connection) <= AMQPC_CONNECTION_END);
    (void)!amqpc_connection_remote_open(connection, &open);
    (void)!amqpc_connection_remote_error(connection, &error);
    if (amqpc_connection_get_failure(connection, &failure) == AMQPC_OK) {
        FUZZ_CHECK(failure.status != AMQPC_OK);
        FUZZ_CHECK(failure.bytes.size <= 512 && failure.offset <= (1u << 20));
        (void)fuzz_hash((const uint8_t *)failure.bytes.data, failure.bytes.size);
    }
    amqpc_connection_get_statistics(connection, &statistics);
    FUZZ_CHECK(statistics.output_size <=
               self->output_limit + OUTPUT_SLACK + OUTPUT_PER_EFFORT * self->effort);
}

void player_look(player *self)
{
    look_at_connection(self);
    for (unsigned i = 0; i < PLAYER_SESSIONS; i++) {
        if (self->sessions[i] != NULL) {
            look_at_session(self, self->sessions[i]);
        }
    }
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        if (self->links[i].link != NULL) {
            look_at_link(self, self->links[i].link);
        }
    }
}
