/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes the stacks that the module would take, without the module: runs a
 * program under ptrace, stops its threads where they enter futex, and builds
 * the same records from their registers and memory.
 */
#ifndef TESTS_LIB_CAPTURE_H
#define TESTS_LIB_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../user/capture/span.h"

struct captured {
	struct lockspan_stack *raw;	/* stacks, each followed by its payload */
	struct lockspan_stack *sparse;
	struct lockspan_stack *fp;
	long number;			/* of the system call */
	char *maps;			/* /proc/PID/maps when it was taken */
	size_t maps_bytes;
};

struct capture {
	struct captured *stacks;
	size_t n;
	int status;			/* status of the program, as from waitpid() */
};

struct capture_options {
	size_t max;			/* number of stacks after which the program is killed */
	size_t window_bytes;
	unsigned int stride;		/* one in so many futex calls is taken; 0 counts as 1 */
	bool other_calls;		/* take stacks at any system call, not at futex alone */
};

/*
 * Runs the program. @argv[0] is looked for in PATH, and its standard output goes to /dev/null. Returns 0 or
 * -errno.
 */
int capture_run(char *const argv[], const struct capture_options *o, struct capture *ret);
void capture_free(struct capture *c);

#endif
