/* A non-blocking connection for the load generator and the sink: clear at first, TLS after
 * stream_start_tls, with one buffer each way.
 *
 * Not the gateway's own connection code on purpose: what measures must not share the faults of what
 * is measured. One thread, level-triggered epoll; the caller looks at `in` after stream_pump and
 * puts its answer into `out`.
 *
 *   clear --stream_start_tls--> handshaking --stream_pump--> TLS
 *
 * Invariant: nothing is read or written past a STREAM_CLOSED; the caller destroys the stream. */
#ifndef POSTERN_BENCH_STREAM_H
#define POSTERN_BENCH_STREAM_H

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum stream_state {
    STREAM_OPEN,   /* bytes flow, or wait to */
    STREAM_CLOSED, /* the peer or the network ended it; what was read is still in `in` */
    STREAM_TLS,    /* the handshake failed: error_text says why */
};

struct stream {
    int fd, epoll_fd;
    gnutls_session_t tls; /* NULL while clear */
    bool is_handshaking, is_writing;
    void *owner; /* what epoll hands back */
    struct buf in, out;
    const char *error_text;
};

/* Registers FD (non-blocking, owned from here on) with EPOLL_FD. */
void stream_init(struct stream *s, int epoll_fd, int fd, void *owner);
/* Closes the connection; harmless on one that is closed already. */
void stream_finish(struct stream *s);

/* Starts the handshake. CREDENTIALS and PRIORITY are borrowed; SESSION_DATA (client, may be empty)
 * is a session to resume. */
void stream_start_tls(struct stream *s, unsigned flags,
                      gnutls_certificate_credentials_t credentials, gnutls_priority_t priority,
                      const gnutls_datum_t *session_data);
/* Reads all there is (at most MAX_IN held), goes on with the handshake, writes `out`. */
enum stream_state stream_pump(struct stream *s, size_t max_in);
/* Writes `out` only. */
enum stream_state stream_flush(struct stream *s);

/* Connects without waiting; -1 with errno. */
int stream_connect(const struct sockaddr_storage *address, socklen_t address_len);
/* "host:port" or "[v6]:port"; numeric or a name; -1 when it is neither. */
int stream_resolve(const char *where, bool is_passive, struct sockaddr_storage *ret_address,
                   socklen_t *ret_len);
/* Room for many descriptors: raises the soft limit to the hard one. */
void stream_raise_limit(void);

/* LINE without the CR LF, LF or blanks at its end. */
struct slice bench_line(struct slice line);
uint64_t bench_now_us(void);
double bench_cpu_s(bool is_system);
void bench_sort(uint32_t *values, size_t count);
/* Of sorted values in us; 0 when there are none. */
double bench_percentile_ms(const uint32_t *sorted, size_t count, unsigned permille);
/* Argument of an option as a number; ends the program with a line of usage when it is none. */
unsigned long long bench_number(const char *option, const char *text, unsigned long long max);

#endif
