/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file through which the userspace recorder hands over its records: a head, then chunks of one
 * size. One thread at a time writes to a chunk. When a thread ends, another one may continue with
 * its chunk. The recorder maps a chunk and writes records of the contract into it, so nothing is
 * lost when the process ends, in whatever way.
 *
 * The file has no name. Whoever starts the program holds it open, so a program that outlives the
 * run cannot meet the file of the next run. The file is in this machine's byte order and for this
 * version only; it is no format for keeping recordings.
 */
#ifndef LSP_CAPTURE_USERFILE_H
#define LSP_CAPTURE_USERFILE_H

#include <stdint.h>

#include "span.h"

#define LSP_USERFILE_MAGIC 0x5250534cU
/* The number of counters is in the version, because each chunk has all counters. */
#define LSP_USERFILE_VERSION (5U << 16 | LOCKSPAN_C_COUNT)
#define LSP_USERFILE_HEAD_BYTES 20480
#define LSP_USERFILE_CHUNK_BYTES (256U << 10)

/*
 * A variable in the environment of the recorded program. It has two numbers of 16 hexadecimal
 * digits, which name the run, and a path by which the file can be opened; colons separate them. A
 * process that may not open the file there asks the abstract socket that the first number names,
 * and shows the second one as a password (struct lsp_userfile_ask).
 */
#define LSP_USERFILE_ENV "LOCKSPAN_USER_FILE"
#define LSP_USERFILE_ENV_FORMAT "%016llx:%016llx:%s"
#define LSP_USERFILE_DIGITS 16
#define LSP_USERFILE_SOCKET_FORMAT "lockspan-%016llx"
/* The name that the file has for a moment. /proc/PID/maps goes on showing it. */
#define LSP_USERFILE_NAME_FORMAT "lockspan-%016llx.events"

struct lsp_userfile_ask {
	uint64_t password;
};

/*
 * How many bytes of a stack are copied: the default and the maximum. A copy must fit into a chunk.
 */
#define LSP_USERFILE_STACK_BYTES 8192U
#define LSP_USERFILE_STACK_MAX_BYTES (192U << 10)

/* Why an event is not in the file. */
enum lsp_userfile_loss {
	LSP_USERFILE_BUSY,	/* its thread was recording another event */
	LSP_USERFILE_ROOM,	/* no room in the file or on the disk */
	LSP_USERFILE_SPACE,	/* no room in the process's address space */
	LSP_USERFILE_LOSSES
};

/*
 * How many processes can be marked at one time: those that are about to execute a program, and
 * those whose program has not loaded the recorder.
 */
#define LSP_USERFILE_EXECS 256U
#define LSP_USERFILE_EXEC_NAME 64

struct lsp_userfile_head {
	uint32_t magic;
	uint32_t version;
	uint64_t run[2];	/* the numbers of the environment */
	uint64_t block_rate_ns;
	uint32_t mutex_fraction;
	uint32_t chunks;	/* how many chunks there is room for */
	uint32_t taken;		/* atomic; may become larger than chunks */
	uint32_t processes;	/* atomic; how often the recorder has begun, in a process or in its next program */
	uint32_t stack_bytes;	/* a multiple of 8 */
	uint32_t generations;	/* atomic; of the mappings of all processes, so that no two have one number */
	uint64_t lost[LSP_USERFILE_LOSSES];	/* atomic; events, by reason */
	uint64_t waits_shared;	/* atomic; for locks that processes can share */
	uint64_t waits_unplaced;	/* atomic; for locks that found no place in the ledger */
	/*
	 * Atomic. Processes that are about to execute a program. The recorder in the new program
	 * removes the mark. So a mark that stays is of a program without the recorder.
	 */
	uint32_t exec_pids[LSP_USERFILE_EXECS];
	/*
	 * Atomic. Processes in which the recorder has begun. If such a process was spawned, its
	 * parent may mark it later.
	 */
	uint32_t come_pids[LSP_USERFILE_EXECS];
	uint32_t come;
	uint32_t unmarked;	/* atomic; executions that found no room for a mark */
	char exec_names[LSP_USERFILE_EXECS][LSP_USERFILE_EXEC_NAME];
};

_Static_assert(sizeof(struct lsp_userfile_head) <= LSP_USERFILE_HEAD_BYTES, "the head has room");

/* A wait that is under way; the process may end before it does. */
struct lsp_userfile_wait {
	uint64_t start_ns;	/* about the time of the call; 0: no wait. Release store. */
	uint64_t base_ns;	/* the time from which it is accounted for; 0: it is not */
	uint64_t uaddr;
	uint64_t key;
	uint64_t stack;
	uint64_t own_ns;	/* the recorder's own time, in the wait */
	uint32_t tid;
	uint32_t depth;
	char comm[LOCKSPAN_COMM_LEN];
};

/* The second wait is one in a signal handler that has interrupted the first. */
#define LSP_USERFILE_WAITS 2

struct lsp_userfile_chunk {
	uint32_t magic;
	uint32_t tgid;
	uint32_t number;
	uint32_t used;			/* bytes of whole records after this head; release store */
	uint32_t backed;		/* bytes of the chunk that the disk has room for */
	uint32_t reserved;
	uint64_t capture_ns;		/* the recorder's own time in waits */
	uint64_t release_ns;		/* the recorder's own time after releases */
	uint64_t waiting_ns;		/* release_ns times the number of threads that waited then */
	uint64_t counters[LOCKSPAN_C_COUNT];	/* sums over the events in the chunk */
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
	char unseen_name[LSP_USERFILE_EXEC_NAME];	/* name of one of these programs */
};

/* Gets a run of records, like lsp_collector_feed(). */
typedef int (*lsp_userfile_data_fn)(void *arg, uint32_t cpu, uint64_t seq, const void *run, size_t bytes);

/*
 * Makes a file without a name in @directory, with mode 0600 and room for about @bytes bytes. The
 * file takes disk space only as it is written to. The caller fills in the run and the rates in
 * @head. Returns a descriptor or -errno.
 */
int lsp_userfile_create(const char *directory, uint64_t bytes, const struct lsp_userfile_head *head);

/* Marks the process @pid, which is about to execute the program @name. Returns 0 or -errno. */
int lsp_userfile_mark(int fd, uint32_t pid, const char *name);

/*
 * Gives every run of records to @data, as one stream. If programs have not ended, what they have
 * recorded so far is given. A wait that has not ended is given as one that was open at @stop_ns,
 * and is counted. Returns 0 or -errno, -EBADMSG if it is no such file.
 */
int lsp_userfile_replay(int fd, uint64_t stop_ns, lsp_userfile_data_fn data, void *arg,
			struct lsp_userfile_result *ret);

#endif
