/* Who may come in: users with passwords, client certificates, or anybody. */
#ifndef AMQPCODEC_TOOLS_BROKER_SASL_H
#define AMQPCODEC_TOOLS_BROKER_SASL_H

#include <amqpcodec/sasl.h>

struct broker_connection;

enum { BROKER_SALT_SIZE = 16, BROKER_KEY_SIZE = 64, BROKER_ITERATIONS = 4096 };

/* stored_key, server_key  of SCRAM-SHA-1, -256 and -512; key_size 0 where it is not made yet */
typedef struct broker_user {
    amqpc_bytes name;
    amqpc_bytes password;
    struct {
        size_t size;
        uint8_t stored_key[BROKER_KEY_SIZE];
        uint8_t server_key[BROKER_KEY_SIZE];
    } keys[3];
} broker_user;

typedef struct broker_users {
    broker_user *users;
    size_t count;
} broker_users;

/* Adds a user, written NAME:PASSWORD; the text is borrowed. Returns false where it is not written
 * so, or there is no memory. */
bool broker_users_add(broker_users *users, const amqpc_allocator *allocator, const char *text);

void broker_users_clean_up(broker_users *users, const amqpc_allocator *allocator);

/* The mechanisms that are offered. Static. */
amqpc_bytes broker_sasl_mechanisms(const broker_users *users, bool allow_external);

/* Answers the open question of a connection. */
void broker_sasl_answer(struct broker_connection *connection);

#endif
