/* The engine on a loop of one's own: sends "hello" to ADDRESS PORT, and waits for its outcome. */
#define _POSIX_C_SOURCE 200809L /* for clock_gettime */
#include <amqpcodec/amqpcodec.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

int main(int argument_count, char **arguments)
{
    const amqpc_bytes hello = {"\0Sw\xa1\5hello", 10}; /* a message: its value is a string */
    const amqpc_open open = {.present = AMQPC_OPEN_CONTAINER_ID, .container_id = {"example", 7}};
    const amqpc_target target = {.present = AMQPC_TARGET_ADDRESS, .address = {"examples", 8}};
    amqpc_connection *connection = NULL;
    amqpc_session *session = NULL;
    amqpc_link *link = NULL;
    amqpc_update outcome = {.settled = false};
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct pollfd peer = {.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    address.sin_port = htons((uint16_t)(argument_count == 3 ? atoi(arguments[2]) : 0));
    bool well = argument_count == 3 && inet_pton(AF_INET, arguments[1], &address.sin_addr) == 1 &&
                connect(peer.fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                amqpc_connection_new(NULL, NULL, &connection) == AMQPC_OK &&
                amqpc_connection_open(connection, &open) == AMQPC_OK &&
                amqpc_session_new(connection, &session) == AMQPC_OK &&
                amqpc_session_begin(session, NULL) == AMQPC_OK &&
                amqpc_link_new(session, AMQPC_ROLE_SENDER, target.address, &link) == AMQPC_OK &&
                amqpc_link_attach(link, NULL, &(amqpc_source){0}, &target) == AMQPC_OK;
    while (well && !amqpc_connection_is_finished(connection)) {
        struct timespec now = {0};
        uint64_t deadline_ms = 0;
        amqpc_connection_event event;
        amqpc_bytes piece;
        void *place = NULL;
        size_t count = 0;
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
        well = amqpc_connection_tick(connection, now_ms, &deadline_ms) == AMQPC_OK &&
               amqpc_connection_output(connection, &piece, 1, &count) == AMQPC_OK;
        if (well && count > 0) { /* what waits goes first, a part of it where no more is taken */
            ssize_t size = send(peer.fd, piece.data, piece.size, MSG_NOSIGNAL);
            well = size > 0;
            amqpc_connection_output_done(connection, well ? (size_t)size : 0);
        } else if (well && poll(&peer, 1, (int)((deadline_ms - now_ms) % 60000)) > 0) {
            well = amqpc_connection_input_buffer(connection, &place, &count) == AMQPC_OK;
            ssize_t size = well ? recv(peer.fd, place, count, 0) : 0;
            well = size > 0 && amqpc_connection_input(connection, (size_t)size) == AMQPC_OK;
        }
        while (well && !outcome.settled && amqpc_connection_next_event(connection, &event)) {
            if (event.type == AMQPC_EVENT_LINK_FLOW && amqpc_link_unsettled_count(link) == 0) {
                well = amqpc_link_send(link, hello, NULL, NULL) == AMQPC_OK; /* there is credit */
            } else if (event.type == AMQPC_EVENT_SESSION_END || event.type >= AMQPC_EVENT_UPDATES) {
                well = amqpc_link_updates(link, &outcome, 1, &count) == AMQPC_OK &&
                       amqpc_connection_close(connection, NULL) == AMQPC_OK;
            }
        }
    }
    amqpc_connection_free(connection);
    return well && outcome.state_type == AMQPC_COMPOSITE_ACCEPTED ? 0 : 1;
}
