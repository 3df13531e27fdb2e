/* What a client goes by: URL before options before defaults; all checked before anything connects.
 */
#define _DEFAULT_SOURCE /* sockaddr_un.sun_path, inet_pton */
#include "client/settings.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "client/option.h"
#include "client/url.h"

enum {
    PORT_CLEAR = 5672, /* AMQP's of IANA */
    PORT_TLS = 5671,
    HOST_SIZE_MAX = 255, /* of a name of DNS */
    SHOWN_MAX = 48,      /* bytes of what the user wrote, in a message */
    URL_TEXTS = 4,       /* of one URL: user, password, host or path, and one to spare */
};

/* Settings on their way.
 *
 * given  what the program says, in a struct that is whole
 * said   by row: the URL says it */
typedef struct builder {
    amqpci_settings *made;
    const char *url;
    amqpc_client_options given;
    amqpc_client_error *error;
    bool said[AMQPCI_OPTIONS_MAX];
} builder;

/* --- What is wrong. */

__attribute__((format(printf, 3, 4))) static amqpc_status
refuse(const builder *build, amqpc_status status, const char *format, ...)
{
    if (build->error == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    *build->error = (amqpc_client_error){.status = status};
    (void)vsnprintf(build->error->text, sizeof build->error->text, format, arguments);
    va_end(arguments);
    return status;
}

static amqpc_status refuse_url(const builder *build, const amqpci_url_fault *fault)
{
    return refuse(build, AMQPC_BAD_URL, "%s (at byte %zu of the URL)", fault->reason,
                  fault->offset);
}

static amqpc_status refuse_part(const builder *build, size_t offset, const char *reason)
{
    const amqpci_url_fault fault = {offset, reason};
    return refuse_url(build, &fault);
}

/* What the user wrote, as it may stand in a message: cut, and without what a terminal obeys. */
static const char *shown(const char *text, size_t size, char *room)
{
    size_t kept = size < SHOWN_MAX ? size : SHOWN_MAX;
    for (size_t i = 0; i < kept; i++) {
        room[i] = text[i];
        if (text[i] < ' ' || text[i] > '~') {
            room[i] = '?';
        }
    }
    memcpy(room + kept, size > kept ? "..." : "", size > kept ? 4 : 1);
    return room;
}

/* A value that may not stand in an option. text: NULL where it is a number of the program's.
 * offset: in the URL; SIZE_MAX for what the program says. */
static amqpc_status refuse_value(const builder *build, const amqpci_option *option,
                                 const char *text, size_t offset)
{
    char expectation[256];
    char value[SHOWN_MAX + 4];
    char place[64] = "in the program's options";
    amqpci_option_expectation(option, expectation, sizeof expectation);
    if (offset != SIZE_MAX) {
        (void)snprintf(place, sizeof place, "at byte %zu of the URL", offset);
    }
    if (text == NULL || option->kind == AMQPCI_OPTION_SECRET) {
        return refuse(build, AMQPC_BAD_OPTION, "%s: the value is not %s (%s)", option->name,
                      expectation, place);
    }
    return refuse(build, AMQPC_BAD_OPTION, "%s: '%s' is not %s (%s)", option->name,
                  shown(text, strlen(text), value), expectation, place);
}

/* --- Texts. */

/* Room for a text of a size, and its NUL. */
static char *take_room(amqpci_settings *made, size_t size)
{
    assert(size < made->texts.size - made->texts_used);
    char *room = (char *)made->texts.data + made->texts_used;
    made->texts_used += size + 1;
    return room;
}

static amqpc_status take_part(builder *build, const amqpci_url_part *part, char **text)
{
    size_t size = 0;
    amqpci_url_fault fault;
    char *room = take_room(build->made, part->size);
    amqpc_status status = amqpci_url_decode(build->url, part, room, &size, &fault);
    if (status != AMQPC_OK) {
        return refuse_url(build, &fault);
    }
    *text = room;
    return AMQPC_OK;
}

/* Makes room for hosts and texts: nothing in a URL is longer decoded than it was. */
static amqpc_status make_room(builder *build)
{
    amqpci_settings *made = build->made;
    size_t count = 1;
    for (const char *at = strchr(build->url, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    size_t size = 0;
    size_t hosts_size = 0;
    bool fits = !__builtin_mul_overflow(count, URL_TEXTS, &size) &&
                !__builtin_mul_overflow(count, sizeof *made->hosts, &hosts_size) &&
                !__builtin_add_overflow(size, strlen(build->url), &size);
    const amqpci_option *row = NULL;
    for (size_t i = 0; (row = amqpci_option_at(i)) != NULL && fits; i++) {
        const char *text =
            amqpci_option_is_text(row) ? *amqpci_option_text(row, &build->given) : NULL;
        fits = text == NULL || !__builtin_add_overflow(size, strlen(text) + 1, &size);
    }
    if (!fits) {
        return AMQPC_NO_MEMORY;
    }
    made->hosts = (amqpci_host *)amqpci_new(&made->allocator, hosts_size);
    return made->hosts == NULL ? AMQPC_NO_MEMORY
                               : amqpci_secret_resize(&made->allocator, &made->texts, size);
}

/* --- Options. */

static amqpc_status set_from_url(builder *build, const amqpci_option *option,
                                 const amqpci_url_part *value)
{
    amqpc_client_options *options = &build->made->options;
    char *text = NULL;
    amqpc_status status = take_part(build, value, &text);
    if (status != AMQPC_OK) {
        return status;
    }
    bool is_text = amqpci_option_is_text(option);
    bool good =
        is_text ? amqpci_option_check_text(option, text) : amqpci_option_set(option, text, options);
    if (good && is_text) {
        *amqpci_option_text(option, options) = text;
    }
    return good ? AMQPC_OK : refuse_value(build, option, text, value->offset);
}

static amqpc_status read_option(builder *build, const amqpci_url_part *name,
                                const amqpci_url_part *value)
{
    char room[SHOWN_MAX + 4];
    const char *text = build->url + name->offset;
    const amqpci_option *option = amqpci_option_find(text, name->size);
    if (option == NULL) {
        return refuse(build, AMQPC_BAD_OPTION, "there is no option '%s' (at byte %zu of the URL)",
                      shown(text, name->size, room), name->offset);
    }
    if (!value->present) {
        return refuse(build, AMQPC_BAD_OPTION,
                      "%s: '=' and a value are missing (at byte %zu of the URL)", option->name,
                      value->offset);
    }
    bool *said = &build->said[option - amqpci_option_at(0)];
    if (*said) {
        return refuse(build, AMQPC_BAD_OPTION, "%s stands there twice (at byte %zu of the URL)",
                      option->name, name->offset);
    }
    *said = true;
    return set_from_url(build, option, value);
}

static amqpc_status read_query(builder *build, amqpci_url_part query)
{
    amqpci_url_part name;
    amqpci_url_part value;
    amqpc_status status = AMQPC_OK;
    while (status == AMQPC_OK && amqpci_url_next_option(build->url, &query, &name, &value)) {
        status = read_option(build, &name, &value);
    }
    return status;
}

/* What the program says of an option that the URL does not mention. */
static amqpc_status read_given(builder *build, const amqpci_option *option)
{
    amqpc_client_options *options = &build->made->options;
    if (!amqpci_option_is_text(option)) {
        return amqpci_option_check_number(option, options)
                   ? AMQPC_OK
                   : refuse_value(build, option, NULL, SIZE_MAX);
    }
    const char *given = *amqpci_option_text(option, &build->given);
    if (given == NULL) {
        return AMQPC_OK;
    }
    size_t size = strlen(given);
    char *text = take_room(build->made, size);
    memcpy(text, given, size + 1);
    if (!amqpci_option_check_text(option, text)) {
        return refuse_value(build, option, text, SIZE_MAX);
    }
    *amqpci_option_text(option, options) = text;
    return AMQPC_OK;
}

static amqpc_status read_options(builder *build, const amqpci_url *first)
{
    amqpci_settings *made = build->made;
    const amqpci_option *row = NULL;
    made->options = build->given;
    made->options.struct_size = sizeof made->options;
    made->options.allocator = NULL;
    for (size_t i = 0; (row = amqpci_option_at(i)) != NULL; i++) {
        if (amqpci_option_is_text(row)) {
            *amqpci_option_text(row, &made->options) = NULL; /* until it is copied */
        }
    }
    amqpc_status status = read_query(build, first->query);
    for (size_t i = 0; status == AMQPC_OK && (row = amqpci_option_at(i)) != NULL; i++) {
        if (!build->said[i]) {
            status = read_given(build, row);
        }
    }
    return status;
}

static bool is_said(const builder *build, size_t offset)
{
    const amqpci_option *row = NULL;
    for (size_t i = 0; (row = amqpci_option_at(i)) != NULL; i++) {
        if (row->offset == offset) {
            return build->said[i];
        }
    }
    return false;
}

/* What options say of one another. */
static amqpc_status check_options(const builder *build)
{
    static const size_t of_tls[] = {
        offsetof(amqpc_client_options, ca),         offsetof(amqpc_client_options, certificate),
        offsetof(amqpc_client_options, key),        offsetof(amqpc_client_options, key_password),
        offsetof(amqpc_client_options, tls_host),   offsetof(amqpc_client_options, alpn),
        offsetof(amqpc_client_options, tls_verify),
    };
    const amqpc_client_options *options = &build->made->options;
    if (options->reconnect_delay_max_ms < options->reconnect_delay_ms) {
        return refuse(build, AMQPC_BAD_OPTION,
                      "reconnect-delay-max, %u ms, is less than reconnect-delay, %u ms",
                      (unsigned)options->reconnect_delay_max_ms,
                      (unsigned)options->reconnect_delay_ms);
    }
    if (options->key != NULL && options->certificate == NULL) {
        return refuse(build, AMQPC_BAD_OPTION, "key: there is no cert that it belongs to");
    }
    /* Said by the program they may be meant for other URLs; in a URL somebody thinks that it is
     * protected. */
    for (size_t i = 0; i < sizeof of_tls / sizeof *of_tls && !build->made->any_tls; i++) {
        if (is_said(build, of_tls[i])) {
            return refuse(build, AMQPC_BAD_OPTION,
                          "the URL has options of TLS, but none of its hosts is of amqps");
        }
    }
    return AMQPC_OK;
}

/* --- Hosts. */

/* Whether the text is an address of IPv6, with or without a zone (RFC 4007 11). */
static bool is_ipv6(const char *text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr bytes;
    size_t size = strcspn(text, "%");
    if (size >= sizeof address || (text[size] == '%' && text[size + 1] == '\0')) {
        return false;
    }
    memcpy(address, text, size);
    address[size] = '\0';
    return inet_pton(AF_INET6, address, &bytes) == 1;
}

/* Whether a host is this machine, by its name alone. */
static bool is_loopback(const char *host)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96, RFC 4291 */
    static const char name[] = "localhost";
    struct in_addr four;
    struct in6_addr six;
    if (strlen(host) == sizeof name - 1 && amqpci_same_word(host, name, sizeof name - 1)) {
        return true;
    }
    if (inet_pton(AF_INET, host, &four) == 1) {
        return ntohl(four.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, host, &six) == 1 &&
           (memcmp(&six, &in6addr_loopback, sizeof six) == 0 ||
            (memcmp(&six, mapped, sizeof mapped) == 0 && six.s6_addr[12] == 127));
}

static amqpc_status read_tcp(builder *build, const amqpci_url *url, amqpci_host *host)
{
    char *text = NULL;
    bool has_path =
        url->path.size > 1 || (url->path.size == 1 && build->url[url->path.offset] != '/');
    if (has_path) {
        return refuse_part(build, url->path.offset,
                           "a path has no meaning here: addresses belong to senders and receivers");
    }
    if (url->host.size == 0) {
        return refuse_part(build, url->host.offset, "the host is missing");
    }
    amqpc_status status = take_part(build, &url->host, &text);
    if (status != AMQPC_OK) {
        return status;
    }
    size_t size = strlen(text);
    if (url->is_literal && !is_ipv6(text)) {
        return refuse_part(build, url->host.offset, "this is no address of IPv6");
    }
    bool clean = url->is_literal || strcspn(text, "/?#[]@:%,\\\x7f") == size;
    for (size_t i = 0; i < size && clean; i++) {
        clean = (unsigned char)text[i] > ' ';
    }
    if (!clean || size > HOST_SIZE_MAX) {
        return refuse_part(build, url->host.offset, "this is no name of a host");
    }
    amqpci_url_fault fault;
    host->host = text;
    host->port = host->tls ? PORT_TLS : PORT_CLEAR;
    host->hostname = build->made->options.hostname != NULL ? build->made->options.hostname : text;
    if (url->port.present &&
        amqpci_url_port(build->url, &url->port, &host->port, &fault) != AMQPC_OK) {
        return refuse_url(build, &fault);
    }
    return AMQPC_OK;
}

/* A Unix socket: the path, or an abstract name where the host would stand. */
static amqpc_status read_unix(builder *build, const amqpci_url *url, amqpci_host *host)
{
    char *text = NULL;
    bool is_abstract = url->host.size > 0;
    const amqpci_url_part *part = is_abstract ? &url->host : &url->path;
    if (url->port.present) {
        return refuse_part(build, url->port.offset, "a Unix socket has no port");
    }
    amqpc_status status = take_part(build, part, &text);
    if (status != AMQPC_OK) {
        return status;
    }
    if (is_abstract && (text[0] != '@' || url->path.size > 1 || url->is_literal)) {
        return refuse_part(build, part->offset,
                           "the path of a Unix socket stands behind amqp+unix:// and begins with "
                           "'/'; an abstract name begins with %40");
    }
    size_t size = strlen(text);
    if (size < 2 || size >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return refuse_part(build, part->offset,
                           "the path of a Unix socket is missing, or longer than 107 bytes");
    }
    host->unix_path = text;
    host->hostname = build->made->options.hostname;
    return AMQPC_OK;
}

/* User and password of a host: its own; or those of the first; or the program's. */
static amqpc_status read_user(builder *build, const amqpci_url *url, amqpci_host *host)
{
    amqpci_settings *made = build->made;
    char *user = NULL;
    char *password = NULL;
    bool is_first = host == made->hosts;
    host->user = is_first ? made->options.user : made->hosts->user;
    host->password = is_first ? made->options.password : made->hosts->password;
    amqpc_status status = url->user.present ? take_part(build, &url->user, &user) : AMQPC_OK;
    if (status == AMQPC_OK && url->password.present) {
        status = take_part(build, &url->password, &password);
    }
    if (status != AMQPC_OK) {
        return status;
    }
    if (url->user.present) {
        host->user = user;
        host->password = url->password.present ? password : made->options.password;
    }
    if (host->password != NULL && host->user == NULL) {
        return refuse(build, AMQPC_BAD_OPTION, "there is a password, but no user");
    }
    return AMQPC_OK;
}

/* --- Clear text. */

/* Whether one of the mechanisms that may be used shows its credentials to whoever sees the bytes.
 */
static bool shows_credentials(const amqpc_client_options *options)
{
    const char *names = options->mechanisms;
    return names == NULL || strstr(names, "PLAIN") != NULL ||
           strstr(names, "OAUTHBEARER") != NULL || strstr(names, "XOAUTH2") != NULL;
}

static amqpc_status check_protection(const builder *build, amqpci_host *host)
{
    char room[SHOWN_MAX + 4];
    const amqpc_client_options *options = &build->made->options;
    if (host->tls && !amqpc_tls_is_available()) {
        return refuse(build, AMQPC_UNSUPPORTED, "amqps: this build of the library has no TLS");
    }
    host->allow_plain_cleartext =
        options->allow_plain_cleartext || host->unix_path != NULL || is_loopback(host->host);
    bool has_secret = host->password != NULL || options->token != NULL;
    if (host->tls || host->allow_plain_cleartext || !has_secret || !shows_credentials(options)) {
        return AMQPC_OK;
    }
    return refuse(build, AMQPC_SASL_CLEARTEXT,
                  "credentials would go to %s over clear text: amqps:// protects them, "
                  "sasl=SCRAM-SHA-256 does not show them, and allow-plain-cleartext=true allows it",
                  shown(host->host, strlen(host->host), room));
}

static amqpc_status read_host(builder *build, const amqpci_url *url)
{
    amqpci_settings *made = build->made;
    amqpci_host *host = &made->hosts[made->host_count];
    host->tls = url->scheme == AMQPCI_SCHEME_AMQPS;
    amqpc_status status = url->scheme == AMQPCI_SCHEME_UNIX ? read_unix(build, url, host)
                                                            : read_tcp(build, url, host);
    if (status == AMQPC_OK) {
        status = read_user(build, url, host);
    }
    if (status == AMQPC_OK) {
        status = check_protection(build, host);
    }
    made->any_tls = made->any_tls || host->tls;
    made->host_count++;
    return status;
}

/* --- All of it. */

static amqpc_status read_urls(builder *build)
{
    amqpci_url url;
    amqpci_url_fault fault;
    amqpci_scheme scheme = AMQPCI_SCHEME_NONE;
    size_t offset = 0;
    for (;;) {
        bool is_first = offset == 0;
        if (amqpci_url_split(build->url, offset, &url, &fault) != AMQPC_OK) {
            return refuse_url(build, &fault);
        }
        scheme = url.scheme == AMQPCI_SCHEME_NONE ? scheme : url.scheme;
        url.scheme = scheme;
        if (!is_first && url.query.present) {
            return refuse_part(build, url.query.offset - 1, "options stand with the first URL");
        }
        amqpc_status status = is_first ? read_options(build, &url) : AMQPC_OK;
        if (status == AMQPC_OK) {
            status = read_host(build, &url);
        }
        if (status != AMQPC_OK || build->url[url.end] == '\0') {
            return status;
        }
        offset = url.end + 1;
    }
}

static amqpc_status build_settings(builder *build)
{
    amqpci_url_fault fault;
    if (amqpci_url_check(build->url, &fault) != AMQPC_OK) {
        return refuse_url(build, &fault);
    }
    amqpc_status status = make_room(build);
    if (status != AMQPC_OK) {
        return refuse(build, status, "%s", amqpc_status_text(status));
    }
    status = read_urls(build);
    if (status == AMQPC_OK) {
        status = check_options(build);
    }
    build->made->options.user = NULL;
    build->made->options.password = NULL;
    return status;
}

amqpc_status amqpci_settings_new(const amqpc_allocator *allocator, const char *url,
                                 const amqpc_client_options *options, amqpci_settings **settings,
                                 amqpc_client_error *error)
{
    builder build = {.url = url, .error = error};
    amqpc_client_options_init(&build.given, sizeof build.given);
    if (options != NULL) {
        size_t size = options->struct_size;
        memcpy(&build.given, options, size < sizeof build.given ? size : sizeof build.given);
    }
    if (url == NULL) {
        return refuse(&build, AMQPC_BAD_URL, "the URL is missing");
    }
    const amqpc_allocator memory = amqpci_allocator_or_default(allocator);
    amqpci_settings *made = (amqpci_settings *)amqpci_new(&memory, sizeof *made);
    if (made == NULL) {
        return refuse(&build, AMQPC_NO_MEMORY, "%s", amqpc_status_text(AMQPC_NO_MEMORY));
    }
    made->allocator = memory;
    build.made = made;
    amqpc_status status = build_settings(&build);
    if (status != AMQPC_OK) {
        amqpci_settings_free(made);
        return status;
    }
    *settings = made;
    return AMQPC_OK;
}

void amqpci_settings_free(amqpci_settings *settings)
{
    if (settings == NULL) {
        return;
    }
    amqpc_allocator allocator = settings->allocator;
    amqpci_secret_release(&allocator, &settings->texts);
    amqpci_release(&allocator, settings->hosts);
    amqpci_release(&allocator, settings);
}
