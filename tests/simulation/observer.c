/* Takes both directions of a connection apart, and keeps what is common to them. */
#include "simulation/observer.h"

#include <amqpcodec/frame.h>
#include <amqpcodec/print.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void observer_init(observer *watch, ledger *book, unsigned end, const uint64_t *granted)
{
    *watch = (observer){
        .book = book,
        .end = end,
        .traces = watch->traces,
        .granted = granted,
        .peer_frame_size = 8192,
    };
}

void observer_clean_up(observer *watch)
{
    free(watch->out.bytes);
    free(watch->in.bytes);
    watch->out = (observed_bytes){0};
    watch->in = (observed_bytes){0};
}

static uint32_t frame_size_of(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void print(const observer *watch, const amqpc_frame *frame)
{
    enum { LINE_MAX = 220 };
    amqpc_buffer *text = NULL;
    if (amqpc_buffer_new(NULL, SIZE_MAX, &text) != AMQPC_OK) {
        return;
    }
    bool printed = amqpc_frame_print(frame, NULL, AMQPC_PRINT_TEXT, text) == AMQPC_OK;
    size_t size = amqpc_buffer_size(text);
    printf("%8llu  end %u: %.*s\n", (unsigned long long)watch->now_ms, watch->end,
           (int)(size < LINE_MAX ? size : LINE_MAX),
           printed ? (const char *)amqpc_buffer_data(text) : "?");
    amqpc_buffer_free(text);
}

static void frame_seen(observer *watch, bool sent, const uint8_t *bytes, uint32_t size)
{
    amqpc_limits limits;
    amqpc_limits_init(&limits, sizeof limits);
    limits.frame_size = AMQPC_UNLIMITED;
    limits.channels = 65536;
    amqpc_frame frame;
    amqpc_performative performative;
    amqpc_status status = amqpc_frame_decode(bytes, size, &limits, &frame, &performative, NULL);
    if (status != AMQPC_OK) {
        ledger_break(watch->book, RULE_WIRE, "end %u: frame of %u bytes cannot be read: %s",
                     watch->end, size, amqpc_status_name(status));
        return;
    }
    if (sent) {
        watch->frames_sent++;
        watch->empty_frames_sent += performative.type == AMQPC_COMPOSITE_NONE;
    }
    if (sent && watch->traces) {
        print(watch, &frame);
    }
    if (sent && size > watch->peer_frame_size) {
        ledger_break(watch->book, RULE_WIRE, "end %u sends a frame of %u bytes, %u are allowed",
                     watch->end, size, watch->peer_frame_size);
    }
    if (frame.type != AMQPC_FRAME_AMQP || performative.type == AMQPC_COMPOSITE_NONE) {
        return;
    }
    if (sent) {
        observer_out_frame(watch, frame.channel, &performative);
    } else {
        observer_in_frame(watch, frame.channel, &performative);
    }
}

/* Whole frames at the start of what waits. A protocol header reads like a frame of 8 bytes. */
static void frames_seen(observer *watch, bool sent, observed_bytes *waiting)
{
    size_t done = 0;
    while (waiting->size - done >= AMQPC_FRAME_HEADER_SIZE && watch->book->broken == RULE_NONE) {
        const uint8_t *bytes = waiting->bytes + done;
        bool header = memcmp(bytes, "AMQP", 4) == 0;
        uint32_t size = header ? AMQPC_PROTOCOL_HEADER_SIZE : frame_size_of(bytes);
        if (size < AMQPC_FRAME_HEADER_SIZE) {
            ledger_break(watch->book, RULE_WIRE, "end %u: a frame of %u bytes", watch->end, size);
            break;
        }
        if (size > waiting->size - done) {
            break;
        }
        if (!header) {
            frame_seen(watch, sent, bytes, size);
        }
        done += size;
    }
    memmove(waiting->bytes, waiting->bytes + done, waiting->size - done);
    waiting->size -= done;
}

static void seen(observer *watch, bool sent, const void *data, size_t size)
{
    observed_bytes *waiting = sent ? &watch->out : &watch->in;
    if (watch->book->tainted || size == 0) {
        return;
    }
    if (size > waiting->capacity - waiting->size) {
        waiting->capacity = 2 * (waiting->size + size);
        waiting->bytes = (uint8_t *)realloc(waiting->bytes, waiting->capacity);
        if (waiting->bytes == NULL) {
            abort();
        }
    }
    memcpy(waiting->bytes + waiting->size, data, size);
    waiting->size += size;
    frames_seen(watch, sent, waiting);
}

void observer_sent(observer *watch, const void *data, size_t size)
{
    seen(watch, true, data, size);
}

void observer_took(observer *watch, const void *data, size_t size)
{
    seen(watch, false, data, size);
}

observed_session *observer_out_session(observer *watch, uint16_t channel)
{
    for (unsigned i = 0; i < OBSERVED_SESSIONS; i++) {
        observed_session *session = &watch->sessions[i];
        if (session->sent_begin && !session->sent_end && session->out_channel == channel) {
            return session;
        }
    }
    return NULL;
}

observed_session *observer_in_session(observer *watch, uint16_t channel)
{
    for (unsigned i = 0; i < OBSERVED_SESSIONS; i++) {
        observed_session *session = &watch->sessions[i];
        if (session->got_begin && !session->got_end && session->in_channel == channel) {
            return session;
        }
    }
    return NULL;
}

observed_link *observer_link(observed_session *session, bool out, uint32_t handle)
{
    for (unsigned i = 0; i < OBSERVED_LINKS; i++) {
        observed_link *link = &session->links[i];
        if (out ? link->sent_attach && link->out_handle == handle
                : link->got_attach && link->in_handle == handle) {
            return link;
        }
    }
    return NULL;
}

/* The link that this attach belongs to, or a place for it; NULL where there is none. */
observed_link *observer_named_link(observed_session *session, bool is_sender, amqpc_bytes name)
{
    observed_link *free_place = NULL;
    for (unsigned i = 0; i < OBSERVED_LINKS; i++) {
        observed_link *link = &session->links[i];
        if (!link->sent_attach && !link->got_attach) {
            free_place = free_place == NULL ? link : free_place;
        } else if (link->is_sender == is_sender && strlen(link->name) == name.size &&
                   memcmp(link->name, name.data, name.size) == 0) {
            return link;
        }
    }
    if (free_place != NULL && name.size < OBSERVED_NAME_SIZE) {
        *free_place = (observed_link){.is_sender = is_sender};
        memcpy(free_place->name, name.data, name.size);
        free_place->route = (unsigned)strtoul(free_place->name + 1, NULL, 10);
        return free_place;
    }
    return NULL;
}
