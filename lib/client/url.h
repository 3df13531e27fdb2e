/* URLs of clients, in pieces: which bytes are which part (RFC 3986), and percent encoding.
 *
 *     amqp://user:password@host:port/?option=value&option=value
 *     amqps://[::1]
 *     amqp+unix:///path/of/socket?option=value        amqp+unix://%40abstract-name
 *
 * Several are separated by commas; after the first one the scheme may be left out, and is then that
 * of the one before. Nothing is copied, and nothing of the URL is in the words for what is wrong
 * with it: a mark that is not encoded makes any part of a password look like any other part. */
#ifndef AMQPCI_CLIENT_URL_H
#define AMQPCI_CLIENT_URL_H

#include <amqpcodec/status.h>

typedef enum amqpci_scheme {
    AMQPCI_SCHEME_NONE = 0, /* left out */
    AMQPCI_SCHEME_AMQP = 1,
    AMQPCI_SCHEME_AMQPS = 2,
    AMQPCI_SCHEME_UNIX = 3
} amqpci_scheme;

/* Bytes of the URL, percent encoding and all. present: the mark that begins the part is there,
 * which is not the same as an empty part. */
typedef struct amqpci_url_part {
    size_t offset;
    size_t size;
    bool present;
} amqpci_url_part;

/* One URL of the list.
 *
 * is_literal  the host stood in brackets, which `host` has not
 * end         offset of the comma behind it, or of the end of the list */
typedef struct amqpci_url {
    amqpci_scheme scheme;
    amqpci_url_part user;
    amqpci_url_part password;
    amqpci_url_part host;
    amqpci_url_part port;
    amqpci_url_part path;
    amqpci_url_part query;
    bool is_literal;
    size_t end;
} amqpci_url;

/* What is wrong with a URL: the offset of the first byte at fault, and a static text. */
typedef struct amqpci_url_fault {
    size_t offset;
    const char *reason;
} amqpci_url_fault;

/* Whether two texts of a size are the same but for the case of their letters of ASCII, whatever the
 * locale. */
bool amqpci_same_word(const char *left, const char *right, size_t size);

/* Whether the bytes of a list of URLs are such as may stand in one. AMQPC_BAD_URL. */
AMQPC_CHECK amqpc_status amqpci_url_check(const char *text, amqpci_url_fault *fault);

/* Splits the URL at `offset`, which is 0 or behind a comma. AMQPC_BAD_URL. */
AMQPC_CHECK amqpc_status amqpci_url_split(const char *text, size_t offset, amqpci_url *url,
                                          amqpci_url_fault *fault);

/* Undoes the percent encoding of a part.
 *
 * decoded  room for part->size + 1 bytes; receives UTF-8 that ends with NUL, and has no other
 * size     receives how many bytes, NUL not included
 *
 * AMQPC_BAD_URL. */
AMQPC_CHECK amqpc_status amqpci_url_decode(const char *text, const amqpci_url_part *part,
                                           char *decoded, size_t *size, amqpci_url_fault *fault);

/* The number of a port. AMQPC_BAD_URL where it is none from 1 to 65,535. */
AMQPC_CHECK amqpc_status amqpci_url_port(const char *text, const amqpci_url_part *part,
                                         uint32_t *port, amqpci_url_fault *fault);

/* Takes the next `name=value` off a query; an option without '=' has a value that is not present.
 * Returns false at its end. */
bool amqpci_url_next_option(const char *text, amqpci_url_part *query, amqpci_url_part *name,
                            amqpci_url_part *value);

#endif
