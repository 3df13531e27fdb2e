/* Names of servers: what is asked for by SNI, and what the certificate has to be for. */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "transport/tls_object.h"

enum { HOST_SIZE = 256 };

/* text        without the dot that may end a name, and the zone that may end an address
 * is_address  of IPv4 or IPv6 */
typedef struct host_name {
    char text[HOST_SIZE];
    bool is_address;
} host_name;

static bool is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* False where it is not a host. */
static bool parse(const char *host, host_name *name)
{
    size_t size = host != NULL ? strlen(host) : 0;
    /* A dot in front would have OpenSSL take any name below that domain. */
    if (size == 0 || size >= HOST_SIZE || host[0] == '.') {
        return false;
    }
    memcpy(name->text, host, size + 1);
    char *zone = strchr(name->text, '%');
    if (zone != NULL) {
        *zone = 0;
    }
    name->is_address = is_address(name->text);
    if (!name->is_address && name->text[size - 1] == '.') {
        name->text[size - 1] = 0;
    }
    return zone == NULL || name->is_address;
}

bool amqpci_tls_takes_host(const amqpc_tls *tls, const char *host)
{
    host_name name;
    bool is_absent = host == NULL || host[0] == 0;
    return tls->is_server || (is_absent && !tls->verify_host) || parse(host, &name);
}

bool amqpci_tls_host_set(const amqpc_tls *tls, SSL *ssl, const char *host)
{
    host_name name;
    if (!parse(host, &name)) {
        return !tls->verify_host;
    }
    if (!name.is_address && SSL_set_tlsext_host_name(ssl, name.text) != 1) {
        return false;
    }
    if (!tls->verify_host) {
        return true;
    }
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return name.is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.text) == 1
                           : X509_VERIFY_PARAM_set1_host(parameters, name.text, 0) == 1;
}
