/* Who may come in (AMQP 5.3). */
#include "tools/broker/broker_sasl.h"

#include <string.h>

#include "tools/broker/allocation.h"
#include "tools/broker/broker.h"

static const unsigned hashes[] = {1, 256, 512};

static bool is_same(amqpc_bytes left, amqpc_bytes right)
{
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

/* In a time that does not tell where they differ. */
static bool is_same_secret(amqpc_bytes left, amqpc_bytes right)
{
    const uint8_t *a = (const uint8_t *)left.data;
    const uint8_t *b = (const uint8_t *)right.data;
    unsigned difference = left.size != right.size;
    for (size_t i = 0; i < left.size; i++) {
        difference |= (unsigned)a[i] ^ (right.size == 0 ? 1u : b[i % right.size]);
    }
    return difference == 0;
}

static amqpc_bytes text(const char *string)
{
    return (amqpc_bytes){string, strlen(string)};
}

bool broker_users_add(broker_users *users, const amqpc_allocator *allocator, const char *text)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return false;
    }
    broker_user *grown = (broker_user *)allocator->reallocate(allocator->context, users->users,
                                                              (users->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    users->users = grown;
    broker_user *added = &grown[users->count++];
    memset(added, 0, sizeof *added);
    added->name = (amqpc_bytes){text, (size_t)(colon - text)};
    added->password = (amqpc_bytes){colon + 1, strlen(colon + 1)};
    return true;
}

void broker_users_clean_up(broker_users *users, const amqpc_allocator *allocator)
{
    allocation_give_back(allocator, users->users);
    *users = (broker_users){NULL, 0};
}

amqpc_bytes broker_sasl_mechanisms(const broker_users *users, bool allow_external)
{
    static const char *const choices[] = {
        "ANONYMOUS",
        "EXTERNAL ANONYMOUS",
        "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN",
        "EXTERNAL SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN",
        "PLAIN",
        "EXTERNAL PLAIN",
    };
    size_t credentials = users->count == 0 ? 0 : amqpc_tls_is_available() ? 2 : 4;
    return text(choices[credentials + allow_external]);
}

static broker_user *find_user(const broker_users *users, amqpc_bytes name)
{
    for (size_t i = 0; i < users->count; i++) {
        if (is_same(users->users[i].name, name)) {
            return &users->users[i];
        }
    }
    return NULL;
}

static void finish(broker_connection *connection, bool welcome)
{
    amqpc_status status = amqpc_sasl_finish(connection->connection,
                                            welcome ? AMQPC_SASL_CODE_OK : AMQPC_SASL_CODE_AUTH,
                                            (amqpc_bytes){NULL, 0});
    (void)status; /* without memory the question stays open, until the handshake's time is over */
}

/* --- SCRAM. */

/* Bytes that depend on a name and the broker's secret. */
static void derive(const struct broker *broker, amqpc_bytes name, unsigned round, uint8_t *bytes,
                   size_t size)
{
    const uint8_t *data = (const uint8_t *)name.data;
    uint64_t seeds[2];
    memcpy(seeds, broker->options.secret, sizeof seeds);
    uint64_t hash = seeds[0] ^ round * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ data[i]) * 1099511628211u;
        hash ^= hash >> 29;
    }
    for (size_t i = 0; i < size; i++) {
        hash += seeds[1];
        hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
        hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
        bytes[i] = (uint8_t)(hash >> 32);
    }
}

static bool make_keys(broker_user *user, unsigned index, amqpc_bytes salt)
{
    return user->keys[index].size > 0 ||
           amqpc_sasl_make_verifier(hashes[index], user->password, salt, BROKER_ITERATIONS,
                                    user->keys[index].stored_key, user->keys[index].server_key,
                                    &user->keys[index].size) == AMQPC_OK;
}

static unsigned index_of_hash(amqpc_bytes mechanism)
{
    if (is_same(mechanism, text("SCRAM-SHA-1"))) {
        return 0;
    }
    return is_same(mechanism, text("SCRAM-SHA-256")) ? 1 : 2;
}

/* A user that does not exist gets a verifier, too, so that nobody learns who does. */
static void give_verifier(broker_connection *connection, const amqpc_sasl_question *question)
{
    static const size_t key_sizes[] = {20, 32, 64};
    const struct broker *broker = connection->broker;
    unsigned index = index_of_hash(question->mechanism);
    uint8_t salt[BROKER_SALT_SIZE];
    uint8_t unknown[2][BROKER_KEY_SIZE];
    derive(broker, question->user, index, salt, sizeof salt);
    derive(broker, question->user, index + 3, unknown[0], sizeof unknown[0]);
    derive(broker, question->user, index + 6, unknown[1], sizeof unknown[1]);
    broker_user *user = find_user(&broker->users, question->user);
    bool acts_for_another =
        question->authorization_id.size > 0 && !is_same(question->authorization_id, question->user);
    amqpc_sasl_verifier verifier = {
        .salt = {salt, sizeof salt},
        .iterations = BROKER_ITERATIONS,
        .stored_key = {unknown[0], key_sizes[index]},
        .server_key = {unknown[1], key_sizes[index]},
    };
    if (user != NULL && make_keys(user, index, verifier.salt)) {
        verifier.stored_key.data = user->keys[index].stored_key;
        verifier.server_key.data = user->keys[index].server_key;
    }
    if (acts_for_another ||
        amqpc_sasl_give_verifier(connection->connection, &verifier) != AMQPC_OK) {
        finish(connection, false);
    }
}

/* --- The other mechanisms. */

static bool is_welcome(const broker_connection *connection, const amqpc_sasl_question *question)
{
    if (is_same(question->mechanism, text("ANONYMOUS"))) {
        return connection->broker->users.count == 0;
    }
    if (is_same(question->mechanism, text("EXTERNAL"))) {
        bool named = connection->subject != NULL && connection->subject[0] != '\0';
        return named && (question->authorization_id.size == 0 ||
                         is_same(question->authorization_id, text(connection->subject)));
    }
    const broker_user *user = find_user(&connection->broker->users, question->user);
    bool acts_for_another =
        question->authorization_id.size > 0 && !is_same(question->authorization_id, question->user);
    return user != NULL && !acts_for_another && is_same(question->mechanism, text("PLAIN")) &&
           is_same_secret(question->password, user->password);
}

void broker_sasl_answer(broker_connection *connection)
{
    amqpc_sasl_question question;
    if (amqpc_sasl_question_get(connection->connection, &question) != AMQPC_OK) {
        return;
    }
    if (question.type == AMQPC_SASL_QUESTION_VERIFIER) {
        give_verifier(connection, &question);
    } else {
        finish(connection, question.type == AMQPC_SASL_QUESTION_CREDENTIALS &&
                               is_welcome(connection, &question));
    }
}
