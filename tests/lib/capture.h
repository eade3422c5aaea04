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
	struct lockspan_stack *raw;	/* each with its payload behind it */
	struct lockspan_stack *sparse;
	struct lockspan_stack *fp;
	long number;			/* of the system call */
	char *maps;			/* /proc/PID/maps when it was taken */
	size_t maps_bytes;
};

struct capture {
	struct captured *stacks;
	size_t n;
	int status;			/* of the program, as from waitpid() */
};

struct capture_options {
	size_t max;			/* stacks; then the program is killed */
	size_t window_bytes;
	unsigned int stride;		/* every how manyeth futex call is taken, 0 for 1 */
	bool other_calls;		/* any system call, not futex alone */
};

/* 0 or -errno. @argv[0] is looked for in PATH; its standard output goes to /dev/null. */
int capture_run(char *const argv[], const struct capture_options *o, struct capture *ret);
void capture_free(struct capture *c);

#endif
