/* Requesters of a client: a message to an address, and the reply to it.
 *
 * Replies come to a dynamic node by correlation-id, which is the request's message-id. */
#ifndef AMQPCODEC_REQUESTER_H
#define AMQPCODEC_REQUESTER_H

#include <amqpcodec/client.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_requester amqpc_requester;

/* Makes a requester: a sender to the address and a receiver of a dynamic node; never blocks.
 *
 * address    NULL: each request's `to` says it, over the anonymous relay
 * requester  receives the requester, which amqpc_requester_free or the client frees
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY; AMQPC_INVALID_STATE after close; AMQPC_FORKED. */
AMQPC_API amqpc_status amqpc_requester_new(amqpc_client *client, const char *address,
                                           amqpc_requester **requester) AMQPC_CHECK;

/* Sends a request and waits for its reply. Several threads may do so at once.
 *
 * request  borrowed until return; its reply-to, and its message-id where it has none, are filled in
 *          in what is sent
 * reply    receives the reply, which is accepted, and which the caller releases by
 *          amqpc_delivery_release
 *
 * Returns AMQPC_OK; AMQPC_TIMED_OUT, AMQPC_INTERRUPTED, where a reply that comes later is dropped;
 * AMQPC_REQUEST_REFUSED where the outcome of the request was not accepted; AMQPC_DISCONNECTED where
 * the connection was lost meanwhile, and the node for replies with it: the request may have been
 * served; otherwise as amqpc_sender_send. */
AMQPC_API amqpc_status amqpc_requester_call(amqpc_requester *requester,
                                            const amqpc_message *request, int64_t timeout_ms,
                                            amqpc_delivery *reply) AMQPC_CHECK;

/* Sends a request, whose reply is taken by amqpc_requester_take.
 *
 * id  receives what stands for the request
 *
 * Returns as amqpc_sender_post. */
AMQPC_API amqpc_status amqpc_requester_post(amqpc_requester *requester,
                                            const amqpc_message *request, int64_t timeout_ms,
                                            uint64_t *id) AMQPC_CHECK;

/* Takes the reply to a request that was posted, waiting for it. After any answer but
 * AMQPC_TIMED_OUT and AMQPC_INTERRUPTED the request is done with. Returns as amqpc_requester_call;
 * AMQPC_NOT_FOUND where no such request is open, or another thread takes its reply, or gives it up,
 * meanwhile. */
AMQPC_API amqpc_status amqpc_requester_take(amqpc_requester *requester, uint64_t id,
                                            int64_t timeout_ms, amqpc_delivery *reply) AMQPC_CHECK;

/* Gives a posted request up: its reply is dropped. */
AMQPC_API void amqpc_requester_forget(amqpc_requester *requester, uint64_t id);

/* Why it has ended. Returns AMQPC_OK; AMQPC_NOT_FOUND where it has not. */
AMQPC_API amqpc_status amqpc_requester_get_error(amqpc_requester *requester,
                                                 amqpc_client_error *error) AMQPC_CHECK;

/* Frees the requester; its links are closed without waiting. NULL is ignored. */
AMQPC_API void amqpc_requester_free(amqpc_requester *requester);

AMQPC_END_DECLS

#endif
