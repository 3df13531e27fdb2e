/* What the files of senders and receivers share. */
#ifndef AMQPCODEC_CROSSING_CLIENT_H
#define AMQPCODEC_CROSSING_CLIENT_H

#include "crossing.h"

/* Another user of the client: crossing_client_drop. */
crossing_client *crossing_client_use(crossing_client *client);

/* What crossing_terms hold, decoded; given_...: NULL where there is none. */
typedef struct crossing_termini {
    const amqpc_source *given_source;
    const amqpc_target *given_target;
    const amqpc_value *given_properties;
    amqpc_source source;
    amqpc_target target;
    amqpc_value properties;
} crossing_termini;

/* terms: borrowed as long as the termini are used. Returns AMQPC_OK, or a status of decoding. */
amqpc_status crossing_terms_read(const crossing_terms *terms, crossing_termini *termini);

#endif
