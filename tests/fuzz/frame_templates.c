/* Frames that a peer may send. */
#include "frame_templates.h"

#include <string.h>

static uint32_t pick(uint64_t *state, uint32_t count)
{
    return (uint32_t)(fuzz_next(state) >> 20) % count;
}

/* Mostly small; rarely at the end of a range. */
static uint32_t number(uint64_t *state)
{
    static const uint32_t edges[] = {0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 1000, 65536};
    return pick(state, 16) == 0 ? edges[pick(state, 6)] : pick(state, 8);
}

static amqpc_bytes text(const char *characters)
{
    return (amqpc_bytes){characters, strlen(characters)};
}

static amqpc_value decoded(const uint8_t *encoded, size_t size)
{
    amqpc_value value;
    FUZZ_CHECK(amqpc_value_decode(encoded, size, NULL, &value, NULL) == AMQPC_OK);
    return value;
}

static amqpc_value some_state(uint64_t *state)
{
    static const uint8_t states[][24] = {
        {0x00, 0x53, 0x24, 0x45},
        {0x00, 0x53, 0x26, 0x45},
        {0x00, 0x53, 0x25, 0x45},
        {0x00, 0x53, 0x27, 0xc0, 0x02, 0x01, 0x41},
        {0x00, 0x53, 0x23, 0xc0, 0x04, 0x02, 0x43, 0x53, 0x03},
        {0x00, 0x53, 0x34, 0xc0, 0x09, 0x02, 0xa0, 0x02, 'i', 'd', 0x00, 0x53, 0x24, 0x45},
        {0x00, 0x53, 0x33, 0xc0, 0x05, 0x01, 0xa0, 0x02, 'i', 'd'},
    };
    static const size_t sizes[] = {4, 4, 4, 7, 9, 14, 10};
    uint32_t kind = pick(state, 7);
    size_t size = sizes[kind];
    if (kind == 3) {
        size = 7;
    }
    return decoded(states[kind], size);
}

/* An unsettled map: tags with and without states. */
static amqpc_value some_unsettled(uint64_t *state)
{
    static const uint8_t maps[][24] = {
        {0xc1, 0x01, 0x00},
        {0xc1, 0x06, 0x02, 0xa0, 0x02, 't', '0', 0x40},
        {0xc1, 0x09, 0x02, 0xa0, 0x02, 't', '1', 0x00, 0x53, 0x24, 0x45},
        {0xc1, 0x0e, 0x02, 0xa0, 0x02, 't', '0', 0x00, 0x53, 0x23, 0xc0, 0x04, 0x02, 0x43, 0x53,
         0x03},
    };
    static const size_t sizes[] = {3, 8, 11, 16};
    uint32_t kind = pick(state, 4);
    return decoded(maps[kind], sizes[kind]);
}

static void fill_begin(uint64_t *state, amqpc_begin *begin)
{
    begin->present = (pick(state, 2) ? AMQPC_BEGIN_REMOTE_CHANNEL : 0u) |
                     AMQPC_BEGIN_NEXT_OUTGOING_ID | AMQPC_BEGIN_INCOMING_WINDOW |
                     AMQPC_BEGIN_OUTGOING_WINDOW | AMQPC_BEGIN_HANDLE_MAX;
    begin->remote_channel = (uint16_t)pick(state, 3);
    begin->next_outgoing_id = number(state);
    begin->incoming_window = pick(state, 2) ? 100 : number(state);
    begin->outgoing_window = 100;
    begin->handle_max = pick(state, 4) ? 255 : number(state);
}

static void fill_attach(uint64_t *state, amqpc_attach *attach)
{
    static const uint8_t source[] = {0x00, 0x53, 0x28, 0xc0, 0x04, 0x01, 0xa1, 0x01, 'q'};
    static const uint8_t target[] = {0x00, 0x53, 0x29, 0xc0, 0x04, 0x01, 0xa1, 0x01, 'q'};
    static const uint8_t coordinator[] = {0x00, 0x53, 0x30, 0x45};
    static const char *const names[] = {"a", "b", "c", "d"};
    attach->name = text(names[pick(state, 4)]);
    attach->handle = pick(state, 16) ? pick(state, 4) : number(state);
    attach->role = pick(state, 2) != 0;
    attach->snd_settle_mode = (uint8_t)pick(state, 3);
    attach->rcv_settle_mode = (uint8_t)pick(state, 2);
    attach->source = decoded(source, sizeof source);
    attach->target =
        pick(state, 8) ? decoded(target, sizeof target) : decoded(coordinator, sizeof coordinator);
    attach->initial_delivery_count = number(state);
    attach->max_message_size = pick(state, 4) ? 0 : number(state);
    attach->present = AMQPC_ATTACH_NAME | AMQPC_ATTACH_HANDLE | AMQPC_ATTACH_ROLE |
                      AMQPC_ATTACH_SND_SETTLE_MODE | AMQPC_ATTACH_RCV_SETTLE_MODE |
                      AMQPC_ATTACH_INITIAL_DELIVERY_COUNT | AMQPC_ATTACH_MAX_MESSAGE_SIZE |
                      (pick(state, 8) ? AMQPC_ATTACH_SOURCE : 0u) |
                      (pick(state, 8) ? AMQPC_ATTACH_TARGET : 0u);
    if (pick(state, 4) == 0) {
        attach->present |= AMQPC_ATTACH_UNSETTLED;
        attach->unsettled = some_unsettled(state);
    }
    attach->present |= pick(state, 16) ? 0u : AMQPC_ATTACH_INCOMPLETE_UNSETTLED;
    attach->incomplete_unsettled = true;
}

static void fill_flow(uint64_t *state, amqpc_flow *flow)
{
    flow->present = AMQPC_FLOW_NEXT_INCOMING_ID | AMQPC_FLOW_INCOMING_WINDOW |
                    AMQPC_FLOW_NEXT_OUTGOING_ID | AMQPC_FLOW_OUTGOING_WINDOW | AMQPC_FLOW_DRAIN |
                    AMQPC_FLOW_ECHO;
    flow->next_incoming_id = number(state);
    flow->incoming_window = pick(state, 2) ? 100 : number(state);
    flow->next_outgoing_id = number(state);
    flow->outgoing_window = 100;
    flow->handle = pick(state, 4);
    flow->delivery_count = number(state);
    flow->link_credit = pick(state, 2) ? 20 : number(state);
    flow->available = number(state);
    flow->drain = pick(state, 4) == 0;
    flow->echo = pick(state, 4) == 0;
    if (pick(state, 4)) {
        flow->present |= AMQPC_FLOW_HANDLE | AMQPC_FLOW_DELIVERY_COUNT | AMQPC_FLOW_LINK_CREDIT;
    }
}

static void fill_transfer(uint64_t *state, uint32_t delivery_id, amqpc_performative *frame)
{
    static const uint8_t payload[600] = {0x00, 0x53, 0x75, 0xa0, 3, 'a', 'b', 'c'};
    static const char *const tags[] = {"t0", "t1", "t2", "a tag of more than thirty-two bytes"};
    amqpc_transfer *transfer = &frame->as.transfer;
    transfer->present = AMQPC_TRANSFER_HANDLE | AMQPC_TRANSFER_SETTLED | AMQPC_TRANSFER_MORE |
                        AMQPC_TRANSFER_RESUME | AMQPC_TRANSFER_ABORTED;
    transfer->handle = pick(state, 4);
    if (pick(state, 4)) {
        transfer->present |= AMQPC_TRANSFER_DELIVERY_ID | AMQPC_TRANSFER_DELIVERY_TAG |
                             AMQPC_TRANSFER_MESSAGE_FORMAT;
        transfer->delivery_id = delivery_id;
        transfer->delivery_tag = text(tags[pick(state, 32) ? pick(state, 3) : 3]);
    }
    if (pick(state, 8) == 0) {
        transfer->present |= AMQPC_TRANSFER_STATE;
        transfer->state = some_state(state);
    }
    transfer->settled = pick(state, 4) == 0;
    transfer->more = pick(state, 3) == 0;
    transfer->aborted = pick(state, 16) == 0;
    transfer->resume = pick(state, 16) == 0;
    frame->payload = (amqpc_bytes){payload, pick(state, 4) ? pick(state, 16) : pick(state, 600)};
}

static void fill_disposition(uint64_t *state, amqpc_disposition *disposition)
{
    disposition->present = AMQPC_DISPOSITION_ROLE | AMQPC_DISPOSITION_FIRST |
                           AMQPC_DISPOSITION_SETTLED |
                           (pick(state, 2) ? AMQPC_DISPOSITION_LAST : 0u) |
                           (pick(state, 2) ? AMQPC_DISPOSITION_STATE : 0u);
    disposition->role = pick(state, 4) != 0;
    disposition->first = number(state);
    disposition->last = number(state);
    disposition->settled = pick(state, 2) != 0;
    disposition->state = some_state(state);
}

static void fill_sasl(uint64_t *state, amqpc_performative *frame)
{
    static const amqpc_bytes names[] = {{"PLAIN", 5}, {"ANONYMOUS", 9}, {"X-OWN", 5}};
    frame->type = AMQPC_COMPOSITE_SASL_MECHANISMS + pick(state, 5);
    switch (frame->type) {
    case AMQPC_COMPOSITE_SASL_MECHANISMS:
        frame->as.sasl_mechanisms.present = AMQPC_SASL_MECHANISMS_SASL_SERVER_MECHANISMS;
        frame->as.sasl_mechanisms.sasl_server_mechanisms.count = 3;
        frame->as.sasl_mechanisms.sasl_server_mechanisms.items = names;
        break;
    case AMQPC_COMPOSITE_SASL_INIT:
        frame->as.sasl_init.present =
            AMQPC_SASL_INIT_MECHANISM | (pick(state, 2) ? AMQPC_SASL_INIT_INITIAL_RESPONSE : 0u);
        frame->as.sasl_init.mechanism = names[pick(state, 3)];
        frame->as.sasl_init.initial_response = (amqpc_bytes){"\0user\0pencil", 12};
        break;
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        frame->as.sasl_challenge.present = AMQPC_SASL_CHALLENGE_CHALLENGE;
        frame->as.sasl_challenge.challenge = text("r=abc,s=c2FsdA==,i=4096");
        break;
    case AMQPC_COMPOSITE_SASL_RESPONSE:
        frame->as.sasl_response.present = AMQPC_SASL_RESPONSE_RESPONSE;
        frame->as.sasl_response.response = text("n,,n=user,r=abc");
        break;
    default:
        frame->as.sasl_outcome.present = AMQPC_SASL_OUTCOME_CODE;
        frame->as.sasl_outcome.code = pick(state, 4) ? 0 : (uint8_t)pick(state, 5);
        break;
    }
}

static size_t write_frame(unsigned type, uint16_t channel, const amqpc_performative *frame,
                          uint8_t *data)
{
    size_t size = 0;
    amqpc_status status =
        amqpc_frame_write((amqpc_frame_type)type, channel, frame, data, FRAME_TEMPLATE_MAX, &size);
    FUZZ_CHECK(status == AMQPC_OK);
    return size;
}

static void fill_open(uint64_t *state, amqpc_open *open)
{
    open->present = AMQPC_OPEN_CONTAINER_ID | AMQPC_OPEN_MAX_FRAME_SIZE | AMQPC_OPEN_CHANNEL_MAX |
                    AMQPC_OPEN_IDLE_TIME_OUT;
    open->container_id = text("peer");
    open->max_frame_size = pick(state, 4) ? 512 : 512 + number(state);
    open->channel_max = (uint16_t)(pick(state, 2) ? 255 : number(state));
    open->idle_time_out = pick(state, 4) ? 0 : 1000;
}

size_t frame_template(uint64_t *state, uint32_t delivery_id, uint8_t *data)
{
    static const uint8_t types[] = {
        AMQPC_COMPOSITE_OPEN,        AMQPC_COMPOSITE_BEGIN,    AMQPC_COMPOSITE_ATTACH,
        AMQPC_COMPOSITE_ATTACH,      AMQPC_COMPOSITE_FLOW,     AMQPC_COMPOSITE_FLOW,
        AMQPC_COMPOSITE_TRANSFER,    AMQPC_COMPOSITE_TRANSFER, AMQPC_COMPOSITE_TRANSFER,
        AMQPC_COMPOSITE_TRANSFER,    AMQPC_COMPOSITE_DETACH,   AMQPC_COMPOSITE_DISPOSITION,
        AMQPC_COMPOSITE_DISPOSITION, AMQPC_COMPOSITE_END,      AMQPC_COMPOSITE_CLOSE,
        AMQPC_COMPOSITE_NONE,
    };
    amqpc_performative frame = {.type = types[pick(state, sizeof types)]};
    uint16_t channel = (uint16_t)(pick(state, 4) ? 0 : pick(state, 3));
    if (pick(state, 16) == 0) {
        fill_sasl(state, &frame);
        return write_frame(AMQPC_FRAME_SASL, 0, &frame, data);
    }
    switch (frame.type) {
    case AMQPC_COMPOSITE_OPEN:
        fill_open(state, &frame.as.open);
        break;
    case AMQPC_COMPOSITE_BEGIN:
        fill_begin(state, &frame.as.begin);
        break;
    case AMQPC_COMPOSITE_ATTACH:
        fill_attach(state, &frame.as.attach);
        break;
    case AMQPC_COMPOSITE_FLOW:
        fill_flow(state, &frame.as.flow);
        break;
    case AMQPC_COMPOSITE_TRANSFER:
        fill_transfer(state, delivery_id, &frame);
        break;
    case AMQPC_COMPOSITE_DISPOSITION:
        fill_disposition(state, &frame.as.disposition);
        break;
    case AMQPC_COMPOSITE_DETACH:
        frame.as.detach.present = AMQPC_DETACH_HANDLE | AMQPC_DETACH_CLOSED;
        frame.as.detach.handle = pick(state, 4);
        frame.as.detach.closed = pick(state, 2) != 0;
        break;
    default:
        break;
    }
    return write_frame(AMQPC_FRAME_AMQP, channel, &frame, data);
}

/* The header, and the frames of SASL, of the one side or the other. */
static size_t write_sasl(bool client, uint8_t *data)
{
    static const amqpc_bytes names[] = {{"PLAIN", 5}, {"ANONYMOUS", 9}, {"X-OWN", 5}};
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_SASL_INIT};
    memcpy(data, "AMQP\3\1\0", 8);
    if (client) {
        frame.as.sasl_init.present = AMQPC_SASL_INIT_MECHANISM | AMQPC_SASL_INIT_INITIAL_RESPONSE;
        frame.as.sasl_init.mechanism = names[1];
        frame.as.sasl_init.initial_response = text("trace");
        return 8 + write_frame(AMQPC_FRAME_SASL, 0, &frame, data + 8);
    }
    frame.type = AMQPC_COMPOSITE_SASL_MECHANISMS;
    frame.as.sasl_mechanisms.present = AMQPC_SASL_MECHANISMS_SASL_SERVER_MECHANISMS;
    frame.as.sasl_mechanisms.sasl_server_mechanisms.count = 3;
    frame.as.sasl_mechanisms.sasl_server_mechanisms.items = names;
    size_t size = 8 + write_frame(AMQPC_FRAME_SASL, 0, &frame, data + 8);
    frame = (amqpc_performative){.type = AMQPC_COMPOSITE_SASL_OUTCOME};
    frame.as.sasl_outcome.present = AMQPC_SASL_OUTCOME_CODE;
    return size + write_frame(AMQPC_FRAME_SASL, 0, &frame, data + size);
}

size_t conversation_template(bool client, bool sasl, uint8_t *data)
{
    uint64_t state = 1;
    amqpc_performative frame = {.type = AMQPC_COMPOSITE_OPEN};
    size_t size = sasl ? write_sasl(client, data) : 0;
    memcpy(data + size, "AMQP\0\1\0", 8);
    size += 8;
    frame.as.open.present = AMQPC_OPEN_CONTAINER_ID;
    frame.as.open.container_id = text("peer");
    size += write_frame(AMQPC_FRAME_AMQP, 0, &frame, data + size);
    frame = (amqpc_performative){.type = AMQPC_COMPOSITE_BEGIN};
    fill_begin(&state, &frame.as.begin);
    frame.as.begin.present &= ~(client ? AMQPC_BEGIN_REMOTE_CHANNEL : 0u);
    frame.as.begin.present |= client ? 0u : AMQPC_BEGIN_REMOTE_CHANNEL;
    frame.as.begin.remote_channel = 0;
    frame.as.begin.next_outgoing_id = 0;
    frame.as.begin.incoming_window = 100;
    frame.as.begin.handle_max = 255;
    size += write_frame(AMQPC_FRAME_AMQP, 0, &frame, data + size);
    for (unsigned role = 0; role < 2; role++) {
        frame = (amqpc_performative){.type = AMQPC_COMPOSITE_ATTACH};
        fill_attach(&state, &frame.as.attach);
        frame.as.attach.present |= AMQPC_ATTACH_SOURCE | AMQPC_ATTACH_TARGET;
        frame.as.attach.present &= ~(AMQPC_ATTACH_UNSETTLED | AMQPC_ATTACH_INCOMPLETE_UNSETTLED);
        frame.as.attach.name = text("a");
        frame.as.attach.role = role == 1;
        frame.as.attach.handle = role;
        frame.as.attach.snd_settle_mode = AMQPC_SENDER_SETTLE_MODE_MIXED;
        frame.as.attach.max_message_size = 0;
        frame.as.attach.initial_delivery_count = 0;
        size += write_frame(AMQPC_FRAME_AMQP, 0, &frame, data + size);
    }
    frame = (amqpc_performative){.type = AMQPC_COMPOSITE_FLOW};
    fill_flow(&state, &frame.as.flow);
    frame.as.flow.present |= AMQPC_FLOW_HANDLE | AMQPC_FLOW_DELIVERY_COUNT | AMQPC_FLOW_LINK_CREDIT;
    frame.as.flow.handle = 1;
    frame.as.flow.next_incoming_id = 0;
    frame.as.flow.incoming_window = 100;
    frame.as.flow.delivery_count = 0;
    frame.as.flow.link_credit = 50;
    frame.as.flow.drain = false;
    return size + write_frame(AMQPC_FRAME_AMQP, 0, &frame, data + size);
}
