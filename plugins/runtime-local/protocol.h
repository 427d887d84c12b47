/* protocol.h - what the driver and its supervisor say to each other.
 *
 * A stream socket `DIR/supervisor.sock` carries frames both ways: a head, then
 * `len` bytes. Numbers are in the machine's own byte order, unaligned; both ends
 * are on one machine. In the lists below
 *
 *   u32 i32 u64 i64   a number of that size
 *   str               u32 length, the bytes, a NUL that the length leaves out;
 *                     length RL_NO_STR and nothing more stands for NULL
 *   blob              u32 length, the bytes; length RL_NO_STR for none
 *
 * The first frame each way is HELLO. A different major is refused by a DONE with
 * seq 0 and a sentence, then the connection ends. A newer minor may append fields
 * to a payload, which an older reader ignores, and add kinds of frames, which an
 * older supervisor answers FF_UNSUPPORTED.
 *
 * Each request carries a seq chosen by the client and gets one DONE with the same
 * seq. Requests may be repeated on a new connection: all are idempotent. */
#ifndef RUNTIME_LOCAL_PROTOCOL_H
#define RUNTIME_LOCAL_PROTOCOL_H

#include <stdint.h>

#define RL_MAGIC UINT32_C(0x31534646) /* "FFS1" read as bytes */
#define RL_MAJOR 1
#define RL_MINOR 2

#define RL_NO_STR    UINT32_MAX
#define RL_ID_MAX    255         /* bytes of an attempt id */
#define RL_ARGS_MAX  (8u << 20)  /* bytes of one attempt's argv and env */
#define RL_INPUT_MAX (64u << 20) /* bytes of one attempt's standard input */
#define RL_FRAME_MAX (RL_ARGS_MAX + RL_INPUT_MAX + (1u << 20))
#define RL_IDS_MAX   65536 /* ids in one ADOPT or RELEASE */
#define RL_ENV_MAX   65536 /* words of argv, and of env */

/* Names in the state directory; RL_OUT_DIR/NAME is an attempt's $FF_OUT. */
#define RL_SOCKET   "supervisor.sock"
#define RL_LOCK     "supervisor.lock"
#define RL_LOG      "supervisor.log"
#define RL_JOURNAL  "exits.journal"
#define RL_LIVE     "live"
#define RL_OUT_DIR  "attempts"
#define RL_WORK_DIR "work"
#define RL_TRASH    "trash"

enum rl_type {
    /* client: u32 magic, u32 major, u32 minor
     * supervisor: the same, then i32 pid, u64 lineage, str version.
     * The lineage is the same for a supervisor and its successor when the
     * successor knows every attempt that the former one ever started; only then
     * may a START that was not answered be sent again. */
    RL_HELLO = 1,

    /* str id, str dir, str log_dir, i64 log_max_bytes, i64 timeout_us,
     * i64 grace_us, i64 cpu_milli, i64 memory_bytes,
     * u32 n, n x str argv, u32 n, n x str env, blob input.
     * A known id is not started again; DONE is FF_OK and, if it has ended, its
     * event is sent. */
    RL_START = 2,

    RL_CANCEL = 3,  /* str id, i64 grace_us */
    RL_ADOPT = 4,   /* u32 n, n x str id. From now on these attempts' events go
                     * to this connection; those that are known come before DONE.
                     * n 0: all that stood when the client came were named. Since
                     * minor 1: from then on, what is unknown is not LOST but
                     * UNKNOWN: it never began */
    RL_RELEASE = 5, /* u32 n, n x str id */
    RL_STATUS = 6,  /* nothing; before DONE comes one STATE */

    /* Since minor 2: as START, then u32 n, n x str. These texts become "***" in the
     * log. A frame of its own: a supervisor that does not know it must not run the
     * task. */
    RL_START_MASKED = 7,

    /* supervisor: i32 code (enum ff_code), i32 errno, str message */
    RL_DONE = 16,

    /* supervisor, seq 0: str id, u32 state (enum ff_run_state), u32 reason (enum
     * ff_run_reason), i32 exit_code, i32 signal, i64 started_us, i64 ended_us,
     * u64 log_chunks, u64 log_bytes, u64 log_dropped, str message */
    RL_EVENT = 17,

    /* supervisor: u32 running, u32 ended and not released, u32 clients,
     * u32 descriptors open, u64 flushes of the journal, u64 attempts started */
    RL_STATE = 18
};

struct rl_head {
    uint32_t len; /* bytes after the head, at most RL_FRAME_MAX */
    uint32_t type;
    uint64_t seq;
};

#endif
