/* TLS of transports, by OpenSSL: certificates, and whom to trust (AMQP 5.2).
 *
 * TLS 1.2 at least. A client always checks the server's certificate and its host name, unless told
 * not to by name. A build without TLS answers AMQPC_UNSUPPORTED here; nothing falls back to clear
 * text. */
#ifndef AMQPCODEC_TLS_H
#define AMQPCODEC_TLS_H

#include <amqpcodec/connection.h>

AMQPC_BEGIN_DECLS

typedef struct amqpc_tls amqpc_tls;

/* What both ends of TLS go by. Set the defaults by amqpc_tls_options_init. Everything is copied by
 * amqpc_tls_new.
 *
 * struct_size            sizeof(amqpc_tls_options) of the caller
 * ca                     whom to trust: a file of certificates in PEM, which replaces the system's
 *                        store. NULL: of a client the system's store, which is looked for as
 *                        OpenSSL does (SSL_CERT_FILE and SSL_CERT_DIR, or where it was built to
 *                        look), then, unless these are set, in the places of well-known systems;
 *                        of a server nobody
 * certificate, key       this end's certificate chain and private key, files in PEM; NULL for none.
 *                        key NULL: the key is in the file of the certificate. Mandatory for a
 *                        server.
 * key_password           of the file of the key; NULL for none
 * alpn                   protocol to agree upon by ALPN, such as "amqp"; NULL for no ALPN
 * verify_peer            client: check the server's certificate; default true. Server: demand a
 *                        certificate of the client, and check it by `ca`; default false
 * verify_host            client: check that the certificate is for the host; default true. Nothing
 *                        is checked without verify_peer
 * resume_sessions        keep tickets, so that a later handshake is shorter; default true */
typedef struct amqpc_tls_options {
    size_t struct_size;
    const char *ca;
    const char *certificate;
    const char *key;
    const char *key_password;
    const char *alpn;
    bool verify_peer;
    bool verify_host;
    bool resume_sessions;
} amqpc_tls_options;

/* Sets the defaults of a role (amqpc_end_role). struct_size: sizeof(amqpc_tls_options) as the
 * caller was compiled. */
AMQPC_API void amqpc_tls_options_init(amqpc_tls_options *options, uint32_t role,
                                      size_t struct_size);

/* Reads certificates and keys, for any number of transports of one role. The result does not change
 * afterwards, and may be used by several threads.
 *
 * allocator             copied; NULL for the C library's
 * options               borrowed until return; NULL for a client's defaults
 * tls                   receives it, which the caller gives back by amqpc_tls_free; transports and
 *                       listeners that use it keep it alive
 * reason, reason_size   may be NULL, 0; on failure receives a line that says what is wrong, for
 *                       people, ended by NUL
 *
 * Returns AMQPC_OK, AMQPC_NO_MEMORY, AMQPC_INVALID_ARGUMENT; AMQPC_TLS_BAD_CREDENTIALS where a file
 * cannot be read, certificate and key do not belong together, the key's password is wrong, or the
 * system has no store; AMQPC_UNSUPPORTED in a build without TLS. */
AMQPC_API amqpc_status amqpc_tls_new(const amqpc_allocator *allocator, uint32_t role,
                                     const amqpc_tls_options *options, amqpc_tls **tls,
                                     char *reason, size_t reason_size) AMQPC_CHECK;

/* Gives it back. NULL is ignored. */
AMQPC_API void amqpc_tls_free(amqpc_tls *tls);

/* Whether this build has TLS. */
AMQPC_API bool amqpc_tls_is_available(void);

AMQPC_END_DECLS

#endif
