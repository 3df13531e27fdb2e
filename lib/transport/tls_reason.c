/* What went wrong with TLS, in words for people.
 *
 * Names in certificates are the peer's: only printable ASCII of them gets into a text. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "transport/tls_object.h"

enum { NAMES_MAX = 3, NAME_SIZE = 80, NAMES_SIZE = NAMES_MAX * (NAME_SIZE + 2) + 8 };

void amqpci_tls_reason(char *reason, size_t reason_size, const char *format, ...)
{
    if (reason_size == 0) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reason, reason_size, format, arguments) < 0) {
        reason[0] = 0;
    }
    va_end(arguments);
}

const char *amqpci_tls_reason_openssl(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "OpenSSL does not say why";
}

/* Copies what of a name can be printed; '?' stands for the rest. */
static void copy_printable(char *to, size_t capacity, const unsigned char *from, size_t size)
{
    size_t count = size < capacity - 1 ? size : capacity - 1;
    for (size_t i = 0; i < count; i++) {
        to[i] = '?';
        if (from[i] > ' ' && from[i] <= '~') {
            to[i] = (char)from[i];
        }
    }
    to[count] = 0;
}

/* A name in an X.509 name's notation; OpenSSL escapes what is not printable. */
static void print_name(const X509_NAME *name, char *text, size_t size)
{
    text[0] = 0;
    BIO *memory = BIO_new(BIO_s_mem());
    if (memory != NULL && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253) >= 0) {
        int count = BIO_read(memory, text, (int)size - 1);
        text[count > 0 ? count : 0] = 0;
    }
    BIO_free(memory);
    if (text[0] == 0) {
        amqpci_tls_reason(text, size, "(no name)");
    }
}

char *amqpci_tls_subject(const amqpc_allocator *allocator, const X509 *certificate)
{
    char *subject = NULL;
    char *data = NULL;
    BIO *memory = BIO_new(BIO_s_mem());
    const unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    if (memory != NULL &&
        X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, flags) >= 0) {
        size_t size = (size_t)BIO_get_mem_data(memory, &data);
        subject = (char *)allocator->allocate(allocator->context, size + 1);
        if (subject != NULL && size > 0) {
            memcpy(subject, data, size);
        }
        if (subject != NULL) {
            subject[size] = 0;
        }
    }
    BIO_free(memory);
    return subject;
}

/* One of the names that a certificate is for; false for kinds that hosts do not have. */
static bool print_host(const GENERAL_NAME *name, char *text, size_t size)
{
    int kind = 0;
    const ASN1_STRING *value = (const ASN1_STRING *)GENERAL_NAME_get0_value(name, &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD) {
        return false;
    }
    const unsigned char *data = ASN1_STRING_get0_data(value);
    int length = ASN1_STRING_length(value);
    if (kind == GEN_DNS) {
        copy_printable(text, size, data, (size_t)length);
        return true;
    }
    return (length == 4 && inet_ntop(AF_INET, data, text, (socklen_t)size) != NULL) ||
           (length == 16 && inet_ntop(AF_INET6, data, text, (socklen_t)size) != NULL);
}

/* The hosts that a certificate is for, the first few; its subject where it names none. */
static void print_hosts(const X509 *certificate, char *text, size_t size)
{
    GENERAL_NAMES *names =
        (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;
    int found = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && found <= NAMES_MAX; i++) {
        char name[NAME_SIZE];
        if (!print_host(sk_GENERAL_NAME_value(names, i), name, sizeof name)) {
            continue;
        }
        const char *shown = found < NAMES_MAX ? name : "...";
        amqpci_tls_reason(text + used, size - used, "%s%s", found == 0 ? "" : ", ", shown);
        used += strlen(text + used);
        found++;
    }
    GENERAL_NAMES_free(names);
    if (found == 0) {
        print_name(X509_get_subject_name(certificate), text, size);
    }
}

/* A date as "2026-05-01 12:00:00 UTC". */
static void print_time(const ASN1_TIME *at, char *text, size_t size)
{
    struct tm parts;
    if (at == NULL || ASN1_TIME_to_tm(at, &parts) != 1 ||
        strftime(text, size, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        amqpci_tls_reason(text, size, "(no date)");
    }
}

void amqpci_tls_reason_certificate(char *reason, size_t reason_size, X509_STORE_CTX *verification,
                                   const char *host)
{
    int error = X509_STORE_CTX_get_error(verification);
    const char *words = X509_verify_cert_error_string(error);
    const X509 *certificate = X509_STORE_CTX_get_current_cert(verification);
    if (certificate == NULL) {
        amqpci_tls_reason(reason, reason_size, "certificate: %s", words);
        return;
    }
    char subject[NAMES_SIZE];
    char other[NAMES_SIZE];
    print_name(X509_get_subject_name(certificate), subject, sizeof subject / 2);
    switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        print_hosts(certificate, other, sizeof other);
        amqpci_tls_reason(reason, reason_size, "certificate is for %s, not for %s", other, host);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        print_time(X509_get0_notAfter(certificate), other, sizeof other);
        amqpci_tls_reason(reason, reason_size, "certificate of %s expired at %s", subject, other);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        print_time(X509_get0_notBefore(certificate), other, sizeof other);
        amqpci_tls_reason(reason, reason_size, "certificate of %s is valid from %s on", subject,
                          other);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        print_name(X509_get_issuer_name(certificate), other, sizeof other / 2);
        amqpci_tls_reason(reason, reason_size,
                          "certificate of %s: its issuer %s is not among those trusted", subject,
                          other);
        break;
    default:
        amqpci_tls_reason(reason, reason_size, "certificate of %s: %s", subject, words);
        break;
    }
}

/* --- Ends of streams. */

/* What OpenSSL's error means. The reason of a certificate's refusal is there already. */
static amqpc_status tell_failure(amqpci_tls_stream *stream)
{
    char *reason = stream->reason;
    unsigned long error = ERR_peek_error();
    int cause = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    if (cause == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        return AMQPC_TLS_CERTIFICATE;
    }
    if (cause == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        amqpci_tls_reason(reason, AMQPCI_TLS_REASON_SIZE, "the client has sent no certificate");
        return AMQPC_TLS_CERTIFICATE;
    }
    if (stream->allowance == 0) {
        amqpci_tls_reason(reason, AMQPCI_TLS_REASON_SIZE,
                          "too many records without data, such as those of KeyUpdate");
        return AMQPC_TLS_FAILED;
    }
    if (stream->alert >= 0) {
        amqpci_tls_reason(reason, AMQPCI_TLS_REASON_SIZE, "the peer refuses: %s",
                          SSL_alert_desc_string_long(stream->alert));
        return AMQPC_TLS_FAILED;
    }
    if (stream->is_ended && stream->is_established) {
        amqpci_tls_reason(reason, AMQPCI_TLS_REASON_SIZE, "%s",
                          amqpc_status_text(AMQPC_TLS_TRUNCATED));
        return AMQPC_TLS_TRUNCATED;
    }
    if (stream->is_ended) {
        amqpci_tls_reason(reason, AMQPCI_TLS_REASON_SIZE,
                          "the peer closed the connection during the handshake of TLS");
        return AMQPC_STREAM_ENDED;
    }
    bool is_other = cause == SSL_R_WRONG_VERSION_NUMBER || cause == SSL_R_HTTP_REQUEST;
    amqpci_tls_reason(reason, AMQPCI_TLS_REASON_SIZE, "%s",
                      is_other && !stream->is_established ? "the peer does not speak TLS"
                                                          : amqpci_tls_reason_openssl());
    return AMQPC_TLS_FAILED;
}

amqpc_status amqpci_tls_stream_fail(amqpci_tls_stream *stream)
{
    bool is_output = stream->output_failure != AMQPC_OK;
    stream->failure = is_output ? stream->output_failure : tell_failure(stream);
    stream->base.reason = is_output ? NULL : stream->reason;
    ERR_clear_error();
    /* The alert that tells the peer goes if it can; nobody would send the rest. */
    if (is_output || amqpci_tls_bytes_send(stream) != AMQPC_OK) {
        stream->output.begin = stream->output.end;
    }
    return stream->failure;
}
