/* Contexts of TLS: options, certificates and keys, and what all streams of a context share. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509err.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "transport/tls_object.h"

enum { KEY_RECORDS = 1 << 23 };

void amqpc_tls_options_init(amqpc_tls_options *options, uint32_t role, size_t struct_size)
{
    const amqpc_tls_options defaults = {
        .struct_size = struct_size,
        .verify_peer = role == AMQPC_CLIENT,
        .verify_host = true,
        .resume_sessions = true,
    };
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
}

/* Null where the options hold together; else what is wrong with them. */
static const char *fault_of(uint32_t role, const amqpc_tls_options *options)
{
    if (role > AMQPC_SERVER) {
        return "there is no such role";
    }
    if (options->certificate == NULL && role == AMQPC_SERVER) {
        return "a server needs a certificate";
    }
    if (options->certificate == NULL && options->key != NULL) {
        return "a key needs its certificate";
    }
    if (role == AMQPC_SERVER && options->verify_peer && options->ca == NULL) {
        return "a server that demands certificates needs to know whom to trust";
    }
    if (options->alpn != NULL &&
        (options->alpn[0] == 0 || strlen(options->alpn) > AMQPCI_TLS_ALPN_SIZE)) {
        return "the name of a protocol has 1 to 255 bytes";
    }
    return NULL;
}

/* --- What the context agrees to. */

/* Puts AES-128 before the other suites of TLS 1.3, where the system's policy has it: it is the
 * fastest (bench: 1.3x of AES-256), and as good. */
static void prefer_aes_128(SSL_CTX *context)
{
    static const char fast[] = "TLS_AES_128_GCM_SHA256";
    char suites[512] = "";
    size_t used = 0;
    bool has_fast = false;
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
        size_t size = strlen(name);
        if (strncmp(name, "TLS_", 4) != 0) {
            continue; /* those of TLS 1.2 have other names */
        }
        if (strcmp(name, fast) == 0) {
            has_fast = true;
        } else if (size + 2 < sizeof suites - sizeof fast - used) {
            suites[used] = ':';
            memcpy(suites + used + 1, name, size + 1);
            used += size + 1;
        }
    }
    if (has_fast) {
        memmove(suites + sizeof fast - 1, suites, used + 1);
        memcpy(suites, fast, sizeof fast - 1);
        (void)SSL_CTX_set_ciphersuites(context, suites);
    }
}

static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_size,
                           const unsigned char *offered, unsigned offered_size, void *argument)
{
    (void)ssl;
    const amqpc_tls *tls = (const amqpc_tls *)argument;
    for (unsigned at = 0; at < offered_size; at += offered[at] + 1U) {
        unsigned size = offered[at];
        if (size + 1 == tls->alpn_size && offered_size - at > size &&
            memcmp(offered + at, tls->alpn, size + 1) == 0) {
            *chosen = tls->alpn + 1;
            *chosen_size = tls->alpn[0];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2 */
}

/* No ALPN is offered without a name. False: no memory. */
static bool set_protocol(amqpc_tls *tls, const char *alpn)
{
    if (alpn == NULL) {
        return true;
    }
    size_t size = strlen(alpn);
    tls->alpn[0] = (unsigned char)size;
    memcpy(tls->alpn + 1, alpn, size + 1);
    tls->alpn_size = (unsigned)size + 1;
    if (tls->is_server) {
        SSL_CTX_set_alpn_select_cb(tls->context, choose_protocol, tls);
        return true;
    }
    return SSL_CTX_set_alpn_protos(tls->context, tls->alpn, tls->alpn_size) == 0;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    amqpci_tls_stream *stream = amqpci_tls_stream_of(ssl);
    amqpc_tls *tls = stream->tls;
    return amqpci_tls_sessions_put(&tls->sessions, &tls->allocator, stream->host, session);
}

/* A server's sessions are in its tickets, which its clients keep. */
static bool set_resumption(amqpc_tls *tls, bool is_on)
{
    SSL_CTX *context = tls->context;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!is_on) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        return !tls->is_server || SSL_CTX_set_num_tickets(context, 0) == 1;
    }
    if (tls->is_server) {
        static const unsigned char name[] = "libamqpcodec";
        return SSL_CTX_set_session_id_context(context, name, sizeof name - 1) == 1;
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    return true;
}

/* False: no memory. */
static bool make_context(amqpc_tls *tls, const amqpc_tls_options *options)
{
    tls->method = amqpci_tls_method_new();
    tls->context = SSL_CTX_new(tls->is_server ? TLS_server_method() : TLS_client_method());
    if (tls->method == NULL || tls->context == NULL) {
        return false;
    }
    SSL_CTX *context = tls->context;
    if (SSL_CTX_get_min_proto_version(context) < TLS1_2_VERSION) {
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    prefer_aes_128(context);
    amqpci_tls_stream_prepare(tls);
    return set_resumption(tls, options->resume_sessions) && set_protocol(tls, options->alpn);
}

/* --- Certificates and keys. */

/* password   NULL for none
 * was_asked  the key is encrypted */
typedef struct password_question {
    const char *password;
    bool was_asked;
} password_question;

/* Without this OpenSSL would ask at the terminal. */
static int give_password(char *buffer, int capacity, int is_written, void *argument)
{
    (void)is_written;
    password_question *question = (password_question *)argument;
    question->was_asked = true;
    size_t size = question->password != NULL ? strlen(question->password) : 0;
    if (size == 0 || size > (size_t)capacity) {
        return -1;
    }
    memcpy(buffer, question->password, size);
    return (int)size;
}

static bool is_readable(const char *path, char *reason, size_t reason_size)
{
    if (access(path, R_OK) == 0) {
        return true;
    }
    amqpci_tls_reason(reason, reason_size, "%s: %s", path, strerror(errno));
    return false;
}

/* Why the key was not taken. */
static void tell_key(const char *key, const char *certificate, const password_question *question,
                     char *reason, size_t reason_size)
{
    unsigned long error = ERR_peek_last_error();
    bool is_foreign = ERR_GET_LIB(error) == ERR_LIB_X509 &&
                      (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                       ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
    if (is_foreign || error == 0) {
        amqpci_tls_reason(reason, reason_size,
                          "the key in %s does not belong to the certificate in %s", key,
                          certificate);
    } else if (question->was_asked && question->password == NULL) {
        amqpci_tls_reason(reason, reason_size, "the key in %s needs a password", key);
    } else if (question->was_asked) {
        amqpci_tls_reason(reason, reason_size, "the password does not open the key in %s", key);
    } else {
        amqpci_tls_reason(reason, reason_size, "%s: no private key in PEM: %s", key,
                          amqpci_tls_reason_openssl());
    }
}

static amqpc_status load_credentials(SSL_CTX *context, const amqpc_tls_options *options,
                                     char *reason, size_t reason_size)
{
    const char *certificate = options->certificate;
    const char *key = options->key != NULL ? options->key : certificate;
    if (certificate == NULL) {
        return AMQPC_OK;
    }
    if (!is_readable(certificate, reason, reason_size) || !is_readable(key, reason, reason_size)) {
        return AMQPC_TLS_BAD_CREDENTIALS;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
        amqpci_tls_reason(reason, reason_size, "%s: no certificate in PEM: %s", certificate,
                          amqpci_tls_reason_openssl());
        return AMQPC_TLS_BAD_CREDENTIALS;
    }
    password_question question = {.password = options->key_password};
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, &question);
    ERR_clear_error();
    bool is_good = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 &&
                   SSL_CTX_check_private_key(context) == 1;
    SSL_CTX_set_default_passwd_cb(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (!is_good) {
        tell_key(key, certificate, &question, reason, reason_size);
        return AMQPC_TLS_BAD_CREDENTIALS;
    }
    return AMQPC_OK;
}

/* Whom the other end has to be vouched for by. */
static amqpc_status load_trust(SSL_CTX *context, const amqpc_tls_options *options, bool is_server,
                               char *reason, size_t reason_size)
{
    if (!options->verify_peer) {
        return AMQPC_OK;
    }
    if (options->ca == NULL) {
        return amqpci_tls_trust_system(context, NULL, reason, reason_size);
    }
    amqpc_status status = amqpci_tls_trust_file(context, options->ca, reason, reason_size);
    if (status == AMQPC_OK && is_server) { /* tells clients which of their certificates to send */
        SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options->ca));
    }
    return status;
}

/* --- Life. */

static amqpc_status make(amqpc_tls *made, const amqpc_tls_options *options, char *reason,
                         size_t reason_size)
{
    if (!make_context(made, options)) {
        amqpci_tls_reason(reason, reason_size, "%s", amqpc_status_text(AMQPC_NO_MEMORY));
        return AMQPC_NO_MEMORY;
    }
    amqpc_status status = load_trust(made->context, options, made->is_server, reason, reason_size);
    if (status == AMQPC_OK) {
        status = load_credentials(made->context, options, reason, reason_size);
    }
    return status;
}

amqpc_status amqpc_tls_new(const amqpc_allocator *allocator, uint32_t role,
                           const amqpc_tls_options *options, amqpc_tls **tls, char *reason,
                           size_t reason_size)
{
    amqpc_tls_options chosen;
    amqpc_tls_options_init(&chosen, role, sizeof chosen);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&chosen, options, size < sizeof chosen ? size : sizeof chosen);
    }
    const char *fault = fault_of(role, &chosen);
    if (fault != NULL) {
        amqpci_tls_reason(reason, reason_size, "%s", fault);
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_allocator memory = amqpci_allocator_or_default(allocator);
    amqpc_tls *made = (amqpc_tls *)amqpci_new(&memory, sizeof *made);
    if (made == NULL ||
        amqpci_tls_sessions_init(&made->sessions, chosen.resume_sessions) != AMQPC_OK) {
        amqpci_release(&memory, made);
        amqpci_tls_reason(reason, reason_size, "%s", amqpc_status_text(AMQPC_NO_MEMORY));
        return AMQPC_NO_MEMORY;
    }
    made->allocator = memory;
    atomic_init(&made->references, 1);
    made->is_server = role == AMQPC_SERVER;
    made->verify_peer = chosen.verify_peer;
    made->verify_host = chosen.verify_peer && chosen.verify_host && role == AMQPC_CLIENT;
    made->key_records = KEY_RECORDS;
    ERR_clear_error();
    amqpc_status status = make(made, &chosen, reason, reason_size);
    ERR_clear_error();
    if (status != AMQPC_OK) {
        amqpc_tls_free(made);
        return status;
    }
    *tls = made;
    return AMQPC_OK;
}

void amqpci_tls_retain(amqpc_tls *tls)
{
    atomic_fetch_add_explicit(&tls->references, 1, memory_order_relaxed);
}

void amqpc_tls_free(amqpc_tls *tls)
{
    if (tls == NULL || atomic_fetch_sub_explicit(&tls->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    amqpc_allocator allocator = tls->allocator;
    amqpci_tls_sessions_clean_up(&tls->sessions, &allocator);
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    for (unsigned i = 0; i < AMQPCI_TLS_SPARE_COUNT; i++) {
        amqpci_release(&allocator, atomic_load(&tls->spares[i]));
    }
    amqpci_release(&allocator, tls);
}

bool amqpc_tls_is_available(void)
{
    return true;
}

bool amqpci_tls_is_server(const amqpc_tls *tls)
{
    return tls->is_server;
}
