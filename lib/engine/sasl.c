/* The SASL layer of one connection: what both ends share (AMQP 5.3). */
#include "engine/sasl.h"

#include <assert.h>
#include <string.h>

#include "engine/sasl_name.h"
#include "engine/sasl_object.h"

void amqpc_sasl_options_init(amqpc_sasl_options *options, size_t struct_size)
{
    const amqpc_sasl_options defaults = {.iterations_max = 1000000, .rounds_max = 16};
    memcpy(options, &defaults, struct_size < sizeof defaults ? struct_size : sizeof defaults);
    options->struct_size = struct_size;
}

/* --- Making and freeing. */

/* Text without NUL, which separates texts in PLAIN. */
static bool is_text(amqpc_bytes text)
{
    return (text.data != NULL || text.size == 0) && amqpci_sasl_is_text(text);
}

/* Text also without 0x01, which separates texts in XOAUTH2 and OAUTHBEARER. */
static bool is_name(amqpc_bytes text)
{
    return is_text(text) && (text.size == 0 || memchr(text.data, 1, text.size) == NULL);
}

static bool is_token(amqpc_bytes token)
{
    const uint8_t *text = (const uint8_t *)token.data;
    for (size_t i = 0; i < token.size && text != NULL; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) { /* RFC 7628 3.1 */
            return false;
        }
    }
    return text != NULL || token.size == 0;
}

static bool are_options(const amqpc_sasl_options *options)
{
    return options != NULL && options->struct_size >= sizeof *options &&
           (options->mechanisms.data != NULL || options->mechanisms.size == 0) &&
           amqpci_sasl_are_names(options->mechanisms) && is_name(options->user) &&
           is_text(options->password) && is_name(options->authorization_id) &&
           is_token(options->token) && is_name(options->hostname) &&
           options->iterations_max >= AMQPCI_SCRAM_ITERATIONS_MIN && options->rounds_max > 0;
}

/* Copies the bytes of the options, and turns the views to the copies. */
static amqpc_status copy_options(amqpci_sasl *sasl, const amqpc_sasl_options *options)
{
    enum { VIEWS = 5 };
    amqpc_bytes *const views[VIEWS] = {&sasl->options.user, &sasl->options.password,
                                       &sasl->options.authorization_id, &sasl->options.token,
                                       &sasl->options.hostname};
    amqpc_bytes parts[VIEWS];
    sasl->options = *options;
    for (size_t i = 0; i < VIEWS; i++) {
        parts[i] = *views[i];
    }
    amqpc_bytes names = options->mechanisms;
    if (sasl->server && names.size == 0) {
        names = amqpci_text("ANONYMOUS");
    }
    amqpc_status status = amqpci_secret_join(&sasl->allocator, &sasl->credentials, parts, VIEWS);
    if (status == AMQPC_OK) {
        status = amqpci_secret_set(&sasl->allocator, &sasl->names, names);
    }
    if (status == AMQPC_OK) {
        size_t at = 0;
        for (size_t i = 0; i < VIEWS; i++) {
            views[i]->data = sasl->credentials.data + at;
            at += parts[i].size;
        }
        sasl->options.mechanisms = amqpci_secret_view(&sasl->names);
    }
    return status;
}

amqpc_status amqpci_sasl_new(const amqpc_allocator *allocator, bool server, bool is_protected,
                             const amqpc_sasl_options *options, amqpc_bytes random,
                             amqpci_sasl **sasl)
{
    if (!are_options(options) || random.size < AMQPCI_SASL_NONCE_SIZE || random.data == NULL ||
        sasl == NULL) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_allocator chosen = amqpci_allocator_or_default(allocator);
    amqpci_sasl *made = (amqpci_sasl *)amqpci_new(&chosen, sizeof *made);
    if (made == NULL) {
        return AMQPC_NO_MEMORY;
    }
    made->allocator = chosen;
    made->server = server;
    made->is_protected = is_protected;
    memcpy(made->random, random.data, sizeof made->random);
    amqpc_status status = copy_options(made, options);
    if (status == AMQPC_OK && server) {
        status = amqpci_sasl_server_offer(made);
    }
    if (status != AMQPC_OK) {
        amqpci_sasl_free(made);
        return status;
    }
    *sasl = made;
    return AMQPC_OK;
}

/* Closes the question; what it was about is wiped. */
static void close_question(amqpci_sasl *sasl)
{
    sasl->question = (amqpc_sasl_question){.type = AMQPC_SASL_QUESTION_NONE};
    amqpci_secret_release(&sasl->allocator, &sasl->received);
}

void amqpci_sasl_forget(amqpci_sasl *sasl)
{
    const amqpc_bytes none = {NULL, 0};
    close_question(sasl);
    amqpci_scram_clean_up(&sasl->scram);
    amqpci_secret_release(&sasl->allocator, &sasl->claimed);
    amqpci_secret_release(&sasl->allocator, &sasl->credentials);
    sasl->options.user = none;
    sasl->options.password = none;
    sasl->options.authorization_id = none;
    sasl->options.token = none;
    sasl->options.hostname = none;
    amqpci_wipe(sasl->random, sizeof sasl->random);
}

void amqpci_sasl_free(amqpci_sasl *sasl)
{
    if (sasl == NULL) {
        return;
    }
    amqpc_allocator allocator = sasl->allocator;
    amqpci_sasl_forget(sasl);
    amqpci_secret_release(&allocator, &sasl->sent);
    amqpci_secret_release(&allocator, &sasl->names);
    amqpci_secret_release(&allocator, &sasl->mechanism_name);
    amqpci_secret_release(&allocator, &sasl->identity);
    amqpci_secret_release(&allocator, &sasl->hostname);
    amqpci_release(&allocator, sasl->offered);
    amqpci_wipe(sasl, sizeof *sasl);
    amqpci_release(&allocator, sasl);
}

/* --- In and out. */

/* Notes the first failure. Of what was to be sent nothing is any more; a server's outcome takes its
 * place, unless one is sent. */
static amqpc_status fail(amqpci_sasl *sasl, amqpc_status status, uint8_t code)
{
    if (sasl->status != AMQPC_OK) {
        return status;
    }
    if (sasl->state != AMQPCI_SASL_STATE_FAILED) {
        amqpc_status refused =
            amqpci_sasl_change(sasl->server, &sasl->state, AMQPCI_SASL_EVENT_REFUSE);
        assert(refused == AMQPC_OK);
        (void)refused;
    }
    sasl->status = status;
    sasl->pending = AMQPC_COMPOSITE_NONE;
    amqpci_secret_release(&sasl->allocator, &sasl->sent);
    amqpci_secret_release(&sasl->allocator, &sasl->identity);
    amqpci_sasl_forget(sasl);
    if (sasl->server && !sasl->outcome_taken) {
        sasl->pending = AMQPC_COMPOSITE_SASL_OUTCOME;
        sasl->code = code;
    }
    return status;
}

static amqpci_sasl_event event_of(uint32_t type)
{
    switch (type) {
    case AMQPC_COMPOSITE_SASL_MECHANISMS:
        return AMQPCI_SASL_EVENT_MECHANISMS;
    case AMQPC_COMPOSITE_SASL_INIT:
        return AMQPCI_SASL_EVENT_INIT;
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        return AMQPCI_SASL_EVENT_CHALLENGE;
    case AMQPC_COMPOSITE_SASL_RESPONSE:
        return AMQPCI_SASL_EVENT_RESPONSE;
    case AMQPC_COMPOSITE_SASL_OUTCOME:
        return AMQPCI_SASL_EVENT_OUTCOME;
    default:
        return AMQPCI_SASL_EVENT_OTHER;
    }
}

amqpc_status amqpci_sasl_input(amqpci_sasl *sasl, const amqpc_performative *in)
{
    amqpc_status status = amqpci_sasl_change(sasl->server, &sasl->state, event_of(in->type));
    if (status == AMQPC_OK) {
        amqpci_secret_release(&sasl->allocator, &sasl->sent); /* it was given out */
        status =
            sasl->server ? amqpci_sasl_server_input(sasl, in) : amqpci_sasl_client_input(sasl, in);
    }
    if (status == AMQPC_OK) {
        return AMQPC_OK;
    }
    /* The peer learns no more of its mistake than that it is not let in. */
    bool own = status == AMQPC_NO_MEMORY || status == AMQPC_UNSUPPORTED;
    return fail(sasl, status, own ? AMQPC_SASL_CODE_SYS_TEMP : AMQPC_SASL_CODE_AUTH);
}

/* Fills in what is pending, from the bytes in sasl->sent. */
static void put_pending(const amqpci_sasl *sasl, amqpc_performative *out)
{
    amqpc_bytes sent = amqpci_secret_view(&sasl->sent);
    bool has_sent = sent.data != NULL;
    amqpc_bytes hostname = sasl->options.hostname;
    switch (sasl->pending) {
    case AMQPC_COMPOSITE_SASL_INIT:
        out->as.sasl_init =
            (amqpc_sasl_init){.present = AMQPC_SASL_INIT_MECHANISM |
                                         (has_sent ? AMQPC_SASL_INIT_INITIAL_RESPONSE : 0u) |
                                         (hostname.size > 0 ? AMQPC_SASL_INIT_HOSTNAME : 0u),
                              .mechanism = amqpci_secret_view(&sasl->mechanism_name),
                              .initial_response = sent,
                              .hostname = hostname};
        break;
    case AMQPC_COMPOSITE_SASL_CHALLENGE:
        out->as.sasl_challenge =
            (amqpc_sasl_challenge){.present = AMQPC_SASL_CHALLENGE_CHALLENGE, .challenge = sent};
        break;
    case AMQPC_COMPOSITE_SASL_RESPONSE:
        out->as.sasl_response =
            (amqpc_sasl_response){.present = AMQPC_SASL_RESPONSE_RESPONSE, .response = sent};
        break;
    default:
        assert(sasl->pending == AMQPC_COMPOSITE_SASL_OUTCOME);
        out->as.sasl_outcome =
            (amqpc_sasl_outcome){.present = AMQPC_SASL_OUTCOME_CODE |
                                            (has_sent ? AMQPC_SASL_OUTCOME_ADDITIONAL_DATA : 0u),
                                 .code = sasl->code,
                                 .additional_data = sent};
        break;
    }
}

bool amqpci_sasl_output(amqpci_sasl *sasl, amqpc_performative *out)
{
    *out = (amqpc_performative){.type = AMQPC_COMPOSITE_NONE};
    if (sasl->mechanisms_pending) {
        out->type = AMQPC_COMPOSITE_SASL_MECHANISMS;
        out->as.sasl_mechanisms = (amqpc_sasl_mechanisms){
            .present = AMQPC_SASL_MECHANISMS_SASL_SERVER_MECHANISMS,
            .sasl_server_mechanisms = {.count = sasl->offered_count, .items = sasl->offered}};
        sasl->mechanisms_pending = false;
        return true;
    }
    if (sasl->pending == AMQPC_COMPOSITE_NONE) {
        amqpci_secret_release(&sasl->allocator, &sasl->sent);
        return false;
    }
    out->type = sasl->pending;
    put_pending(sasl, out);
    sasl->outcome_taken = sasl->pending == AMQPC_COMPOSITE_SASL_OUTCOME;
    sasl->pending = AMQPC_COMPOSITE_NONE;
    amqpc_status status = amqpci_sasl_change(sasl->server, &sasl->state, AMQPCI_SASL_EVENT_SENT);
    assert(status == AMQPC_OK);
    (void)status;
    if (sasl->state == AMQPCI_SASL_STATE_PASSED) {
        amqpci_sasl_forget(sasl);
    }
    return true;
}

/* --- Answers. */

amqpc_sasl_question *amqpci_sasl_ask(amqpci_sasl *sasl, amqpc_sasl_question_type type)
{
    assert(sasl->state == AMQPCI_SASL_STATE_DECIDING);
    sasl->question.type = (uint32_t)type;
    return &sasl->question;
}

amqpc_status amqpci_sasl_answer(amqpci_sasl *sasl, amqpc_composite_type type)
{
    amqpc_status status = amqpci_sasl_change(sasl->server, &sasl->state, AMQPCI_SASL_EVENT_ANSWER);
    if (status == AMQPC_OK) {
        sasl->pending = (uint32_t)type;
        close_question(sasl);
    }
    return status;
}

amqpc_status amqpci_sasl_accept(amqpci_sasl *sasl)
{
    amqpc_status status = amqpci_sasl_change(sasl->server, &sasl->state, AMQPCI_SASL_EVENT_ACCEPT);
    if (status == AMQPC_OK) {
        sasl->pending = AMQPC_COMPOSITE_SASL_OUTCOME;
        sasl->code = AMQPC_SASL_CODE_OK;
        close_question(sasl);
    }
    return status;
}

static bool asks(const amqpci_sasl *sasl, amqpc_sasl_question_type type)
{
    return sasl->question.type == (uint32_t)type;
}

static bool are_bytes(amqpc_bytes bytes)
{
    return bytes.data != NULL || bytes.size == 0;
}

amqpc_status amqpci_sasl_finish(amqpci_sasl *sasl, unsigned code, amqpc_bytes additional_data)
{
    if (!asks(sasl, AMQPC_SASL_QUESTION_CREDENTIALS) && !asks(sasl, AMQPC_SASL_QUESTION_VERIFIER) &&
        !asks(sasl, AMQPC_SASL_QUESTION_RESPONSE)) {
        return AMQPC_INVALID_STATE;
    }
    /* Additional data is of success only (AMQP 5.3.3.5). */
    if (code > AMQPC_SASL_CODE_SYS_TEMP || !are_bytes(additional_data) ||
        (code != AMQPC_SASL_CODE_OK && additional_data.size > 0) ||
        (code == AMQPC_SASL_CODE_OK && asks(sasl, AMQPC_SASL_QUESTION_VERIFIER))) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (code != AMQPC_SASL_CODE_OK) {
        (void)fail(sasl, code == AMQPC_SASL_CODE_AUTH ? AMQPC_SASL_REFUSED : AMQPC_SASL_SYSTEM,
                   (uint8_t)code);
        return AMQPC_OK;
    }
    if (additional_data.size > 0) {
        amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->sent, additional_data);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    return amqpci_sasl_accept(sasl);
}

amqpc_status amqpci_sasl_give_verifier(amqpci_sasl *sasl, const amqpc_sasl_verifier *verifier)
{
    if (!asks(sasl, AMQPC_SASL_QUESTION_VERIFIER)) {
        return AMQPC_INVALID_STATE;
    }
    return verifier == NULL ? AMQPC_INVALID_ARGUMENT : amqpci_scram_give(sasl, verifier);
}

amqpc_status amqpci_sasl_challenge(amqpci_sasl *sasl, amqpc_bytes data)
{
    if (!asks(sasl, AMQPC_SASL_QUESTION_RESPONSE)) {
        return AMQPC_INVALID_STATE;
    }
    if (!are_bytes(data)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->sent, data);
    return status == AMQPC_OK ? amqpci_sasl_answer(sasl, AMQPC_COMPOSITE_SASL_CHALLENGE) : status;
}

amqpc_status amqpci_sasl_respond(amqpci_sasl *sasl, amqpc_bytes data)
{
    bool first = asks(sasl, AMQPC_SASL_QUESTION_INITIAL_RESPONSE);
    if (!first && !asks(sasl, AMQPC_SASL_QUESTION_CHALLENGE)) {
        return AMQPC_INVALID_STATE;
    }
    if (!are_bytes(data)) {
        return AMQPC_INVALID_ARGUMENT;
    }
    if (!first || data.data != NULL) { /* otherwise null */
        amqpc_status status = amqpci_secret_set(&sasl->allocator, &sasl->sent, data);
        if (status != AMQPC_OK) {
            return status;
        }
    }
    return amqpci_sasl_answer(sasl,
                              first ? AMQPC_COMPOSITE_SASL_INIT : AMQPC_COMPOSITE_SASL_RESPONSE);
}

/* --- What is known. */

amqpci_sasl_progress amqpci_sasl_get_progress(const amqpci_sasl *sasl)
{
    switch (sasl->state) {
    case AMQPCI_SASL_STATE_PASSED:
        return AMQPCI_SASL_PASSED;
    case AMQPCI_SASL_STATE_FAILED:
        return AMQPCI_SASL_FAILED;
    default:
        return AMQPCI_SASL_GOING;
    }
}

amqpc_status amqpci_sasl_get_status(const amqpci_sasl *sasl)
{
    return sasl->status;
}

bool amqpci_sasl_get_question(const amqpci_sasl *sasl, amqpc_sasl_question *question)
{
    if (asks(sasl, AMQPC_SASL_QUESTION_NONE)) {
        return false;
    }
    *question = sasl->question;
    question->mechanism = amqpci_secret_view(&sasl->mechanism_name);
    question->hostname = amqpci_secret_view(&sasl->hostname);
    question->has_data = sasl->received.data != NULL;
    return true;
}

amqpc_bytes amqpci_sasl_get_mechanism(const amqpci_sasl *sasl)
{
    return amqpci_secret_view(&sasl->mechanism_name);
}

amqpc_bytes amqpci_sasl_get_identity(const amqpci_sasl *sasl)
{
    const amqpc_bytes none = {NULL, 0};
    return sasl->state == AMQPCI_SASL_STATE_PASSED ? amqpci_secret_view(&sasl->identity) : none;
}
