/* Certificates and keys of tests. */
#include "support/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add_name(X509_NAME *name, const char *field, const char *value)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, 0),
                     1);
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

certified certificate_make(const certificate_request *request)
{
    static long serial = 1;
    certified made = {EVP_EC_gen("P-256"), X509_new()};
    assert_non_null(made.key);
    assert_non_null(made.certificate);
    X509 *certificate = made.certificate;
    const certified *issuer = request->issuer != NULL ? request->issuer : &made;
    bool has_days = request->from_day != 0 || request->to_day != 0;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_time_adj_ex(X509_getm_notBefore(certificate), has_days ? request->from_day : -1, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(certificate), has_days ? request->to_day : 1, 0, NULL);
    X509_set_pubkey(certificate, made.key);
    add_name(X509_get_subject_name(certificate), "O", "Tests");
    add_name(X509_get_subject_name(certificate), "CN", request->common_name);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate));
    add_extension(certificate, NID_basic_constraints,
                  request->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (request->names != NULL) {
        add_extension(certificate, NID_subject_alt_name, request->names);
    }
    assert_true(X509_sign(certificate, issuer->key, EVP_sha256()) > 0);
    return made;
}

void certificate_free(certified *made)
{
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
    *made = (certified){0};
}

void certificate_write(const certified *made, const char *path, bool certificate, bool key,
                       const char *password)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (certificate) {
        assert_int_equal(PEM_write_X509(file, made->certificate), 1);
    }
    if (key) {
        const EVP_CIPHER *cipher = password != NULL ? EVP_aes_128_cbc() : NULL;
        int size = password != NULL ? (int)strlen(password) : 0;
        assert_int_equal(
            PEM_write_PKCS8PrivateKey(file, made->key, cipher, password, size, NULL, NULL), 1);
    }
    assert_int_equal(fclose(file), 0);
}
