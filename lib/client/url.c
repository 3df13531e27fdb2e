/* URLs of clients, in pieces (RFC 3986). */
#include "client/url.h"

#include <string.h>

#include "codec/text.h"

static const struct {
    const char *prefix;
    amqpci_scheme scheme;
} schemes[] = {
    {"amqp://", AMQPCI_SCHEME_AMQP},
    {"amqps://", AMQPCI_SCHEME_AMQPS},
    {"amqp+unix://", AMQPCI_SCHEME_UNIX},
};

static amqpc_status refuse(amqpci_url_fault *fault, size_t offset, const char *reason)
{
    *fault = (amqpci_url_fault){offset, reason};
    return AMQPC_BAD_URL;
}

static amqpci_url_part part_between(size_t begin, size_t end)
{
    return (amqpci_url_part){begin, end - begin, true};
}

static size_t part_end(const amqpci_url_part *part)
{
    return part->offset + part->size;
}

/* The offset of the first of some bytes from `begin` on, or `end`. */
static size_t find_first(const char *text, size_t begin, size_t end, const char *marks)
{
    size_t found = begin + strcspn(text + begin, marks);
    return found < end ? found : end;
}

static char lower(char letter)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    if (letter < 'A' || letter > 'Z') {
        return letter;
    }
    return letters[letter - 'A'];
}

bool amqpci_same_word(const char *left, const char *right, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (lower(left[i]) != lower(right[i])) {
            return false;
        }
    }
    return true;
}

amqpc_status amqpci_url_check(const char *text, amqpci_url_fault *fault)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte <= ' ' || byte == 0x7f) {
            return refuse(fault, i, "spaces and control characters are written as %XX");
        }
        if (byte == '#') {
            return refuse(fault, i, "'#' is written as %23: a fragment has no meaning here");
        }
    }
    return AMQPC_OK;
}

/* Reads the scheme; *at moves behind it. */
static amqpc_status split_scheme(const char *text, size_t *at, size_t end, amqpci_url *url,
                                 amqpci_url_fault *fault)
{
    const char *here = text + *at;
    if (*at == end) {
        return refuse(fault, *at, "a URL is missing");
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t size = strlen(schemes[i].prefix);
        if (amqpci_same_word(here, schemes[i].prefix, size)) {
            url->scheme = schemes[i].scheme;
            *at += size;
            return AMQPC_OK;
        }
    }
    const char *mark = strstr(here, "://");
    bool left_out = *at > 0 && (mark == NULL || (size_t)(mark - text) > end);
    return left_out ? AMQPC_OK
                    : refuse(fault, *at, "a URL begins with amqp://, amqps:// or amqp+unix://");
}

/* Takes user and password off the authority, which begins at *at. The last '@' ends them: a host
 * has none. */
static amqpc_status split_user(const char *text, size_t *at, size_t end, amqpci_url *url,
                               amqpci_url_fault *fault)
{
    size_t mark = end;
    while (mark > *at && text[mark - 1] != '@') {
        mark--;
    }
    if (mark == *at) {
        return AMQPC_OK;
    }
    if (url->scheme == AMQPCI_SCHEME_NONE) {
        /* More likely a password with a comma. */
        return refuse(fault, *at,
                      "a URL without a scheme has no user; ',' in a password is written as %2C");
    }
    size_t user_end = find_first(text, *at, mark - 1, ":");
    url->user = part_between(*at, user_end);
    if (url->user.size == 0) {
        return refuse(fault, *at, "the user is missing");
    }
    if (user_end < mark - 1) {
        url->password = part_between(user_end + 1, mark - 1);
    }
    if (url->password.present && url->password.size == 0) {
        return refuse(fault, user_end, "the password behind ':' is missing");
    }
    *at = mark;
    return AMQPC_OK;
}

/* Splits host and port. */
static amqpc_status split_host(const char *text, size_t at, size_t end, amqpci_url *url,
                               amqpci_url_fault *fault)
{
    size_t host_end = find_first(text, at, end, ":");
    if (text[at] == '[') {
        host_end = find_first(text, at, end, "]");
        if (host_end == end) {
            return refuse(fault, at, "the bracket is not closed");
        }
        url->is_literal = true;
        url->host = part_between(at + 1, host_end);
        host_end++;
    } else {
        url->host = part_between(at, host_end);
    }
    if (host_end == end) {
        return AMQPC_OK;
    }
    if (text[host_end] != ':') {
        return refuse(fault, host_end, "behind the bracket stands ':' and a port, or nothing");
    }
    url->port = part_between(host_end + 1, end);
    if (!url->is_literal && find_first(text, host_end + 1, end, ":") < end) {
        return refuse(fault, at, "an IPv6 address stands in brackets");
    }
    return AMQPC_OK;
}

/* A raw '@' behind the authority is most likely that of a user and password, which have a '/' or
 * '?' that is not encoded: what looks like options is secret. */
static amqpc_status check_behind(const char *text, size_t authority_end, const amqpci_url *url,
                                 amqpci_url_fault *fault)
{
    size_t from = authority_end;
    if (url->scheme == AMQPCI_SCHEME_UNIX) { /* the name of a file may have one */
        from = url->query.present ? url->query.offset : url->end;
    }
    size_t mark = find_first(text, from, url->end, "@");
    if (mark < url->end) {
        return refuse(fault, mark,
                      "'@' is written as %40 here, as are '/' (%2F) and '?' (%3F) in a password");
    }
    return AMQPC_OK;
}

amqpc_status amqpci_url_split(const char *text, size_t offset, amqpci_url *url,
                              amqpci_url_fault *fault)
{
    size_t at = offset;
    size_t end = offset + strcspn(text + offset, ",");
    *url = (amqpci_url){.end = end};
    amqpc_status status = split_scheme(text, &at, end, url, fault);
    if (status != AMQPC_OK) {
        return status;
    }
    size_t authority_end = find_first(text, at, end, "/?");
    size_t path_end = find_first(text, authority_end, end, "?");
    url->path = part_between(authority_end, path_end);
    if (path_end < end) {
        url->query = part_between(path_end + 1, end);
    }
    status = split_user(text, &at, authority_end, url, fault);
    if (status == AMQPC_OK) {
        status = check_behind(text, authority_end, url, fault);
    }
    return status == AMQPC_OK ? split_host(text, at, authority_end, url, fault) : status;
}

/* The value of a hexadecimal digit, or -1. */
static int hexadecimal(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Decodes the byte at *at, which moves on; -1 where it is none. */
static int decode_byte(const char *text, size_t *at, size_t end)
{
    if (text[*at] != '%') {
        return (unsigned char)text[(*at)++];
    }
    if (end - *at < 3) {
        return -1;
    }
    int high = hexadecimal(text[*at + 1]);
    int low = hexadecimal(text[*at + 2]);
    *at += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

amqpc_status amqpci_url_decode(const char *text, const amqpci_url_part *part, char *decoded,
                               size_t *size, amqpci_url_fault *fault)
{
    size_t at = part->offset;
    size_t end = part_end(part);
    size_t used = 0;
    while (at < end) {
        size_t begin = at;
        int byte = decode_byte(text, &at, end);
        if (byte < 0) {
            return refuse(fault, begin, "two hexadecimal digits follow '%'; '%' is written as %25");
        }
        if (byte == 0) {
            return refuse(fault, begin, "%00 may not stand in any part");
        }
        decoded[used++] = (char)byte;
    }
    decoded[used] = '\0';
    if (!amqpci_is_utf8((const uint8_t *)decoded, used)) {
        return refuse(fault, part->offset, "the part is not UTF-8");
    }
    *size = used;
    return AMQPC_OK;
}

amqpc_status amqpci_url_port(const char *text, const amqpci_url_part *part, uint32_t *port,
                             amqpci_url_fault *fault)
{
    enum { DIGITS_MAX = 5, PORT_MAX = 65535 };
    uint32_t number = 0;
    bool good = part->size > 0 && part->size <= DIGITS_MAX;
    for (size_t i = 0; good && i < part->size; i++) {
        char digit = text[part->offset + i];
        good = digit >= '0' && digit <= '9';
        number = number * 10 + (uint32_t)(digit - '0');
    }
    if (!good || number == 0 || number > PORT_MAX) {
        return refuse(fault, part->offset, "a port is a number from 1 to 65535");
    }
    *port = number;
    return AMQPC_OK;
}

bool amqpci_url_next_option(const char *text, amqpci_url_part *query, amqpci_url_part *name,
                            amqpci_url_part *value)
{
    if (!query->present || query->size == 0) {
        return false;
    }
    size_t end = part_end(query);
    size_t option_end = find_first(text, query->offset, end, "&");
    size_t name_end = find_first(text, query->offset, option_end, "=");
    *name = part_between(query->offset, name_end);
    *value = (amqpci_url_part){name_end, 0, false};
    if (name_end < option_end) {
        *value = part_between(name_end + 1, option_end);
    }
    *query = option_end < end ? part_between(option_end + 1, end) : (amqpci_url_part){end, 0, true};
    return true;
}
