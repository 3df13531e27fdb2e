/* The engine on a loop of one's own: sends three messages to HOST PORT, and waits until all are
 * settled. */
#define _POSIX_C_SOURCE 200809L /* for getaddrinfo, poll and clock_gettime */
#include <amqpcodec/amqpcodec.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGES = 3, VECTORS = 16 };

typedef struct sending {
    amqpc_link *link;
    unsigned sent;
    unsigned settled;
    bool failed;
} sending;

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s failed\n", what);
        exit(1);
    }
}

static amqpc_bytes text(const char *characters)
{
    return (amqpc_bytes){characters, strlen(characters)};
}

static int connect_to(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    check(getaddrinfo(host, port, &hints, &found) == 0, "getaddrinfo");
    int descriptor = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    check(connect(descriptor, found->ai_addr, found->ai_addrlen) == 0, "connect");
    freeaddrinfo(found);
    return descriptor;
}

/* Open, begin and attach go out together, without waiting for the peer. */
static amqpc_link *attach_sender(amqpc_connection *connection)
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = text("example")};
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = text("example")};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = text("examples")};
    amqpc_session *session = NULL;
    amqpc_link *link = NULL;
    check(amqpc_connection_open(connection, &open) == AMQPC_OK, "open");
    check(amqpc_session_new(connection, &session) == AMQPC_OK, "session");
    check(amqpc_session_begin(session, NULL) == AMQPC_OK, "begin");
    check(amqpc_link_new(session, AMQPC_ROLE_SENDER, text("to examples"), &link) == AMQPC_OK,
          "link");
    check(amqpc_link_attach(link, NULL, &source, &target) == AMQPC_OK, "attach");
    return link;
}

/* Sends until all are sent, or AMQPC_NO_CREDIT says that the receiver wants no more for now. */
static void send_messages(sending *work)
{
    unsigned char bytes[64];
    size_t size = 0;
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body = (amqpc_value){.type = AMQPC_TYPE_STRING, .as.bytes = text("hello")};
    check(amqpc_message_encode(&message, 0, bytes, sizeof bytes, &size) == AMQPC_OK, "encode");
    while (work->sent < MESSAGES &&
           amqpc_link_send(work->link, (amqpc_bytes){bytes, size}, NULL, NULL) == AMQPC_OK) {
        work->sent++;
    }
}

static void take_updates(sending *work)
{
    amqpc_update update;
    size_t count = 0;
    while (amqpc_link_updates(work->link, &update, 1, &count) == AMQPC_OK && count == 1) {
        bool accepted = update.state_type == AMQPC_COMPOSITE_ACCEPTED;
        printf("message %u: %s\n", ++work->settled, accepted ? "accepted" : "not accepted");
    }
}

static void take_events(amqpc_connection *connection, sending *work)
{
    amqpc_connection_event event;
    while (amqpc_connection_next_event(connection, &event)) {
        if (event.type == AMQPC_EVENT_LINK_FLOW) {
            send_messages(work);
        } else if (event.type == AMQPC_EVENT_UPDATES) {
            take_updates(work);
        } else if (event.type == AMQPC_EVENT_CONNECTION_FAILED ||
                   event.type == AMQPC_EVENT_LINK_DETACH) {
            work->failed = true;
        }
    }
    if (work->failed || work->settled == MESSAGES) {
        (void)!amqpc_connection_close(connection, NULL); /* harmless where it is closed already */
    }
}

static void receive_input(amqpc_connection *connection, int descriptor)
{
    void *place = NULL;
    size_t capacity = 0;
    if (amqpc_connection_input_buffer(connection, &place, &capacity) != AMQPC_OK) {
        return;
    }
    ssize_t size = recv(descriptor, place, capacity, 0);
    if (size > 0) {
        (void)!amqpc_connection_input(connection, (size_t)size); /* a failure is an event, too */
    } else {
        (void)amqpc_connection_input_end(connection);
    }
}

static void send_output(amqpc_connection *connection, int descriptor)
{
    amqpc_bytes vectors[VECTORS]; /* as POSIX's struct iovec */
    size_t count = 0;
    while (amqpc_connection_output(connection, vectors, VECTORS, &count) == AMQPC_OK && count > 0) {
        ssize_t size = writev(descriptor, (const struct iovec *)(const void *)vectors, (int)count);
        check(size >= 0, "writev");
        amqpc_connection_output_done(connection, (size_t)size);
    }
}

int main(int count, char **words)
{
    check(count == 3, "engine_loop HOST PORT");
    amqpc_connection *connection = NULL;
    check(amqpc_connection_new(NULL, NULL, &connection) == AMQPC_OK, "connection");
    sending work = {.link = attach_sender(connection)};
    struct pollfd watched = {.fd = connect_to(words[1], words[2]), .events = POLLIN};
    while (!amqpc_connection_is_finished(connection)) {
        struct timespec now;
        uint64_t deadline_ms = UINT64_MAX;
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
        (void)!amqpc_connection_tick(connection, now_ms, &deadline_ms); /* a failure is an event */
        send_output(connection, watched.fd);
        uint64_t wait_ms = deadline_ms - now_ms;
        if (poll(&watched, 1, wait_ms < 60000 ? (int)wait_ms : 60000) > 0) {
            receive_input(connection, watched.fd);
        }
        take_events(connection, &work);
    }
    close(watched.fd);
    amqpc_connection_free(connection);
    return work.settled == MESSAGES ? 0 : 1;
}
