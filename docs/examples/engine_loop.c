/* The engine on a loop of one's own: sends "hello" to HOST PORT, and waits for its outcome. */
#define _POSIX_C_SOURCE 200809L /* for getaddrinfo, poll and clock_gettime */
#include <amqpcodec/amqpcodec.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static bool attach(amqpc_connection *connection) /* all goes out together, without waiting */
{
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"example", 7}};
    const amqpc_source source = {.present = AMQPC_SOURCE_ADDRESS, .address = {"example", 7}};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = {"examples", 8}};
    const amqpc_bytes name = {"to examples", 11};
    amqpc_session *session = NULL;
    amqpc_link *link = NULL;
    return amqpc_connection_open(connection, &open) == AMQPC_OK &&
           amqpc_session_new(connection, &session) == AMQPC_OK &&
           amqpc_session_begin(session, NULL) == AMQPC_OK &&
           amqpc_link_new(session, AMQPC_ROLE_SENDER, name, &link) == AMQPC_OK &&
           amqpc_link_attach(link, NULL, &source, &target) == AMQPC_OK;
}

static bool take_events(amqpc_connection *connection)
{
    static const unsigned char hello[] = "\0Sw\xa1\5hello"; /* a message: its value is a string */
    amqpc_connection_event event;
    amqpc_update update;
    size_t count = 0;
    bool well = true;
    while (well && amqpc_connection_next_event(connection, &event)) {
        if (event.type == AMQPC_EVENT_LINK_FLOW && amqpc_link_context(event.link) == NULL) {
            amqpc_link_set_context(event.link, event.link); /* there is credit; sent once */
            well = amqpc_link_send(event.link, (amqpc_bytes){hello, 10}, NULL, NULL) == AMQPC_OK;
        } else if (event.type == AMQPC_EVENT_UPDATES) {
            well = amqpc_link_updates(event.link, &update, 1, &count) == AMQPC_OK && count == 1 &&
                   amqpc_connection_close(connection, NULL) == AMQPC_OK;
            puts(update.state_type == AMQPC_COMPOSITE_ACCEPTED ? "accepted" : "not accepted");
        } else if (event.type == AMQPC_EVENT_CONNECTION_FAILED) {
            well = false;
        }
    }
    return well;
}

static bool move_bytes(amqpc_connection *connection, struct pollfd *peer)
{
    amqpc_bytes vectors[16]; /* as POSIX's struct iovec */
    size_t count = 0;
    void *place = NULL;
    while (amqpc_connection_output(connection, vectors, 16, &count) == AMQPC_OK && count > 0) {
        ssize_t size = writev(peer->fd, (const struct iovec *)(const void *)vectors, (int)count);
        amqpc_connection_output_done(connection, size < 0 ? 0 : (size_t)size);
    }
    struct timespec now;
    uint64_t deadline_ms = 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    bool well = amqpc_connection_tick(connection, now_ms, &deadline_ms) == AMQPC_OK;
    uint64_t wait_ms = deadline_ms - now_ms < 60000 ? deadline_ms - now_ms : 60000;
    if (well && !amqpc_connection_is_finished(connection) && poll(peer, 1, (int)wait_ms) > 0 &&
        amqpc_connection_input_buffer(connection, &place, &count) == AMQPC_OK) {
        ssize_t size = recv(peer->fd, place, count, 0);
        well = size > 0 ? amqpc_connection_input(connection, (size_t)size) == AMQPC_OK
                        : amqpc_connection_input_end(connection) == AMQPC_OK;
    }
    return well;
}

int main(int argument_count, char **arguments)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    amqpc_connection *connection = NULL;
    if (argument_count != 3 || getaddrinfo(arguments[1], arguments[2], &hints, &found) != 0) {
        return 2;
    }
    struct pollfd peer = {.fd = socket(found->ai_family, SOCK_STREAM, 0), .events = POLLIN};
    bool well = connect(peer.fd, found->ai_addr, found->ai_addrlen) == 0 &&
                amqpc_connection_new(NULL, NULL, &connection) == AMQPC_OK && attach(connection);
    while (well && !amqpc_connection_is_finished(connection)) {
        well = move_bytes(connection, &peer) && take_events(connection);
    }
    freeaddrinfo(found);
    close(peer.fd);
    amqpc_connection_free(connection);
    return well ? 0 : 1;
}
