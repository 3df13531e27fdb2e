/* Requests, and the replies to them. */
#include <stdlib.h>

#include "crossing_client.h"

crossing_requester *crossing_requester_new(crossing_client *client, const char *address,
                                           int *status)
{
    crossing_requester *made = (crossing_requester *)calloc(1, sizeof *made);
    if (made == NULL) {
        *status = AMQPC_NO_MEMORY;
        return NULL;
    }
    *status = (int)amqpc_requester_new(crossing_client_get(client), address, &made->requester);
    if (*status != AMQPC_OK) {
        free(made);
        return NULL;
    }
    made->client = crossing_client_use(client);
    return made;
}

void crossing_requester_free(crossing_requester *requester)
{
    amqpc_requester_free(requester->requester);
    crossing_client_drop(requester->client);
    free(requester);
}

/* --- Sending the request. */

static int post(crossing_requester *requester, const void *data, size_t size, int64_t patience_ms,
                uint64_t *id)
{
    amqpc_message message;
    amqpc_status status = amqpc_message_decode(data, size, NULL, &message, NULL);
    if (status != AMQPC_OK) {
        return (int)status;
    }
    return (int)amqpc_requester_post(requester->requester, &message, patience_ms, id);
}

int crossing_request(crossing_requester *requester, const void *data, size_t size, bool moves,
                     uint64_t *id)
{
    return post(requester, data, size, moves ? 0 : AMQPC_LOOK, id);
}

int crossing_wait_request(crossing_requester *requester, const void *data, size_t size,
                          int64_t timeout_ms, uint64_t *id)
{
    return post(requester, data, size, timeout_ms, id);
}

/* --- Taking the reply. */

int crossing_reply(crossing_requester *requester, uint64_t id, bool moves, amqpc_delivery *reply)
{
    return (int)amqpc_requester_take(requester->requester, id, moves ? 0 : AMQPC_LOOK, reply);
}

int crossing_wait_reply(crossing_requester *requester, uint64_t id, int64_t timeout_ms,
                        amqpc_delivery *reply)
{
    return (int)amqpc_requester_take(requester->requester, id, timeout_ms, reply);
}
