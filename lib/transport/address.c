/* Texts to addresses, and back. */
#define _DEFAULT_SOURCE /* for getaddrinfo */
#include "transport/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { PORT_TEXT_SIZE = 6 };

static int look_up(const char *host, uint32_t port, int flags, struct addrinfo **found)
{
    char service[PORT_TEXT_SIZE];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    (void)snprintf(service, sizeof service, "%hu", (unsigned short)port);
    return getaddrinfo(host, service, &hints, found);
}

static bool take(const struct addrinfo *found, amqpci_address *address)
{
    bool fits = (found->ai_family == AF_INET || found->ai_family == AF_INET6) &&
                found->ai_addrlen <= sizeof address->of;
    if (fits) {
        memcpy(&address->of, found->ai_addr, found->ai_addrlen);
        address->size = found->ai_addrlen;
    }
    return fits;
}

amqpc_status amqpci_address_of_number(const char *host, uint32_t port, amqpci_address *address)
{
    struct addrinfo *found = NULL;
    if (look_up(host, port, AI_NUMERICHOST, &found) != 0) {
        return AMQPC_NOT_FOUND;
    }
    bool taken = take(found, address);
    freeaddrinfo(found);
    return taken ? AMQPC_OK : AMQPC_NOT_FOUND;
}

amqpc_status amqpci_address_of_path(const char *path, amqpci_address *address)
{
    size_t size = strlen(path);
    struct sockaddr_un *local = &address->of.local;
    if (size == 0 || size >= sizeof local->sun_path) {
        return AMQPC_INVALID_ARGUMENT;
    }
    memset(local, 0, sizeof *local);
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, size);
    /* An abstract name begins with NUL, and ends where its size says. */
    bool is_abstract = path[0] == '@';
    if (is_abstract) {
        local->sun_path[0] = '\0';
    }
    address->size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (is_abstract ? 0 : 1));
    return AMQPC_OK;
}

void amqpci_address_interleave(amqpci_address *addresses, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        size_t next = i;
        while (next < count &&
               addresses[next].of.any.sa_family == addresses[i - 1].of.any.sa_family) {
            next++;
        }
        if (next == count) {
            return; /* only one family is left */
        }
        amqpci_address chosen = addresses[next];
        memmove(&addresses[i + 1], &addresses[i], (next - i) * sizeof *addresses);
        addresses[i] = chosen;
    }
}

size_t amqpci_address_resolve(const char *host, uint32_t port, amqpci_address *addresses,
                              int *error, int *system_error)
{
    struct addrinfo *found = NULL;
    size_t count = 0;
    errno = 0;
    *error = look_up(host, port, 0, &found);
    *system_error = *error == EAI_SYSTEM ? errno : 0;
    if (*error != 0) {
        return 0;
    }
    for (const struct addrinfo *at = found; at != NULL && count < AMQPCI_ADDRESSES_MAX;
         at = at->ai_next) {
        count += take(at, &addresses[count]) ? 1 : 0;
    }
    freeaddrinfo(found);
    amqpci_address_interleave(addresses, count);
    return count;
}

uint32_t amqpci_address_port(const amqpci_address *address)
{
    switch (address->of.any.sa_family) {
    case AF_INET:
        return ntohs(address->of.ipv4.sin_port);
    case AF_INET6:
        return ntohs(address->of.ipv6.sin6_port);
    default:
        return 0;
    }
}

static int print_ipv6(const struct sockaddr_in6 *ipv6, char *data, size_t capacity)
{
    char text[INET6_ADDRSTRLEN];
    char zone[IF_NAMESIZE + 1] = "";
    (void)inet_ntop(AF_INET6, &ipv6->sin6_addr, text, sizeof text);
    if (ipv6->sin6_scope_id != 0 && if_indextoname(ipv6->sin6_scope_id, zone + 1) != NULL) {
        zone[0] = '%';
    }
    return snprintf(data, capacity, "[%s%s]:%u", text, zone, (unsigned)ntohs(ipv6->sin6_port));
}

static int print_local(const struct sockaddr_un *local, socklen_t size, char *data, size_t capacity)
{
    size_t head = offsetof(struct sockaddr_un, sun_path);
    size_t length = size > head ? size - head : 0;
    if (length == 0) {
        return snprintf(data, capacity, "unix:");
    }
    if (local->sun_path[0] == '\0') {
        return snprintf(data, capacity, "unix:@%.*s", (int)length - 1, local->sun_path + 1);
    }
    return snprintf(data, capacity, "unix:%.*s", (int)length, local->sun_path);
}

amqpc_status amqpci_address_print(const amqpci_address *address, char *data, size_t capacity)
{
    char text[INET_ADDRSTRLEN];
    int size = 0;
    switch (address->of.any.sa_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &address->of.ipv4.sin_addr, text, sizeof text);
        size = snprintf(data, capacity, "%s:%u", text, amqpci_address_port(address));
        break;
    case AF_INET6:
        size = print_ipv6(&address->of.ipv6, data, capacity);
        break;
    default:
        size = print_local(&address->of.local, address->size, data, capacity);
        break;
    }
    return size >= 0 && (size_t)size < capacity ? AMQPC_OK : AMQPC_BUFFER_FULL;
}
