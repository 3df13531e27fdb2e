/* Names, texts and AMQP conditions of statuses, expanded from status.def. */
#include <amqpcodec/status.h>

typedef struct status_info {
    amqpc_status status;
    const char *name;
    const char *text;
    const char *condition;
} status_info;

static const status_info status_infos[] = {
#define STATUS(name, number, text, condition) {AMQPC_##name, #name, text, condition},
#include "base/status.def"
#undef STATUS
};

static const status_info unknown_status = {AMQPC_OK, "UNKNOWN", "no such status", ""};

static const status_info *find_status(amqpc_status status)
{
    for (size_t i = 0; i < sizeof status_infos / sizeof status_infos[0]; i++) {
        if (status_infos[i].status == status) {
            return &status_infos[i];
        }
    }
    return &unknown_status;
}

const char *amqpc_status_name(amqpc_status status)
{
    return find_status(status)->name;
}

const char *amqpc_status_text(amqpc_status status)
{
    return find_status(status)->text;
}

const char *amqpc_status_condition(amqpc_status status)
{
    return find_status(status)->condition;
}
