/* What the engine knows of one delivery, either direction (AMQP 2.6.12). */
#ifndef AMQPCI_ENGINE_DELIVERY_H
#define AMQPCI_ENGINE_DELIVERY_H

#include <assert.h>

#include <amqpcodec/delivery.h>

#include "base/serial.h"
#include "base/slab.h"
#include "engine/output.h"

/* Bits of amqpci_delivery.flags. */
enum {
    AMQPCI_DELIVERY_SETTLED = 1u << 0,        /* this end has forgotten it, for the peer */
    AMQPCI_DELIVERY_REMOTE_SETTLED = 1u << 1, /* the peer has forgotten it */
    AMQPCI_DELIVERY_INDEXED = 1u << 2,        /* it stands in its session's index */
    AMQPCI_DELIVERY_QUEUED = 1u << 3,         /* in a queue: of pending sends, or of the unread */
    AMQPCI_DELIVERY_UPDATED = 1u << 4,        /* in the queue of updates that nobody took yet */
    AMQPCI_DELIVERY_UNKNOWN = 1u << 5,        /* its outcome will not be known */
    AMQPCI_DELIVERY_MORE = 1u << 6,           /* frames of it are still to come, or to go */
    AMQPCI_DELIVERY_ABORTED = 1u << 7,
    AMQPCI_DELIVERY_BORROWED = 1u << 8, /* sender: the payload is the application's */
    AMQPCI_DELIVERY_FLYING = 1u << 9,   /* sender: borrowed bytes wait in the output */
    AMQPCI_DELIVERY_BATCHABLE = 1u << 10,
    AMQPCI_DELIVERY_STREAMED = 1u << 11, /* sender: in pieces, which are not kept */
    AMQPCI_DELIVERY_RESUMED = 1u << 12,
    AMQPCI_DELIVERY_TAKEN = 1u << 13,     /* receiver: the application has its bytes; `tag` holds */
    AMQPCI_DELIVERY_STARTED = 1u << 14,   /* sender: its first frame is written */
    AMQPCI_DELIVERY_SUSPENDED = 1u << 15, /* among its link's suspended deliveries */
    AMQPCI_DELIVERY_MODE_SECOND = 1u << 16, /* receiver-settle-mode second holds for it */
    AMQPCI_DELIVERY_DONE = 1u << 19,        /* its next update is the last */
    AMQPCI_DELIVERY_ENDED = 1u << 18,       /* sender, in pieces: its last frame is written */
    AMQPCI_DELIVERY_OWN_SLAB = 1u << 17, /* receiver: assembled in a slab of its own, tag first */
    AMQPCI_DELIVERY_TOLD = 1u << 20, /* sender: an update is due when it is not pending any more */
    AMQPCI_DELIVERY_RESUMING = 1u << 21, /* sender: waits for credit, to be sent again */
    AMQPCI_DELIVERY_ANEW =
        1u << 22, /* sender: sent again as if it were the first time; not resumed */
    AMQPCI_DELIVERY_BARE =
        1u << 23, /* receiver, AMQPCI_DELIVERY_TAKEN: imported, never seen here */
    AMQPCI_DELIVERY_CONTINUED =
        1u << 24, /* receiver: its bytes go on where the state received ended */
    AMQPCI_DELIVERY_DROPPED =
        1u << 25, /* receiver: stands for a transfer whose bytes nobody wants */
    AMQPCI_DELIVERY_HAS_EXTRA = 1u << 26
};

/* A state that the peer said, encoded: once, of however many deliveries it was said. */
typedef struct amqpci_shared_state {
    size_t references;
    size_t size;
    uint8_t bytes[];
} amqpci_shared_state;

/* The rare parts of a delivery.
 *
 * tag  receiver: where one that was not taken has it, if it is not near its payload, or there is
 *      none; `tag_storage` is for what has to outlive the bytes that came */
typedef struct amqpci_delivery_extra {
    struct amqpci_delivery_extra *next; /* of a free one */
    uint64_t context;                   /* of the delivery, which has no other place for it */
    amqpc_bytes local_state;            /* allocated, encoded; size 0 for none */
    amqpc_bytes remote_state;           /* the bytes of an amqpci_shared_state */
    amqpc_bytes sent_state; /* receiver: of the transfer, encoded, where the payload lies; size 0
                               for none */
    const uint8_t *tag;
    uint32_t first_id;    /* of a resumed delivery: the id that its number has */
    uint32_t framed_size; /* sender: bytes of the payload that are in frames */
    uint32_t message_format;
    uint8_t has_rcv_settle_mode;
    uint8_t rcv_settle_mode;
    uint8_t tag_size; /* sender: a tag that the application gave; 0 where the engine made it */
    uint8_t tag_storage[AMQPC_DELIVERY_TAG_MAX];
} amqpci_delivery_extra;

enum {
    AMQPCI_SHORT_TAG_MAX = 16, /* a longer tag is kept in the extra part */
    AMQPCI_NEAR_TAG_MAX = UINT8_MAX
};

/* What a sender keeps until it is settled: where the payload lies.
 *
 * slab      a reference to where it lies, from `offset` on; NULL where there is none
 * borrowed  AMQPCI_DELIVERY_BORROWED */
typedef struct amqpci_outgoing {
    union {
        amqpci_output_slab *slab;
        const uint8_t *borrowed;
    };
    uint32_t offset;
    uint32_t size;
} amqpci_outgoing;

/* What a receiver keeps until the application has taken it.
 *
 * slab  a reference to where payload and tag lie, the payload from `offset` on; NULL where they are
 *       gone */
typedef struct amqpci_incoming {
    amqpci_slab *slab;
    uint32_t offset;
    uint32_t size;
} amqpci_incoming;

/* One delivery. Small, because there may be many: 56 bytes.
 *
 * context       the application's, where there is no extra part; 0 of a receiver's
 * extra         AMQPCI_DELIVERY_HAS_EXTRA
 * id            in its session; another than at first, where the delivery was resumed
 * epoch         of its link, when it was made: which attachment
 * local_state   the low byte of an amqpc_composite_type, or AMQPCI_STATE_OTHER
 * remote_state
 * tag_size      receiver
 * tag_distance  receiver: bytes from its tag to its payload; 0 where extra->tag tells */
typedef struct amqpci_delivery {
    amqpc_link *link;
    struct amqpci_delivery *next; /* in the one queue that it stands in */
    union {
        uint64_t context;
        amqpci_delivery_extra *extra;
    };
    union {
        amqpci_outgoing out;
        amqpci_incoming in;
        uint8_t tag[AMQPCI_SHORT_TAG_MAX]; /* receiver, AMQPCI_DELIVERY_TAKEN */
    } as;
    uint32_t id;
    uint32_t flags;
    uint32_t epoch;
    uint8_t local_state;
    uint8_t remote_state;
    uint8_t tag_size;
    uint8_t tag_distance;
} amqpci_delivery;

_Static_assert(sizeof(amqpci_delivery) <= 56, "deliveries are many");

enum { AMQPCI_STATE_OTHER = 0xff };

AMQPCI_INLINE bool amqpci_delivery_has_extra(const amqpci_delivery *delivery)
{
    return (delivery->flags & AMQPCI_DELIVERY_HAS_EXTRA) != 0;
}

/* What the application gave it; 0 of a receiver's. */
AMQPCI_INLINE uint64_t amqpci_delivery_context(const amqpci_delivery *delivery)
{
    return AMQPCI_UNLIKELY(amqpci_delivery_has_extra(delivery)) ? delivery->extra->context
                                                                : delivery->context;
}

/* Sender: where its payload lies, or NULL. */
AMQPCI_INLINE const uint8_t *amqpci_outgoing_payload(const amqpci_delivery *delivery)
{
    const amqpci_outgoing *out = &delivery->as.out;
    if (delivery->flags & AMQPCI_DELIVERY_BORROWED) {
        return out->borrowed;
    }
    return out->slab == NULL ? NULL : out->slab->data + out->offset;
}

/* Sender: bytes of its payload that are in frames. Without an extra part, all or none. */
AMQPCI_INLINE uint32_t amqpci_outgoing_framed_size(const amqpci_delivery *delivery)
{
    if (amqpci_delivery_has_extra(delivery)) {
        return delivery->extra->framed_size;
    }
    return delivery->flags & AMQPCI_DELIVERY_STARTED ? delivery->as.out.size : 0;
}

/* Receiver, not taken: where its payload lies, or NULL. */
AMQPCI_INLINE uint8_t *amqpci_incoming_payload(const amqpci_delivery *delivery)
{
    const amqpci_incoming *in = &delivery->as.in;
    return in->slab == NULL ? NULL : amqpci_slab_data(in->slab) + in->offset;
}

/* Receiver, not taken: where its tag lies, or NULL. */
AMQPCI_INLINE const uint8_t *amqpci_incoming_tag(const amqpci_delivery *delivery)
{
    if (AMQPCI_LIKELY(delivery->tag_distance > 0 && delivery->as.in.slab != NULL)) {
        return amqpci_incoming_payload(delivery) - delivery->tag_distance;
    }
    return amqpci_delivery_has_extra(delivery) ? delivery->extra->tag : NULL;
}

/* What the API calls it: the epoch, and the delivery-id that it had at first. */
AMQPCI_INLINE uint64_t amqpci_delivery_number(const amqpci_delivery *delivery)
{
    uint32_t id = delivery->id;
    if (AMQPCI_UNLIKELY(delivery->flags & AMQPCI_DELIVERY_RESUMED)) {
        assert(amqpci_delivery_has_extra(delivery));
        id = delivery->extra->first_id;
    }
    return (uint64_t)delivery->epoch << 32 | id;
}

/* Numbers are in the order of sending: ids of one epoch wrap (RFC 1982). */
AMQPCI_INLINE bool amqpci_number_before(uint64_t left, uint64_t right)
{
    return left >> 32 == right >> 32 ? amqpci_serial_before((uint32_t)left, (uint32_t)right)
                                     : left < right;
}

/* Receiver: bytes of tag and state, which stand before the payload where it is moved to. */
AMQPCI_INLINE size_t amqpci_delivery_head_size(const amqpci_delivery *delivery)
{
    return delivery->tag_size +
           (amqpci_delivery_has_extra(delivery) ? delivery->extra->sent_state.size : 0);
}

/* Receiver: tag, state and payload lie behind one another from the first byte of a slab on, which
 * is to be the delivery's. */
AMQPCI_INLINE void amqpci_delivery_place_head(amqpci_delivery *delivery, const uint8_t *data)
{
    uint32_t head_size = (uint32_t)amqpci_delivery_head_size(delivery);
    delivery->as.in.offset = head_size;
    delivery->tag_distance = (uint8_t)(head_size <= AMQPCI_NEAR_TAG_MAX ? head_size : 0);
    if (head_size > delivery->tag_size) {
        delivery->extra->sent_state.data = data + delivery->tag_size;
    }
    if (amqpci_delivery_has_extra(delivery)) {
        delivery->extra->tag = data;
    }
}

/* Deliveries in order. */
typedef struct amqpci_delivery_list {
    amqpci_delivery *first;
    amqpci_delivery *last;
} amqpci_delivery_list;

AMQPCI_INLINE void amqpci_delivery_list_append(amqpci_delivery_list *list,
                                               amqpci_delivery *delivery)
{
    delivery->next = NULL;
    if (list->last == NULL) {
        list->first = delivery;
    } else {
        list->last->next = delivery;
    }
    list->last = delivery;
}

AMQPCI_INLINE void amqpci_delivery_list_prepend(amqpci_delivery_list *list,
                                                amqpci_delivery *delivery)
{
    delivery->next = list->first;
    list->first = delivery;
    if (list->last == NULL) {
        list->last = delivery;
    }
}

AMQPCI_INLINE amqpci_delivery *amqpci_delivery_list_take(amqpci_delivery_list *list)
{
    amqpci_delivery *first = list->first;
    if (first != NULL) {
        list->first = first->next;
        if (list->first == NULL) {
            list->last = NULL;
        }
    }
    return first;
}

/* Takes a delivery out, wherever it stands; slow. */
void amqpci_delivery_list_remove(amqpci_delivery_list *list, const amqpci_delivery *delivery);

/* Where deliveries are made: chunks of them, used again, given back when none is left. */
typedef struct amqpci_delivery_store {
    amqpc_allocator allocator;
    amqpci_delivery *free_first; /* by `next` */
    amqpci_delivery_extra *free_extras;
    struct amqpci_delivery_chunk *chunks;
    uint32_t live_count;
} amqpci_delivery_store;

void amqpci_delivery_store_init(amqpci_delivery_store *store, const amqpc_allocator *allocator);

/* Frees all memory, of live deliveries too (not of their slabs and extras' states). */
void amqpci_delivery_store_clean_up(amqpci_delivery_store *store);

/* Gives back memory, where no delivery is live. */
void amqpci_delivery_store_trim(amqpci_delivery_store *store);

/* The slow path of amqpci_delivery_make. */
AMQPCI_COLD bool amqpci_delivery_store_grow(amqpci_delivery_store *store);

/* A delivery of which nothing is set, or NULL. */
AMQPCI_INLINE amqpci_delivery *amqpci_delivery_make(amqpci_delivery_store *store)
{
    if (AMQPCI_UNLIKELY(store->free_first == NULL) && !amqpci_delivery_store_grow(store)) {
        return NULL;
    }
    amqpci_delivery *made = store->free_first;
    store->free_first = made->next;
    store->live_count++;
    return made;
}

void amqpci_delivery_free_extra(amqpci_delivery_store *store, amqpci_delivery *delivery);

/* Sender: all of it is in frames; frees the extra part where nothing else is in it. */
void amqpci_delivery_framed(amqpci_delivery_store *store, amqpci_delivery *delivery);

/* Ends a delivery that nothing refers to any more; its slab is the caller's business. */
AMQPCI_INLINE void amqpci_delivery_free(amqpci_delivery_store *store, amqpci_delivery *delivery)
{
    if (AMQPCI_UNLIKELY(amqpci_delivery_has_extra(delivery))) {
        amqpci_delivery_free_extra(store, delivery);
    }
    delivery->next = store->free_first;
    store->free_first = delivery;
    store->live_count--;
}

/* Sees to it that the delivery has an extra part, once its flags are set. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_delivery_need_extra(amqpci_delivery_store *store,
                                                    amqpci_delivery *delivery);

/* Keeps a copy of an encoded state in one of the two members of the extra part. AMQPC_NO_MEMORY,
 * with the delivery as it was. */
AMQPC_CHECK amqpc_status amqpci_delivery_keep_state(amqpci_delivery_store *store,
                                                    amqpci_delivery *delivery, bool remote,
                                                    amqpc_bytes encoded);

/* A state with one reference, which is the caller's; NULL where there is no memory. */
amqpci_shared_state *amqpci_shared_state_new(const amqpc_allocator *allocator, amqpc_bytes encoded);
void amqpci_shared_state_drop(const amqpc_allocator *allocator, amqpci_shared_state *state);

/* As amqpci_delivery_keep_state of the peer's state, without a copy. */
AMQPC_CHECK amqpc_status amqpci_delivery_share_state(amqpci_delivery_store *store,
                                                     amqpci_delivery *delivery,
                                                     amqpci_shared_state *state);

/* Receiver: a delivery without bytes, AMQPCI_DELIVERY_TAKEN, gets its tag. AMQPC_NO_MEMORY. */
AMQPC_CHECK amqpc_status amqpci_delivery_keep_tag(amqpci_delivery_store *store,
                                                  amqpci_delivery *delivery, amqpc_bytes tag);

/* The tag that a sender makes of a delivery's number. */
amqpc_bytes amqpci_made_tag(uint64_t number, uint8_t storage[AMQPC_DELIVERY_TAG_MAX]);

/* The tag, in `storage` where the engine makes it up (32 bytes are enough). role: of this end. */
amqpc_bytes amqpci_delivery_tag(const amqpci_delivery *delivery, bool role,
                                uint8_t storage[AMQPC_DELIVERY_TAG_MAX]);

#endif
