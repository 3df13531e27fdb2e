/* Sends three messages to a queue: one at a time, then without waiting for each.
 *
 *     client_send URL ADDRESS */
#include <amqpcodec/amqpcodec.h>
#include <stdio.h>

enum { PATIENCE_MS = 10000 };

static int fail(amqpc_client *client, const char *what, amqpc_status status)
{
    amqpc_client_error error;
    bool known = amqpc_client_get_error(client, &error) == AMQPC_OK;
    fprintf(stderr, "%s: %s\n", what, known ? error.text : amqpc_status_text(status));
    amqpc_client_free(client);
    return 1;
}

/* A message whose body is a text; the text is borrowed. */
static amqpc_message text_message(const char *text, size_t size)
{
    amqpc_message message;
    amqpc_message_init(&message);
    message.sections = AMQPC_SECTION_BODY;
    message.body_kind = AMQPC_BODY_VALUE;
    message.body_count = 1;
    message.body.type = AMQPC_TYPE_STRING;
    message.body.as.bytes = (amqpc_bytes){text, size};
    return message;
}

int main(int argument_count, char **arguments)
{
    amqpc_client *client = NULL;
    amqpc_client_error error;
    amqpc_sender *sender = NULL;
    amqpc_outcome outcome;
    if (argument_count != 3) {
        fprintf(stderr, "Usage: client_send URL ADDRESS\n");
        return 2;
    }
    /* Neither of the two waits; the first call that has to, does. */
    if (amqpc_client_new(arguments[1], NULL, &client, &error) != AMQPC_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    amqpc_status status = amqpc_sender_new(client, arguments[2], NULL, &sender);
    if (status != AMQPC_OK) {
        return fail(client, "sender", status);
    }

    /* One message, and what became of it. */
    amqpc_message message = text_message("hello", 5);
    status = amqpc_sender_send(sender, &message, PATIENCE_MS, &outcome);
    if (status != AMQPC_OK) {
        return fail(client, "send", status);
    }
    printf("hello: %s\n",
           outcome.state_type == AMQPC_COMPOSITE_ACCEPTED ? "accepted" : "not accepted");

    /* Many, without waiting for each: outcomes come later, with the number that was given here. */
    for (uint64_t i = 0; i < 2; i++) {
        message = text_message(i == 0 ? "one" : "two", 3);
        status = amqpc_sender_post(sender, &message, i, PATIENCE_MS);
        if (status != AMQPC_OK) {
            return fail(client, "post", status);
        }
    }
    for (size_t done = 0; done < 2;) {
        amqpc_completion completions[16];
        size_t count = 0;
        status = amqpc_sender_completions(sender, completions, 16, PATIENCE_MS, &count);
        if (status != AMQPC_OK) {
            return fail(client, "completions", status);
        }
        for (size_t i = 0; i < count; i++) {
            bool accepted = completions[i].state_type == AMQPC_COMPOSITE_ACCEPTED;
            printf("%s: %s\n", completions[i].context == 0 ? "one" : "two",
                   accepted ? "accepted" : "not accepted");
        }
        done += count;
    }

    status = amqpc_client_close(client, PATIENCE_MS);
    if (status != AMQPC_OK) {
        return fail(client, "close", status);
    }
    amqpc_client_free(client);
    return 0;
}
