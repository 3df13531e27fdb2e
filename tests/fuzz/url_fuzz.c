/* URLs of clients, with a program that has said some options itself, and memory that ends.
 *
 * An input is a byte of choices and a URL. What must hold: settings are whole and in range, or
 * there is a text that says why not, of printable ASCII and without the program's password. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "client/option.h"
#include "client/settings.h"

enum {
    ALLOCATIONS = 3, /* of settings, at most */
    CHOICE_USER = 1,
    CHOICE_ALLOW = 2,
    CHOICE_MECHANISMS = 4,
};

static const char secret[] = "lV-fuzzed-secret-Vl";

/* An allocator that fails from one allocation on, and counts what is not given back. */
typedef struct memory {
    size_t left;
    size_t live;
} memory;

static void *allocate(void *context, size_t size)
{
    memory *counted = (memory *)context;
    if (counted->left == 0) {
        return NULL;
    }
    counted->left--;
    counted->live++;
    return fuzz_allocate(size);
}

static void *reallocate_none(void *context, void *block, size_t size)
{
    (void)context;
    (void)block;
    (void)size;
    fuzz_fail(__FILE__, __LINE__, "nothing is reallocated");
}

static void release(void *context, void *block)
{
    memory *counted = (memory *)context;
    counted->live -= block != NULL;
    free(block);
}

static void check_options(amqpc_client_options *options)
{
    const amqpci_option *row = NULL;
    FUZZ_CHECK(options->user == NULL && options->password == NULL && options->allocator == NULL);
    FUZZ_CHECK(options->reconnect_delay_ms <= options->reconnect_delay_max_ms);
    for (size_t i = 0; (row = amqpci_option_at(i)) != NULL; i++) {
        if (!amqpci_option_is_text(row)) {
            FUZZ_CHECK(amqpci_option_check_number(row, options));
            continue;
        }
        const char *text = *amqpci_option_text(row, options);
        FUZZ_CHECK(text == NULL || (strlen(text) >= row->minimum && strlen(text) <= row->maximum));
    }
}

static void check_settings(const amqpci_settings *settings)
{
    amqpc_client_options options = settings->options;
    check_options(&options);
    FUZZ_CHECK(settings->host_count > 0);
    FUZZ_CHECK(settings->texts_used <= settings->texts.size);
    for (size_t i = 0; i < settings->host_count; i++) {
        const amqpci_host *host = &settings->hosts[i];
        FUZZ_CHECK((host->host == NULL) != (host->unix_path == NULL));
        FUZZ_CHECK(host->host == NULL || (host->host[0] != '\0' && host->hostname != NULL));
        FUZZ_CHECK(host->unix_path == NULL ? host->port > 0 && host->port <= 65535
                                           : host->port == 0 && !host->tls);
        FUZZ_CHECK(host->password == NULL || host->user != NULL);
        bool clear = !host->tls && !host->allow_plain_cleartext;
        FUZZ_CHECK(!clear || (host->password == NULL && options.token == NULL) ||
                   options.mechanisms != NULL);
    }
}

static void check_error(const amqpc_client_error *error, amqpc_status status, const char *url)
{
    const char *end = (const char *)memchr(error->text, '\0', sizeof error->text);
    FUZZ_CHECK(error->status == status);
    FUZZ_CHECK(end != NULL && end != error->text);
    for (const char *at = error->text; at < end; at++) {
        FUZZ_CHECK(*at >= ' ' && *at <= '~');
    }
    FUZZ_CHECK(strstr(error->text, secret) == NULL || strstr(url, secret) != NULL);
}

/* Makes settings where `allocations` can be had. */
static amqpc_status try_url(const char *url, const amqpc_client_options *options,
                            size_t allocations)
{
    memory counted = {allocations, 0};
    const amqpc_allocator allocator = {&counted, allocate, reallocate_none, release};
    amqpci_settings *settings = NULL;
    amqpc_client_error error;
    amqpc_status status = amqpci_settings_new(&allocator, url, options, &settings, &error);
    FUZZ_CHECK((status == AMQPC_OK) == (settings != NULL));
    if (status == AMQPC_OK) {
        check_settings(settings);
    } else {
        check_error(&error, status, url);
    }
    amqpci_settings_free(settings);
    FUZZ_CHECK(counted.live == 0);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *url = (char *)fuzz_allocate(size);
    memcpy(url, data + 1, size - 1);
    url[size - 1] = '\0';
    amqpc_client_options options;
    amqpc_client_options_init(&options, sizeof options);
    if ((data[0] & CHOICE_USER) != 0) {
        options.user = "me";
        options.password = secret;
    }
    options.allow_plain_cleartext = (data[0] & CHOICE_ALLOW) != 0;
    options.mechanisms = (data[0] & CHOICE_MECHANISMS) != 0 ? "scram-sha-256" : NULL;
    amqpc_status status = try_url(url, &options, ALLOCATIONS);
    for (size_t allocations = 0; allocations < ALLOCATIONS; allocations++) {
        amqpc_status failed = try_url(url, &options, allocations);
        FUZZ_CHECK(failed == AMQPC_NO_MEMORY || failed == status);
    }
    free(url);
    return 0;
}
