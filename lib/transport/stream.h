/* What moves bytes over a descriptor: as they are (stream_socket.c), by TLS (tls_stream.c); later
 * by WebSocket. Nothing here blocks. */
#ifndef AMQPCI_TRANSPORT_STREAM_H
#define AMQPCI_TRANSPORT_STREAM_H

#include <amqpcodec/poller.h>
#include <amqpcodec/print.h>

typedef struct amqpci_stream amqpci_stream;

/* What one kind of stream does. AMQPC_NEED_MORE from any of them: it would block; the stream's
 * `waits_read` and `waits_write` say what for, and the same call is made again then. Both of TLS's
 * may be set for any call. AMQPC_NO_MEMORY from read, write and shutdown: nothing is lost, and the
 * same call may be made again.
 *
 * handshake  until AMQPC_OK nothing else is called. AMQPC_TLS_FAILED, AMQPC_TLS_CERTIFICATE,
 *            AMQPC_SOCKET_ERROR, AMQPC_STREAM_ENDED, AMQPC_NO_MEMORY
 * read       one call of the system at most; of TLS as many as fill the place. AMQPC_OK with *size
 *            above 0; AMQPC_STREAM_ENDED at the end of the stream in good order;
 *            AMQPC_TLS_TRUNCATED, AMQPC_TLS_FAILED, AMQPC_SOCKET_ERROR
 * write      the vectors' bytes from the start, as many as go; *size receives how many, also with
 *            AMQPC_NEED_MORE. Bytes that were not taken come again in the next call, at the same
 *            place or another, with more behind them: TLS may have encrypted them already.
 *            AMQPC_TLS_FAILED, AMQPC_SOCKET_ERROR
 * shutdown   nothing more is written; all was taken before. AMQPC_OK when that is said
 * release    frees the stream; the descriptor is its owner's */
typedef struct amqpci_stream_kind {
    amqpc_status (*handshake)(amqpci_stream *stream);
    amqpc_status (*read)(amqpci_stream *stream, void *data, size_t capacity, size_t *size);
    amqpc_status (*write)(amqpci_stream *stream, const amqpc_bytes *vectors, size_t count,
                          size_t *size);
    amqpc_status (*shutdown)(amqpci_stream *stream);
    void (*release)(amqpci_stream *stream);
} amqpci_stream_kind;

/* The part that all kinds begin with.
 *
 * descriptor    non-blocking; the owner's
 * waits_read, waits_write  of the last call that returned AMQPC_NEED_MORE
 * has_buffered  read has more without the descriptor's becoming readable
 * system_error  errno of AMQPC_SOCKET_ERROR
 * reason        of the other failures, for people; static or the stream's; NULL for none
 * reads, writes calls of the system that moved bytes, or tried */
struct amqpci_stream {
    const amqpci_stream_kind *kind;
    int descriptor;
    bool waits_read;
    bool waits_write;
    bool has_buffered;
    int system_error;
    const char *reason;
    uint64_t reads;
    uint64_t writes;
};

#endif
