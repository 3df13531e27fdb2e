/* Two engines whose link is suspended and attached again (AMQP 2.6.13). */
#ifndef TESTS_UNIT_RECOVERY_FIXTURE_H
#define TESTS_UNIT_RECOVERY_FIXTURE_H

#include "support/engine_pair.h"

/* Opens both ends and a link from client to server, with that rcv-settle-mode and credit. */
void recovery_open(engine_pair *pair, uint8_t rcv_settle_mode, uint32_t credit);

/* Detaches the link, without closing it, and both ends know it. Events are read. */
void recovery_detach(engine_pair *pair);

/* Attaches the link again, from the client, and both ends know it. Events are read. */
void recovery_attach(engine_pair *pair);

/* The client's attach alone; nothing is exchanged. */
void recovery_attach_client(engine_pair *pair);

/* What connects both ends is lost without a word: what is on the way, too. */
void recovery_cut(engine_pair *pair);

/* Both processes start again: links are exported, connections freed, new ones opened, and the links
 * imported (each end where its flag is set) and attached. */
void recovery_restart(engine_pair *pair, bool with_sender, bool with_receiver);

/* As recovery_restart, without the attaching: the server's import comes when it is asked. */
void recovery_reopen(engine_pair *pair, const amqpc_buffer *sender, const amqpc_buffer *receiver);

/* Exports a link. The caller frees the buffer. */
amqpc_buffer *recovery_export(const amqpc_link *link);

/* Sends a payload, unsettled; gives its number. */
uint64_t recovery_send(engine_pair *pair, const char *payload);

/* Takes the one delivery that has arrived, releases it, and gives what it was; the test fails where
 * there is none, or more. */
amqpc_delivery recovery_receive(engine_pair *pair, const char *payload);

/* The test fails where anything has arrived. */
void recovery_expect_nothing(engine_pair *pair);

/* Takes the one update that there is. */
amqpc_update recovery_update(amqpc_link *link);
void recovery_expect_no_update(amqpc_link *link);

#endif
