// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets each allocation of one system call fail in turn, by the kernel's fault
 * injection (/proc/thread-self/fail-nth).
 *
 *   failnth load FILE [STEP]   loading the module
 *   failnth start [STEP]       START of a session, the module being loaded
 *
 * Prints one JSON object: how often the call failed and how often it came
 * through in spite of it, errors by number, and how many allocations there were.
 * Exit status: 0 when the last one, with nothing left to fail, succeeded.
 * libs: -lnl-genl-3 -lnl-3
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "../../kmod/uapi/lockspan.h"

static unsigned int failed, survived, errors[256];

static int fail_open(void)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		perror("failnth: /proc/thread-self/fail-nth");
		exit(2);
	}
	return fd;
}

static void fail_set(int fd, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);
	ssize_t ret = pwrite(fd, text, (size_t)n, 0);

	/* This write copies from user memory too: what is left of a count may end with it. */
	if (ret < 0 && errno == EFAULT)
		ret = pwrite(fd, text, (size_t)n, 0);
	if (ret != n) {
		perror("failnth: fail-nth");
		exit(2);
	}
}

/* Ends the injection; true when the failure was used up. */
static bool fail_was_met(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	fail_set(fd, 0);
	return n > 0 && !atoi(text);
}

static void note(bool ok, int error)
{
	if (ok) {
		survived++;
		return;
	}
	failed++;
	errors[error & 255]++;
}

static int report(const char *what, unsigned int allocations, bool ok)
{
	unsigned int e;
	bool first = true;

	printf("{\"what\":\"%s\",\"allocations\":%u,\"failed\":%u,\"survived\":%u,\"ok\":%s,\"errors\":{",
	       what, allocations, failed, survived, ok ? "true" : "false");
	for (e = 0; e < 256; e++)
		if (errors[e]) {
			printf("%s\"%u\":%u", first ? "" : ",", e, errors[e]);
			first = false;
		}
	printf("}}\n");
	return ok ? 0 : 1;
}

static int load_all(const char *path, unsigned int step)
{
	int file = open(path, O_RDONLY | O_CLOEXEC), fd = fail_open();
	unsigned int nth;
	bool met, ok;
	long ret;

	if (file < 0) {
		perror(path);
		return 2;
	}
	for (nth = 1;; nth += step) {
		fail_set(fd, nth);
		ret = syscall(SYS_finit_module, file, "max_threads=64", 0);
		ok = !ret;
		ret = errno;
		met = fail_was_met(fd);
		if (ok && syscall(SYS_delete_module, "lockspan", 0)) {
			perror("failnth: delete_module");
			return 2;
		}
		if (!met)
			return report("load", nth - 1, ok);
		note(ok, (int)ret);
	}
}

static struct nl_sock *socket_new(int *family)
{
	struct timeval patience = { .tv_usec = 300000 };
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock || genl_connect(sock))
		return NULL;
	*family = genl_ctrl_resolve(sock, LOCKSPAN_GENL_NAME);
	setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return *family < 0 ? NULL : sock;
}

static struct nl_msg *start_message(int family)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | NLM_F_ACK,
				 LOCKSPAN_CMD_START, LOCKSPAN_GENL_VERSION) ||
	    nla_put_u32(msg, LOCKSPAN_A_VERSION, LOCKSPAN_VERSION) ||
	    nla_put_u32(msg, LOCKSPAN_A_FLAGS, LOCKSPAN_F_CHILDREN) ||
	    nla_put_u32(msg, LOCKSPAN_A_TGID, (uint32_t)getpid()) ||
	    nla_put_u32(msg, LOCKSPAN_A_STACK_MODE, LOCKSPAN_STACK_SPARSE) ||
	    nla_put_u32(msg, LOCKSPAN_A_RING_BYTES, 65536))
		abort();
	return msg;
}

/* The acknowledgement may be what found no memory: then nobody knows but STATUS. */
static bool start_once(int fd, unsigned int nth, bool *met, int *error)
{
	int family, ret;
	struct nl_sock *sock = socket_new(&family);
	struct nl_msg *msg;

	if (!sock) {
		fprintf(stderr, "failnth: no family\n");
		exit(2);
	}
	msg = start_message(family);
	nl_complete_msg(sock, msg);
	fail_set(fd, nth);
	ret = (int)send(nl_socket_get_fd(sock), nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0);
	*error = errno;
	*met = fail_was_met(fd);
	if (ret > 0) {
		/* Records may come before the acknowledgement. */
		char answer[65536];
		struct nlmsghdr *h = (void *)answer;

		do {
			ret = (int)recv(nl_socket_get_fd(sock), answer, sizeof(answer), 0);
		} while (ret > 0 && h->nlmsg_type != NLMSG_ERROR);
		*error = ret < 0 ? errno : -((struct nlmsgerr *)NLMSG_DATA(h))->error;
	}
	nlmsg_free(msg);
	/* The owner's end is the session's. */
	nl_socket_free(sock);
	return !*error;
}

static int start_all(unsigned int step)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int fd = fail_open(), error = 0, tries;
	unsigned int nth;
	bool met = true, ok = false;

	for (nth = 1; met; nth += step) {
		/* The session before ends in its own time. */
		for (tries = 0; tries < 2000; tries++) {
			error = 0;
			ok = start_once(fd, nth, &met, &error);
			if (error != EBUSY)
				break;
			nanosleep(&pause, NULL);
		}
		if (met)
			note(ok, error);
	}
	return report("start", nth - step - 1, ok);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "load"))
		return load_all(argv[2], argc > 3 ? (unsigned int)atoi(argv[3]) : 1);
	if (argc >= 2 && !strcmp(argv[1], "start"))
		return start_all(argc > 2 ? (unsigned int)atoi(argv[2]) : 1);
	fprintf(stderr, "Usage: failnth load FILE [STEP] | failnth start [STEP]\n");
	return 64;
}
