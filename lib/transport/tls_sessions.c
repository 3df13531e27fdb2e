/* Sessions that clients can resume, by host (RFC 5077; RFC 8446 2.2). */
#include <string.h>

#include "base/memory.h"
#include "transport/tls_object.h"

amqpc_status amqpci_tls_sessions_init(amqpci_tls_sessions *sessions, bool is_on)
{
    if (pthread_mutex_init(&sessions->mutex, NULL) != 0) {
        return AMQPC_NO_MEMORY;
    }
    sessions->is_on = is_on;
    return AMQPC_OK;
}

static void clear(struct amqpci_tls_session *entry, const amqpc_allocator *allocator)
{
    SSL_SESSION_free(entry->session);
    amqpci_release(allocator, entry->host);
    *entry = (struct amqpci_tls_session){0};
}

void amqpci_tls_sessions_clean_up(amqpci_tls_sessions *sessions, const amqpc_allocator *allocator)
{
    for (unsigned i = 0; i < AMQPCI_TLS_SESSION_COUNT; i++) {
        clear(&sessions->entries[i], allocator);
    }
    pthread_mutex_destroy(&sessions->mutex);
}

bool amqpci_tls_sessions_put(amqpci_tls_sessions *sessions, const amqpc_allocator *allocator,
                             const char *host, SSL_SESSION *session)
{
    if (!sessions->is_on || !SSL_SESSION_is_resumable(session)) {
        return false;
    }
    size_t size = strlen(host) + 1;
    char *name = (char *)allocator->allocate(allocator->context, size);
    if (name == NULL) {
        return false;
    }
    memcpy(name, host, size);
    pthread_mutex_lock(&sessions->mutex);
    struct amqpci_tls_session *entry = &sessions->entries[sessions->next];
    sessions->next = (sessions->next + 1) % AMQPCI_TLS_SESSION_COUNT;
    clear(entry, allocator);
    *entry = (struct amqpci_tls_session){name, session};
    pthread_mutex_unlock(&sessions->mutex);
    return true;
}

/* The newest entry of a host; NULL for none. */
static struct amqpci_tls_session *find(amqpci_tls_sessions *sessions, const char *host)
{
    for (unsigned age = 1; age <= AMQPCI_TLS_SESSION_COUNT; age++) {
        unsigned index =
            (sessions->next + AMQPCI_TLS_SESSION_COUNT - age) % AMQPCI_TLS_SESSION_COUNT;
        struct amqpci_tls_session *entry = &sessions->entries[index];
        if (entry->session != NULL && strcmp(entry->host, host) == 0) {
            return entry;
        }
    }
    return NULL;
}

SSL_SESSION *amqpci_tls_sessions_take(amqpci_tls_sessions *sessions,
                                      const amqpc_allocator *allocator, const char *host)
{
    if (!sessions->is_on) {
        return NULL;
    }
    pthread_mutex_lock(&sessions->mutex);
    struct amqpci_tls_session *entry = find(sessions, host);
    SSL_SESSION *session = NULL;
    if (entry != NULL) {
        session = entry->session;
        SSL_SESSION_up_ref(session);
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION) {
            clear(entry, allocator);
        }
    }
    pthread_mutex_unlock(&sessions->mutex);
    return session;
}
