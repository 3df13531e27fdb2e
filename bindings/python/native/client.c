/* Clients, and links of theirs, that live as long as Python has a use for them.
 *
 * Python frees in no certain order, and a thread may be within a call while another one closes: so
 * a client is freed with the last of what belongs to it, and everything that is in a call is held
 * by whoever made it. */
#include <stdatomic.h>
#include <stdlib.h>

#include "crossing_client.h"

struct crossing_client {
    amqpc_client *client;
    atomic_uint users;
};

crossing_client *crossing_client_new(const char *url, const amqpc_client_options *options,
                                     amqpc_client_error *error)
{
    crossing_client *made = (crossing_client *)calloc(1, sizeof *made);
    if (made == NULL) {
        error->status = AMQPC_NO_MEMORY;
        return NULL;
    }
    atomic_init(&made->users, 1);
    if (amqpc_client_new(url, options, &made->client, error) != AMQPC_OK) {
        free(made);
        return NULL;
    }
    return made;
}

amqpc_client *crossing_client_get(const crossing_client *client)
{
    return client->client;
}

crossing_client *crossing_client_use(crossing_client *client)
{
    (void)atomic_fetch_add(&client->users, 1);
    return client;
}

void crossing_client_drop(crossing_client *client)
{
    if (atomic_fetch_sub(&client->users, 1) == 1) {
        amqpc_client_free(client->client);
        free(client);
    }
}

/* --- What links are made with. */

static amqpc_status read_map(const crossing_terms *terms, amqpc_value *map,
                             const amqpc_value **given)
{
    *given = NULL;
    if (terms->properties.size == 0) {
        return AMQPC_OK;
    }
    *given = map;
    return amqpc_value_decode(terms->properties.data, terms->properties.size, NULL, map, NULL);
}

amqpc_status crossing_terms_read(const crossing_terms *terms, crossing_termini *termini)
{
    termini->given_source = NULL;
    termini->given_target = NULL;
    amqpc_status status = read_map(terms, &termini->properties, &termini->given_properties);
    if (status == AMQPC_OK && terms->source.size > 0) {
        termini->given_source = &termini->source;
        status = amqpc_source_decode(terms->source.data, terms->source.size, NULL, &termini->source,
                                     NULL);
    }
    if (status == AMQPC_OK && terms->target.size > 0) {
        termini->given_target = &termini->target;
        status = amqpc_target_decode(terms->target.data, terms->target.size, NULL, &termini->target,
                                     NULL);
    }
    return status;
}
