// SPDX-License-Identifier: GPL-2.0-only
#include "handout.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "../capture/userfile.h"

/* A process that connects and says nothing delays the others for this long. */
#define PATIENCE_US 200000
#define BACKLOG 128
#define STACK_BYTES (64U << 10)

static void descriptor_send(int to, int fd)
{
	char byte = 0;
	struct iovec part = { &byte, 1 };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	/* The process that asked may be gone. */
	(void)!sendmsg(to, &message, MSG_NOSIGNAL);
}

/*
 * The file is opened anew for each process, so that what one does to its descriptor, for instance a
 * lock, does not affect the others.
 */
static void file_send(int to, int file)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	descriptor_send(to, fd);
	close(fd);
}

static void answer(const struct lsp_handout *h, int to)
{
	const struct timeval patience = { .tv_usec = PATIENCE_US };
	struct lsp_userfile_ask ask;

	setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (recv(to, &ask, sizeof(ask), 0) == sizeof(ask) && ask.password == h->password)
		file_send(to, h->file);
	close(to);
}

static void *handout_serve(void *arg)
{
	const struct lsp_handout *h = arg;
	int to;

	for (;;) {
		to = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC);
		if (to >= 0)
			answer(h, to);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			usleep(PATIENCE_US);
		else if (errno != EINTR && errno != ECONNABORTED)
			return NULL;
	}
}

/* A stack of the usual size would not fit within a small limit of memory (ulimit -d). */
static int thread_begin(struct lsp_handout *h)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (!err)
		err = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (!err)
		err = pthread_create(&h->thread, &attr, handout_serve, h);
	return -err;
}

int lsp_handout_begin(struct lsp_handout *h, int file, const uint64_t run[2])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	sigset_t all, before;
	int length, err;

	*h = (struct lsp_handout){ .file = file, .password = run[1] };
	h->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (h->listener < 0)
		return -errno;
	length = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, LSP_USERFILE_SOCKET_FORMAT,
			  (unsigned long long)run[0]);
	if (bind(h->listener, (struct sockaddr *)&at,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) ||
	    listen(h->listener, BACKLOG)) {
		err = -errno;
		goto err_listener;
	}
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = thread_begin(h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		goto err_listener;
	h->begun = true;
	return 0;

err_listener:
	close(h->listener);
	return err;
}

void lsp_handout_end(struct lsp_handout *h)
{
	if (!h->begun)
		return;
	h->begun = false;
	shutdown(h->listener, SHUT_RDWR);
	pthread_join(h->thread, NULL);
	close(h->listener);
}
