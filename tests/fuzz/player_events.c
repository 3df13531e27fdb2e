/* The player's events: checked, and answered as an application does. */
#include "player.h"

#include <string.h>

static player_link *find_link(player *self, const amqpc_link *link)
{
    for (unsigned i = 0; i < PLAYER_LINKS; i++) {
        if (self->links[i].link == link) {
            return &self->links[i];
        }
    }
    return NULL;
}

static bool has_session(const player *self, const amqpc_session *session)
{
    for (unsigned i = 0; i < PLAYER_SESSIONS; i++) {
        if (self->sessions[i] == session) {
            return true;
        }
    }
    return false;
}

/* Whether the event is of the object that it names. */
static void check_event(const player *self, const amqpc_connection_event *event)
{
    bool of_session = event->type >= AMQPC_EVENT_SESSION_BEGIN;
    bool of_link = event->type >= AMQPC_EVENT_LINK_ATTACH;
    FUZZ_CHECK(event->type > AMQPC_EVENT_NONE && event->type <= AMQPC_EVENT_LINK_DETACH);
    FUZZ_CHECK(strcmp(amqpc_event_name(event->type), "UNKNOWN") != 0);
    FUZZ_CHECK(event->connection == self->connection);
    FUZZ_CHECK((event->link != NULL) == of_link);
    FUZZ_CHECK(of_session || event->session == NULL);
    FUZZ_CHECK(!of_session || of_link || event->session != NULL);
    FUZZ_CHECK(!of_link || event->session == amqpc_link_session(event->link));
}

/* New objects; false where there was no place for it. */
static bool adopt(player *self, const amqpc_connection_event *event)
{
    if (event->link == NULL && event->session != NULL && !has_session(self, event->session)) {
        FUZZ_CHECK(event->type == AMQPC_EVENT_SESSION_BEGIN);
        return player_add_session(self, event->session) != NULL;
    }
    if (event->link != NULL && find_link(self, event->link) == NULL) {
        FUZZ_CHECK(event->type == AMQPC_EVENT_LINK_ATTACH);
        return player_add_link(self, event->link) != NULL;
    }
    return true;
}

static void answer_connection(player *self, const amqpc_connection_event *event)
{
    switch (event->type) {
    case AMQPC_EVENT_SASL:
        player_answer_sasl(self);
        break;
    case AMQPC_EVENT_CONNECTION_OPEN:
        player_open(self);
        break;
    case AMQPC_EVENT_CONNECTION_CLOSE:
        (void)player_check(self, amqpc_connection_close(self->connection, NULL),
                           MAY_STATE | MAY_MEMORY);
        break;
    default:
        break;
    }
}

static void answer_session(player *self, const amqpc_connection_event *event)
{
    bool frees = choose_rarely(self->from, 16);
    if (event->type == AMQPC_EVENT_SESSION_BEGIN) {
        (void)player_check(self, amqpc_session_begin(event->session, NULL),
                           MAY_STATE | MAY_LIMIT | MAY_MEMORY);
    } else if (event->type == AMQPC_EVENT_SESSION_END) {
        frees = !choose_rarely(self->from, 4);
        (void)player_check(self, amqpc_session_end(event->session, NULL), MAY_STATE | MAY_MEMORY);
    }
    if (frees) {
        player_free_session(self, event->session);
    }
}

static void answer_attach(player *self, player_link *link)
{
    if (choose_rarely(self->from, 8)) {
        (void)player_check(self, amqpc_link_refuse(link->link, NULL),
                           MAY_STATE | MAY_LIMIT | MAY_MEMORY);
        return;
    }
    player_attach(self, link);
    if (amqpc_link_role(link->link) == AMQPC_ROLE_RECEIVER) {
        (void)player_check(self, amqpc_link_set_prefetch(link->link, 1 + choose(self->from, 16)),
                           0);
    }
}

static void answer_link(player *self, const amqpc_connection_event *event)
{
    player_link *link = find_link(self, event->link);
    switch (event->type) {
    case AMQPC_EVENT_LINK_ATTACH:
        answer_attach(self, link);
        break;
    case AMQPC_EVENT_LINK_FLOW:
        player_call_sender(self, link);
        break;
    case AMQPC_EVENT_DELIVERIES:
        player_take_deliveries(self, link);
        player_settle(self, link);
        break;
    case AMQPC_EVENT_UPDATES:
        player_take_updates(self, link);
        break;
    default:
        (void)player_check(self, amqpc_link_detach(link->link, choose_rarely(self->from, 4), NULL),
                           MAY_STATE | MAY_MEMORY);
        if (amqpc_link_is_closed(link->link)) {
            player_free_link(self, link);
        } else if (choose_rarely(self->from, 2)) {
            player_attach(self, link);
        }
        break;
    }
}

static void answer(player *self, const amqpc_connection_event *event)
{
    if (event->link != NULL) {
        answer_link(self, event);
    } else if (event->session != NULL) {
        answer_session(self, event);
    } else {
        answer_connection(self, event);
    }
}

void player_read_events(player *self, unsigned count, bool eager)
{
    amqpc_connection_event event;
    for (unsigned i = 0; i < count && amqpc_connection_next_event(self->connection, &event); i++) {
        self->work++;
        check_event(self, &event);
        if (adopt(self, &event) && eager) {
            answer(self, &event);
        }
    }
}
