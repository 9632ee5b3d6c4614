/* Every cap in Postern, with its name, its unit and the text it comes from.
 * Times in ms, sizes in bytes, unless the name says otherwise. */
#ifndef POSTERN_BASE_LIMITS_H
#define POSTERN_BASE_LIMITS_H

/* clang-format off */

/* SMTP syntax */
#define LIMIT_SMTP_LOCAL_PART          64      /* RFC 5321 4.5.3.1.1 */
#define LIMIT_SMTP_DOMAIN              255     /* RFC 5321 4.5.3.1.2 */
#define LIMIT_SMTP_PATH                256     /* RFC 5321 4.5.3.1.3, brackets and punctuation included */
#define LIMIT_SMTP_COMMAND_LINE        2048    /* RFC 5321 4.5.3.1.4 asks for 512; ESMTP parameters add */
#define LIMIT_SMTP_REPLY_LINE          2048    /* RFC 5321 4.5.3.1.5 asks for 512; what we read from a peer */
#define LIMIT_SMTP_REPLY_LINES         512
#define LIMIT_SMTP_REPLY_TOTAL         65536
#define LIMIT_SMTP_PIPELINED           4096    /* input bytes held while a reply is pending */
#define LIMIT_SMTP_PARAMS              16      /* ESMTP parameters on one command */
#define LIMIT_SMTP_ERRORS              20      /* 4xx/5xx to commands of one session, then 421 */
#define LIMIT_SMTP_SHOWN               128     /* bytes of a wrong command that are told to the log */
#define LIMIT_SMTP_JUNK                100     /* NOOP, RSET, VRFY, HELP, HELO between messages, then 421 */
#define LIMIT_SMTP_RECIPIENTS_MIN      100     /* RFC 5321 4.5.3.1.8 */

/* SMTP server deadlines: per command and per message, never per read */
#define LIMIT_SMTP_COMMAND_MS          300000  /* RFC 5321 4.5.3.2.7 */
#define LIMIT_SMTP_MESSAGE_MS          600000  /* whole DATA phase of a message up to 1 MiB */
#define LIMIT_SMTP_MESSAGE_MIN_RATE    16384   /* bytes a second that extend it for larger ones */
#define LIMIT_SMTP_HANDSHAKE_MS        30000   /* STARTTLS until the session is up */
#define LIMIT_SMTP_REPLY_WRITE_MS      300000  /* a reply the client does not read */

/* SMTP client deadlines */
#define LIMIT_SMTP_CONNECT_MS          30000
#define LIMIT_SMTP_GREETING_MS         300000  /* RFC 5321 4.5.3.2.1 */
#define LIMIT_SMTP_MAIL_MS             300000  /* RFC 5321 4.5.3.2.2 */
#define LIMIT_SMTP_RCPT_MS             300000  /* RFC 5321 4.5.3.2.3 */
#define LIMIT_SMTP_DATA_INIT_MS        120000  /* RFC 5321 4.5.3.2.4 */
#define LIMIT_SMTP_DATA_BLOCK_MS       180000  /* RFC 5321 4.5.3.2.5 */
#define LIMIT_SMTP_DATA_END_MS         600000  /* RFC 5321 4.5.3.2.6 */

/* Messages */
#define LIMIT_MESSAGE_BYTES            67108864 /* largest that any policy may allow: 64 MiB */
#define LIMIT_HEADER_BYTES             262144  /* header section looked at; longer ones are relayed unread */
#define LIMIT_RECEIVED_HOPS            100     /* RFC 5321 6.3: at least 100 */
#define LIMIT_BODY_IN_MEMORY           131072  /* larger bodies go to their own file */
#define LIMIT_BODY_BUDGET              268435456 /* all bodies held in memory, all sessions together */
#define LIMIT_BODY_CHUNK               131072  /* read or written at a time by a body thread */
#define LIMIT_SESSION_INPUT            65536   /* bytes read from a socket ahead of the session */
#define LIMIT_RSS_50_LARGE_SESSIONS    134217728 /* 50 sessions sending 64 MiB each: the process stays under this */

/* Queue */
#define LIMIT_SEGMENT_BYTES            134217728
#define LIMIT_RECORD_BYTES             1048576 /* envelope and body of one spool record */
#define LIMIT_BATCH_BYTES              4194304 /* written in one commit */
#define LIMIT_BOUNCE_COPY_BYTES        10240   /* a longer original is returned as headers only */

/* TLS */
#define LIMIT_TLS_CHAIN_DEPTH          8
#define LIMIT_TLS_HANDSHAKE_STEPS      4       /* handshakes advanced in one loop iteration */

/* Configuration */
#define LIMIT_JSON_DEPTH               32
#define LIMIT_JSON_BYTES               33554432
#define LIMIT_NAME                     63

/* DNS */
#define LIMIT_DNS_REVERSE_MS           2000
#define LIMIT_DNS_QUERY_MS             10000

/* Event logs */
#define LIMIT_TRACE_BUFFER_BYTES       8388608 /* events waiting for the log thread; twice that is held */
#define LIMIT_TRACE_PENDING_BYTES      4194304 /* lines of one log that could not be written yet */
#define LIMIT_TRACE_FLUSH_MS           100     /* an event is in the file after this time */
#define LIMIT_TRACE_VALUE_BYTES        2048    /* of one value in an event; the rest is cut off */
#define LIMIT_TRACE_LIST               10000   /* items of one list in an event; the rest is left out */

/* Process */
#define LIMIT_DRAIN_MS                 30000   /* TERM: sessions may finish */

/* clang-format on */

#endif
