/* What an end learns from the frames that it takes, and whether it may send those that it sends. */
#include "simulation/observer.h"

/* Serial numbers (RFC 1982): whether `a` is beyond `b`. */
static bool beyond(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

/* --- In. */

static void both_begun(observed_session *session)
{
    session->window_limit = session->next_out_id + session->peer_window;
}

static void in_begin(observer *watch, uint16_t channel, const amqpc_begin *begin)
{
    observed_session *session = NULL;
    if ((begin->present & AMQPC_BEGIN_REMOTE_CHANNEL) != 0) {
        session = observer_out_session(watch, begin->remote_channel);
    } else {
        for (unsigned i = 0; i < OBSERVED_SESSIONS && session == NULL; i++) {
            observed_session *place = &watch->sessions[i];
            bool used = (place->sent_begin && !(place->sent_end && place->got_end)) ||
                        (place->got_begin && !(place->sent_end && place->got_end));
            session = used ? NULL : place;
        }
        if (session != NULL) {
            *session = (observed_session){0};
        }
    }
    if (session == NULL) {
        return; /* the other end's observer tells */
    }
    session->got_begin = true;
    session->in_channel = channel;
    session->peer_window = begin->incoming_window;
    session->next_in_id = begin->next_outgoing_id;
    if (session->sent_begin) {
        both_begun(session);
    }
}

static void in_attach(observer *watch, observed_session *session, const amqpc_attach *attach)
{
    observed_link *link = observer_named_link(session, attach->role, attach->name);
    if (link == NULL) {
        return;
    }
    link->got_attach = true;
    link->early_credit = 0;
    link->early_drain = false;
    link->in_handle = attach->handle;
    if (link->route < ROUTES_MAX) {
        watch->got_incomplete[link->route] = attach->incomplete_unsettled;
    }
    if (!link->is_sender) {
        link->first_count = attach->initial_delivery_count;
    }
}

static void in_flow(observed_session *session, const amqpc_flow *flow)
{
    if ((flow->present & AMQPC_FLOW_NEXT_INCOMING_ID) != 0) {
        uint32_t limit = flow->next_incoming_id + flow->incoming_window;
        session->window_limit =
            beyond(limit, session->window_limit) ? limit : session->window_limit;
    }
    observed_link *link = (flow->present & AMQPC_FLOW_HANDLE) == 0
                              ? NULL
                              : observer_link(session, false, flow->handle);
    if (link == NULL || !link->is_sender || (flow->present & AMQPC_FLOW_LINK_CREDIT) == 0) {
        return;
    }
    uint32_t from =
        (flow->present & AMQPC_FLOW_DELIVERY_COUNT) != 0 ? flow->delivery_count : link->first_count;
    uint32_t limit = from + flow->link_credit;
    if (!link->sent_attach) {
        link->early_credit = flow->link_credit;
        link->early_drain = flow->drain;
        return;
    }
    link->limit = beyond(limit, link->limit) ? limit : link->limit;
    uint32_t left = link->limit - link->count;
    link->drainable = flow->drain && left > link->drainable ? left : link->drainable;
}

static void in_transfer(observed_session *session, const amqpc_transfer *transfer)
{
    session->next_in_id++;
    if ((transfer->present & AMQPC_TRANSFER_DELIVERY_ID) != 0) {
        session->next_in_delivery = transfer->delivery_id + 1;
        session->in_delivery_known = true;
    }
}

void observer_in_frame(observer *watch, uint16_t channel, const amqpc_performative *frame)
{
    observed_session *session = observer_in_session(watch, channel);
    if (frame->type == AMQPC_COMPOSITE_OPEN) {
        watch->peer_frame_size = frame->as.open.max_frame_size;
    } else if (frame->type == AMQPC_COMPOSITE_BEGIN) {
        in_begin(watch, channel, &frame->as.begin);
    } else if (session == NULL) {
        return;
    } else if (frame->type == AMQPC_COMPOSITE_ATTACH) {
        in_attach(watch, session, &frame->as.attach);
    } else if (frame->type == AMQPC_COMPOSITE_FLOW) {
        in_flow(session, &frame->as.flow);
    } else if (frame->type == AMQPC_COMPOSITE_TRANSFER) {
        in_transfer(session, &frame->as.transfer);
    } else if (frame->type == AMQPC_COMPOSITE_DETACH) {
        observed_link *link = observer_link(session, false, frame->as.detach.handle);
        if (link != NULL) {
            link->got_attach = false;
        }
    } else if (frame->type == AMQPC_COMPOSITE_END) {
        session->got_end = true;
    }
}

/* --- Out. */

static void out_begin(observer *watch, uint16_t channel, const amqpc_begin *begin)
{
    if (observer_out_session(watch, channel) != NULL) {
        ledger_break(watch->book, RULE_WIRE, "end %u begins channel %u twice", watch->end, channel);
        return;
    }
    observed_session *session = NULL;
    if ((begin->present & AMQPC_BEGIN_REMOTE_CHANNEL) != 0) {
        session = observer_in_session(watch, begin->remote_channel);
    } else {
        for (unsigned i = 0; i < OBSERVED_SESSIONS && session == NULL; i++) {
            observed_session *place = &watch->sessions[i];
            bool used =
                (place->sent_begin || place->got_begin) && !(place->sent_end && place->got_end);
            session = used ? NULL : place;
        }
        if (session != NULL) {
            *session = (observed_session){0};
        }
    }
    if (session == NULL || session->sent_begin) {
        ledger_break(watch->book, RULE_WIRE, "end %u answers a begin that is not there",
                     watch->end);
        return;
    }
    session->sent_begin = true;
    session->out_channel = channel;
    session->next_out_id = begin->next_outgoing_id;
    session->next_delivery = begin->next_outgoing_id;
    if (begin->incoming_window > watch->book->plan->ends[watch->end].window) {
        ledger_break(watch->book, RULE_WINDOW, "end %u opens a window of %u", watch->end,
                     begin->incoming_window);
    }
    if (session->got_begin) {
        both_begun(session);
    }
}

static void out_attach(observer *watch, observed_session *session, const amqpc_attach *attach)
{
    if (observer_link(session, true, attach->handle) != NULL) {
        ledger_break(watch->book, RULE_WIRE, "end %u attaches handle %u twice", watch->end,
                     attach->handle);
        return;
    }
    bool is_sender = attach->role == AMQPC_ROLE_SENDER;
    observed_link *link = observer_named_link(session, is_sender, attach->name);
    if (link == NULL || link->sent_attach) {
        ledger_break(watch->book, RULE_WIRE, "end %u attaches %.*s twice", watch->end,
                     (int)attach->name.size, (const char *)attach->name.data);
        return;
    }
    link->sent_attach = true;
    link->out_handle = attach->handle;
    if (link->route < ROUTES_MAX) {
        watch->sent_incomplete[link->route] = attach->incomplete_unsettled;
    }
    link->in_delivery = false;
    if (is_sender) {
        link->first_count = attach->initial_delivery_count;
        link->count = link->first_count;
        link->limit = link->first_count + link->early_credit;
        link->drainable = link->early_drain ? link->early_credit : 0;
    }
}

/* A sender's delivery-count is of what it has sent, and of credit that it was asked to drain and
 * gives back (AMQP 2.6.7). New credit may have come meanwhile, which it still has. */
static void out_sender_flow(observer *watch, observed_link *link, const amqpc_flow *flow)
{
    if ((flow->present & AMQPC_FLOW_DELIVERY_COUNT) == 0) {
        return;
    }
    uint32_t given_back = flow->delivery_count - link->count;
    if (given_back > link->drainable) {
        ledger_break(watch->book, RULE_CREDIT,
                     "end %u: link %s tells delivery-count %u, %u is right", watch->end, link->name,
                     flow->delivery_count, link->count);
        return;
    }
    link->drainable -= given_back;
    link->count = flow->delivery_count;
    bool has_credit = (flow->present & AMQPC_FLOW_LINK_CREDIT) != 0;
    if (has_credit && beyond(link->count + flow->link_credit, link->limit)) {
        ledger_break(watch->book, RULE_CREDIT,
                     "end %u: link %s tells credit %u after %u, but the limit is %u", watch->end,
                     link->name, flow->link_credit, link->count, link->limit);
    }
}

static void out_link_flow(observer *watch, observed_session *session, const amqpc_flow *flow)
{
    observed_link *link = observer_link(session, true, flow->handle);
    if (link == NULL) {
        ledger_break(watch->book, RULE_WIRE,
                     "end %u sends flow on handle %u, which is not attached", watch->end,
                     flow->handle);
        return;
    }
    if (link->is_sender) {
        out_sender_flow(watch, link, flow);
        return;
    }
    if ((flow->present & AMQPC_FLOW_LINK_CREDIT) == 0) {
        return;
    }
    uint32_t prefetch = watch->book->plan->routes[link->route].prefetch;
    uint32_t used = (flow->present & AMQPC_FLOW_DELIVERY_COUNT) != 0
                        ? flow->delivery_count - link->first_count
                        : 0;
    uint64_t granted = watch->granted[link->route];
    bool too_much =
        prefetch > 0 ? flow->link_credit > prefetch : (uint64_t)used + flow->link_credit > granted;
    if (too_much) {
        ledger_break(watch->book, RULE_CREDIT, "end %u gives link %s %u credit after %u of %llu",
                     watch->end, link->name, flow->link_credit, used,
                     (unsigned long long)(prefetch > 0 ? prefetch : granted));
    }
}

static void out_flow(observer *watch, observed_session *session, const amqpc_flow *flow)
{
    if (flow->next_outgoing_id != session->next_out_id) {
        ledger_break(watch->book, RULE_WINDOW, "end %u: next-outgoing-id %u, but %u is next",
                     watch->end, flow->next_outgoing_id, session->next_out_id);
    }
    if ((flow->present & AMQPC_FLOW_NEXT_INCOMING_ID) != 0 &&
        beyond(flow->next_incoming_id, session->next_in_id)) {
        ledger_break(watch->book, RULE_WINDOW, "end %u: next-incoming-id %u, but %u is next",
                     watch->end, flow->next_incoming_id, session->next_in_id);
    }
    if (flow->incoming_window > watch->book->plan->ends[watch->end].window) {
        ledger_break(watch->book, RULE_WINDOW, "end %u opens a window of %u", watch->end,
                     flow->incoming_window);
    }
    if ((flow->present & AMQPC_FLOW_HANDLE) != 0) {
        out_link_flow(watch, session, flow);
    }
}

/* The first frame of a delivery (AMQP 2.6.7, 2.7.5). */
static void out_delivery(observer *watch, observed_session *session, observed_link *link,
                         const amqpc_transfer *transfer)
{
    if (!beyond(link->limit, link->count)) {
        ledger_break(watch->book, RULE_CREDIT, "end %u sends delivery %u of link %s, limit is %u",
                     watch->end, link->count - link->first_count, link->name,
                     link->limit - link->first_count);
    }
    if ((transfer->present & AMQPC_TRANSFER_DELIVERY_ID) == 0 ||
        transfer->delivery_id != session->next_delivery) {
        ledger_break(watch->book, RULE_WIRE, "end %u: delivery-id %u, but %u is next", watch->end,
                     transfer->delivery_id, session->next_delivery);
    }
    session->next_delivery++;
    link->count++;
    link->in_delivery = true;
    link->settled = false;
    link->resumes = transfer->resume;
}

static void out_transfer(observer *watch, observed_session *session, const amqpc_transfer *transfer)
{
    observed_link *link = observer_link(session, true, transfer->handle);
    if (link == NULL || !link->is_sender) {
        ledger_break(watch->book, RULE_WIRE, "end %u sends on handle %u, which is not attached",
                     watch->end, transfer->handle);
        return;
    }
    if (!session->got_begin || !beyond(session->window_limit, session->next_out_id)) {
        ledger_break(watch->book, RULE_WINDOW,
                     "end %u: transfer %u, beyond the window that ends at %u", watch->end,
                     session->next_out_id, session->window_limit);
    }
    session->next_out_id++;
    if (!link->in_delivery) {
        out_delivery(watch, session, link, transfer);
    }
    link->settled = link->settled || transfer->settled;
    if (transfer->more && !transfer->aborted) {
        return;
    }
    link->in_delivery = false;
    uint8_t mode = watch->book->plan->routes[link->route].snd_settle_mode;
    if (!transfer->aborted &&
        ((mode == AMQPC_SENDER_SETTLE_MODE_SETTLED && !link->settled) ||
         (mode == AMQPC_SENDER_SETTLE_MODE_UNSETTLED && link->settled && !link->resumes))) {
        ledger_break(watch->book, RULE_WIRE, "end %u: link %s is not in the settle mode agreed on",
                     watch->end, link->name);
    }
}

static void out_disposition(observer *watch, observed_session *session,
                            const amqpc_disposition *disposition)
{
    uint32_t last = (disposition->present & AMQPC_DISPOSITION_LAST) != 0 ? disposition->last
                                                                         : disposition->first;
    bool of_received = disposition->role == AMQPC_ROLE_RECEIVER;
    uint32_t next = of_received ? session->next_in_delivery : session->next_delivery;
    if (beyond(disposition->first, last) || !beyond(next, last) ||
        (of_received && !session->in_delivery_known)) {
        ledger_break(watch->book, RULE_WIRE, "end %u: disposition of %u to %u, but %u is next",
                     watch->end, disposition->first, last, next);
    }
}

static void out_detach(observer *watch, observed_session *session, const amqpc_detach *detach)
{
    observed_link *link = observer_link(session, true, detach->handle);
    if (link == NULL) {
        ledger_break(watch->book, RULE_WIRE, "end %u detaches handle %u, which is not attached",
                     watch->end, detach->handle);
        return;
    }
    link->sent_attach = false;
}

static void out_session_frame(observer *watch, observed_session *session,
                              const amqpc_performative *frame)
{
    switch (frame->type) {
    case AMQPC_COMPOSITE_ATTACH:
        out_attach(watch, session, &frame->as.attach);
        break;
    case AMQPC_COMPOSITE_FLOW:
        out_flow(watch, session, &frame->as.flow);
        break;
    case AMQPC_COMPOSITE_TRANSFER:
        out_transfer(watch, session, &frame->as.transfer);
        break;
    case AMQPC_COMPOSITE_DISPOSITION:
        out_disposition(watch, session, &frame->as.disposition);
        break;
    case AMQPC_COMPOSITE_DETACH:
        out_detach(watch, session, &frame->as.detach);
        break;
    case AMQPC_COMPOSITE_END:
        session->sent_end = true;
        break;
    default:
        ledger_break(watch->book, RULE_WIRE, "end %u sends performative 0x%x", watch->end,
                     frame->type);
    }
}

void observer_out_frame(observer *watch, uint16_t channel, const amqpc_performative *frame)
{
    observed_session *session = observer_out_session(watch, channel);
    if (watch->sent_close || watch->sent_open == (frame->type == AMQPC_COMPOSITE_OPEN)) {
        ledger_break(watch->book, RULE_WIRE, "end %u sends performative 0x%x out of order",
                     watch->end, frame->type);
    } else if (frame->type == AMQPC_COMPOSITE_OPEN) {
        watch->sent_open = true;
    } else if (frame->type == AMQPC_COMPOSITE_CLOSE) {
        watch->sent_close = true;
    } else if (frame->type == AMQPC_COMPOSITE_BEGIN) {
        out_begin(watch, channel, &frame->as.begin);
    } else if (session == NULL) {
        ledger_break(watch->book, RULE_WIRE, "end %u sends performative 0x%x on channel %u",
                     watch->end, frame->type, channel);
    } else {
        out_session_frame(watch, session, frame);
    }
}
