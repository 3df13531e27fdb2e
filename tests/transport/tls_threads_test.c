/* One context of TLS, used by several threads at once: its sessions and spare buffers. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/tls_fixture.h"

enum { THREADS = 4, CONNECTIONS = 10 };

typedef struct worker {
    amqpc_tls *client;
    amqpc_tls *server;
    int finished;
} worker;

/* A failed assertion of cmocka would jump to the stack of another thread: what is done is counted.
 */
static bool connect_once(const worker *work)
{
    tls_pair pair;
    tls_pair_make(&pair, work->client, work->server, "localhost", 0);
    tls_pair_handshake(&pair);
    bool is_good = pair.statuses[TLS_CLIENT] == AMQPC_OK && pair.statuses[TLS_SERVER] == AMQPC_OK;
    if (is_good) {
        tls_pair_say(&pair, TLS_SERVER, "after the tickets");
        tls_pair_say(&pair, TLS_CLIENT, "hello");
    }
    tls_pair_close(&pair);
    return is_good;
}

static void *run(void *argument)
{
    worker *work = (worker *)argument;
    for (int i = 0; i < CONNECTIONS; i++) {
        work->finished += connect_once(work);
    }
    amqpc_tls_free(work->client);
    amqpc_tls_free(work->server);
    return NULL;
}

static void test_row_105_threads_share_a_context(void **state)
{
    (void)state;
    amqpc_tls *client = tls_make_client();
    amqpc_tls *server = tls_make_server();
    pthread_t threads[THREADS];
    worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        amqpci_tls_retain(client);
        amqpci_tls_retain(server);
        workers[i] = (worker){client, server, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    }
    amqpc_tls_free(client);
    amqpc_tls_free(server);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(workers[i].finished, CONNECTIONS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_105_threads_share_a_context),
    };
    return cmocka_run_group_tests(tests, tls_files_make, tls_files_remove);
}
