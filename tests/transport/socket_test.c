/* Sockets: options that programs ask for reach the system. */
#define _GNU_SOURCE /* for SOCK_CLOEXEC */

#include "transport/socket.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int option_of(int descriptor, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(0, getsockopt(descriptor, level, name, &value, &size));
    return value;
}

static int make_socket(int family)
{
    int descriptor = -1;
    amqpci_address address;
    memset(&address, 0, sizeof address);
    address.of.any.sa_family = (sa_family_t)family;
    assert_int_equal(AMQPC_OK, amqpci_socket_new(&address, &descriptor));
    return descriptor;
}

static void test_defaults_send_at_once_and_leave_the_rest_to_the_system(void **state)
{
    amqpc_transport_options options;
    (void)state;
    amqpc_transport_options_init(&options, sizeof options);
    amqpci_socket_options chosen = amqpci_socket_options_of(&options);
    int descriptor = make_socket(AF_INET);
    int send_size = option_of(descriptor, SOL_SOCKET, SO_SNDBUF);
    amqpci_socket_set(descriptor, &chosen);
    assert_true(option_of(descriptor, IPPROTO_TCP, TCP_NODELAY) != 0);
    assert_int_equal(0, option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE));
    assert_int_equal(send_size, option_of(descriptor, SOL_SOCKET, SO_SNDBUF));
    (void)close(descriptor);
}

static void test_keepalive_and_delay_are_set(void **state)
{
    amqpc_transport_options options;
    (void)state;
    amqpc_transport_options_init(&options, sizeof options);
    options.keepalive_idle_s = 71;
    options.keepalive_interval_s = 13;
    options.keepalive_count = 5;
    options.delay = true;
    amqpci_socket_options chosen = amqpci_socket_options_of(&options);
    int descriptor = make_socket(AF_INET);
    amqpci_socket_set(descriptor, &chosen);
    assert_int_equal(0, option_of(descriptor, IPPROTO_TCP, TCP_NODELAY));
    assert_true(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE) != 0);
    assert_int_equal(71, option_of(descriptor, IPPROTO_TCP, TCP_KEEPIDLE));
    assert_int_equal(13, option_of(descriptor, IPPROTO_TCP, TCP_KEEPINTVL));
    assert_int_equal(5, option_of(descriptor, IPPROTO_TCP, TCP_KEEPCNT));
    (void)close(descriptor);
}

/* The system doubles what it is asked for, and does not take less than it thinks right. */
static void test_buffers_have_the_size_that_was_asked_for(void **state)
{
    amqpc_transport_options options;
    (void)state;
    amqpc_transport_options_init(&options, sizeof options);
    options.send_buffer_size = 16384;
    options.receive_buffer_size = 8192;
    amqpci_socket_options chosen = amqpci_socket_options_of(&options);
    int descriptor = make_socket(AF_INET);
    amqpci_socket_set(descriptor, &chosen);
    assert_in_range(option_of(descriptor, SOL_SOCKET, SO_SNDBUF), 16384, 32768);
    assert_in_range(option_of(descriptor, SOL_SOCKET, SO_RCVBUF), 8192, 16384);
    (void)close(descriptor);
}

static void test_unix_sockets_take_no_options_of_tcp(void **state)
{
    amqpc_transport_options options;
    (void)state;
    amqpc_transport_options_init(&options, sizeof options);
    options.keepalive_idle_s = 71;
    amqpci_socket_options chosen = amqpci_socket_options_of(&options);
    int descriptor = make_socket(AF_UNIX);
    amqpci_socket_set(descriptor, &chosen);
    assert_int_equal(0, option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE));
    (void)close(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_send_at_once_and_leave_the_rest_to_the_system),
        cmocka_unit_test(test_keepalive_and_delay_are_set),
        cmocka_unit_test(test_buffers_have_the_size_that_was_asked_for),
        cmocka_unit_test(test_unix_sockets_take_no_options_of_tcp),
    };
    return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
