/* Whose certificates are trusted: a file of the caller's, or the system's store. */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/tls_object.h"

/* Debian, Ubuntu, Arch, Alpine; Fedora, RHEL; openSUSE; Alpine, the BSDs, macOS; FreeBSD. */
static const char *const well_known[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/openssl/certs/ca-certificates.crt",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    NULL,
};

amqpc_status amqpci_tls_trust_file(SSL_CTX *context, const char *path, char *reason,
                                   size_t reason_size)
{
    if (access(path, R_OK) != 0) {
        amqpci_tls_reason(reason, reason_size, "%s: %s", path, strerror(errno));
        return AMQPC_TLS_BAD_CREDENTIALS;
    }
    if (SSL_CTX_load_verify_file(context, path) != 1) {
        amqpci_tls_reason(reason, reason_size, "%s: no certificates in PEM: %s", path,
                          amqpci_tls_reason_openssl());
        return AMQPC_TLS_BAD_CREDENTIALS;
    }
    /* Each of the file is trusted, whether it has signed itself or not. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    return AMQPC_OK;
}

/* Whether a folder holds certificates by the hashes of their subjects: "5ed36f99.0". */
static bool has_certificates(const char *path)
{
    enum { HASH_DIGITS = 8 };
    DIR *folder = opendir(path);
    bool has = false;
    const struct dirent *entry = NULL;
    while (folder != NULL && !has && (entry = readdir(folder)) != NULL) {
        has = strspn(entry->d_name, "0123456789abcdef") == HASH_DIGITS &&
              entry->d_name[HASH_DIGITS] == '.';
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return has;
}

/* Whether one of the folders between colons holds certificates; those that do are added. */
static bool add_folders(SSL_CTX *context, const char *folders)
{
    bool has = false;
    for (const char *at = folders; *at != 0;) {
        char path[PATH_MAX];
        size_t size = strcspn(at, ":");
        if (size > 0 && size < sizeof path) {
            memcpy(path, at, size);
            path[size] = 0;
            has = (has_certificates(path) && SSL_CTX_load_verify_dir(context, path) == 1) || has;
        }
        at += size + (at[size] == ':');
    }
    return has;
}

static bool add_file(SSL_CTX *context, const char *path)
{
    return access(path, R_OK) == 0 && SSL_CTX_load_verify_file(context, path) == 1;
}

amqpc_status amqpci_tls_trust_system(SSL_CTX *context, const amqpci_tls_places *places,
                                     char *reason, size_t reason_size)
{
    const amqpci_tls_places system = {
        .file = X509_get_default_cert_file(),
        .folder = X509_get_default_cert_dir(),
        .others = well_known,
    };
    places = places != NULL ? places : &system;
    const char *named_file = secure_getenv(X509_get_default_cert_file_env());
    const char *named_folder = secure_getenv(X509_get_default_cert_dir_env());
    bool has = add_file(context, named_file != NULL ? named_file : places->file);
    has = add_folders(context, named_folder != NULL ? named_folder : places->folder) || has;
    /* What the environment names stands for the system's store: it is not exceeded. */
    bool is_named = named_file != NULL || named_folder != NULL;
    for (const char *const *path = places->others; !is_named && !has && *path != NULL; path++) {
        has = has_certificates(*path) ? add_folders(context, *path) : add_file(context, *path);
    }
    ERR_clear_error();
    if (has) {
        return AMQPC_OK;
    }
    if (is_named) {
        amqpci_tls_reason(
            reason, reason_size,
            "no certificates of authorities where SSL_CERT_FILE and SSL_CERT_DIR say");
    } else {
        amqpci_tls_reason(reason, reason_size,
                          "no certificates of authorities on this system: neither %s, nor in %s, "
                          "nor where others have them; name a file of them",
                          places->file, places->folder);
    }
    return AMQPC_TLS_BAD_CREDENTIALS;
}
