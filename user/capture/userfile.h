/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file through which the userspace recorder hands over its records: a head,
 * then chunks of one size, each written to by one thread at a time: one that
 * ends leaves its chunk to the next.
 * The recorder maps a chunk and writes records of the contract into it, so
 * nothing is lost when the process ends, however it does. The file has no name:
 * whoever starts the program holds it open, and a program that outlives the run
 * cannot meet the next run's. In this machine's byte order and for this version
 * alone; nothing to keep.
 */
#ifndef LSP_CAPTURE_USERFILE_H
#define LSP_CAPTURE_USERFILE_H

#include <stdint.h>

#include "span.h"

#define LSP_USERFILE_MAGIC 0x5250534cU
/* With the number of counters, for they are part of every chunk. */
#define LSP_USERFILE_VERSION (4U << 16 | LOCKSPAN_C_COUNT)
#define LSP_USERFILE_HEAD_BYTES 20480
#define LSP_USERFILE_CHUNK_BYTES (256U << 10)

/*
 * Environment of the recorded program: 16 and 16 hexadecimal digits, which name the run, and a path
 * by which the file can be opened, with colons between. Who may not open it there asks the abstract
 * socket that the first number names, and shows the second as a password (struct lsp_userfile_ask).
 */
#define LSP_USERFILE_ENV "LOCKSPAN_USER_FILE"
#define LSP_USERFILE_ENV_FORMAT "%016llx:%016llx:%s"
#define LSP_USERFILE_DIGITS 16
#define LSP_USERFILE_SOCKET_FORMAT "lockspan-%016llx"
/* The file's name while it has one; in /proc/PID/maps it stays. */
#define LSP_USERFILE_NAME_FORMAT "lockspan-%016llx.events"

struct lsp_userfile_ask {
	uint64_t password;
};

/* What is copied of a stack if nothing else is asked for, and at most: one must fit into a chunk. */
#define LSP_USERFILE_STACK_BYTES 8192U
#define LSP_USERFILE_STACK_MAX_BYTES (192U << 10)

/* Why an event is not in the file. */
enum lsp_userfile_loss {
	LSP_USERFILE_BUSY,	/* its thread was at work on another */
	LSP_USERFILE_ROOM,	/* no room: in the file, or on the disk */
	LSP_USERFILE_SPACE,	/* no room in the process's addresses */
	LSP_USERFILE_LOSSES
};

/* Programs that are on their way to be executed at one time, or have not loaded the recorder. */
#define LSP_USERFILE_EXECS 256U
#define LSP_USERFILE_EXEC_NAME 64

struct lsp_userfile_head {
	uint32_t magic;
	uint32_t version;
	uint64_t run[2];	/* the numbers of the environment */
	uint64_t block_rate_ns;
	uint32_t mutex_fraction;
	uint32_t chunks;	/* room for so many */
	uint32_t taken;		/* atomic; may go beyond it */
	uint32_t processes;	/* atomic; that the recorder has begun in */
	uint32_t stack_bytes;	/* a multiple of 8 */
	uint32_t reserved;
	uint64_t lost[LSP_USERFILE_LOSSES];	/* atomic; events, by reason */
	uint64_t waits_shared;	/* atomic; for locks that processes share */
	uint64_t waits_unplaced;	/* atomic; for locks that found no place in the ledger */
	/*
	 * Atomic. Processes that are about to execute a program. The recorder in the new program takes the mark
	 * away: a mark that stays is a program without the recorder.
	 */
	uint32_t exec_pids[LSP_USERFILE_EXECS];
	/* Atomic. Processes that the recorder has come into: the parent of a spawned one may mark it later. */
	uint32_t come_pids[LSP_USERFILE_EXECS];
	uint32_t come;
	uint32_t unmarked;	/* atomic; executions that found no room for a mark */
	char exec_names[LSP_USERFILE_EXECS][LSP_USERFILE_EXEC_NAME];
};

_Static_assert(sizeof(struct lsp_userfile_head) <= LSP_USERFILE_HEAD_BYTES, "the head has room");

/* A wait that is under way; the process may end before it does. */
struct lsp_userfile_wait {
	uint64_t start_ns;	/* of the call, nearly; 0: there is none. Release store. */
	uint64_t base_ns;	/* from which on it is accounted; 0: it is not */
	uint64_t uaddr;
	uint64_t key;
	uint64_t stack;
	uint64_t own_ns;	/* the recorder's own time, in the wait */
	uint32_t tid;
	uint32_t depth;
	char comm[LOCKSPAN_COMM_LEN];
};

/* The second is that of a signal handler which has interrupted the first. */
#define LSP_USERFILE_WAITS 2

struct lsp_userfile_chunk {
	uint32_t magic;
	uint32_t tgid;
	uint32_t number;
	uint32_t used;			/* bytes of whole records behind this; release store */
	uint32_t backed;		/* bytes of the chunk that the disk has room for */
	uint32_t reserved;
	uint64_t capture_ns;		/* spent on recording waits, within them */
	uint64_t release_ns;		/* spent on recording releases, after them */
	uint64_t waiting_ns;		/* the same, for each that waited then */
	uint64_t counters[LOCKSPAN_C_COUNT];	/* of its writers' events */
	struct lsp_userfile_wait waits[LSP_USERFILE_WAITS];
};

/* ---- for whoever starts the program ---- */

struct lsp_userfile_result {
	uint64_t counters[LOCKSPAN_C_COUNT];
	uint64_t capture_ns;
	uint64_t release_ns;
	uint64_t waiting_ns;
	uint64_t lost[LSP_USERFILE_LOSSES];
	uint64_t waits_shared;
	uint64_t waits_unplaced;
	uint32_t chunks;	/* taken */
	uint32_t processes;
	uint32_t unseen;	/* programs that were executed and did not load the recorder */
	char unseen_name[LSP_USERFILE_EXEC_NAME];	/* of one of them */
};

/* Gets a run of records; as lsp_collector_feed(). */
typedef int (*lsp_userfile_data_fn)(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes);

/*
 * Makes a file without a name in @directory, mode 0600, with room for about
 * @bytes; it grows only as it is written to. @head: what the caller decides, the
 * run and the rates. A descriptor, or -errno.
 */
int lsp_userfile_create(const char *directory, uint64_t bytes, const struct lsp_userfile_head *head);

/* Marks process @pid, which is about to execute program @name. 0 or -errno. */
int lsp_userfile_mark(int fd, uint32_t pid, const char *name);

/*
 * Gives every run of records to @data, as one stream. The programs must have
 * ended, or are taken as far as they have come. A wait that has not ended is
 * given as one that was open at @stop_ns, and counted. 0 or -errno; -EBADMSG when it
 * is not such a file.
 */
int lsp_userfile_replay(int fd, uint64_t stop_ns, lsp_userfile_data_fn data, void *arg,
			struct lsp_userfile_result *ret);

#endif
