// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who asks for the userspace recorder's file. Would catch: a process without the password that gets it,
 * one with it that does not, one that connects and says nothing and keeps the others out.
 *
 * sources: user/cmd/handout.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../user/capture/userfile.h"
#include "../../user/cmd/handout.h"

static uint64_t run[2];
static struct lsp_handout handout;
static int file;

static int asker(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int length = snprintf(to.sun_path + 1, sizeof(to.sun_path) - 1, LSP_USERFILE_SOCKET_FORMAT,
			      (unsigned long long)run[0]);

	assert_true(s >= 0);
	assert_int_equal(connect(s, (struct sockaddr *)&to,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)), 0);
	return s;
}

/* The descriptor that comes, or -1. */
static int ask(const void *what, size_t bytes)
{
	char byte;
	struct iovec part = { &byte, 1 };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	int s = asker(), fd = -1;

	assert_int_equal(send(s, what, bytes, MSG_NOSIGNAL), bytes);
	if (recvmsg(s, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	close(s);
	return fd;
}

static void test_password(void **state)
{
	struct lsp_userfile_ask right = { .password = run[1] }, wrong = { .password = run[1] ^ 1 };
	char text[8] = "";
	int fd;

	(void)state;
	assert_int_equal(ask(&wrong, sizeof(wrong)), -1);
	assert_int_equal(ask(&right, sizeof(right) - 1), -1);
	fd = ask(&right, sizeof(right));
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, 4, 0), 4);
	assert_string_equal(text, "here");
	/* A description of its own: a place in the file is not shared. */
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	assert_int_equal(lseek(file, 0, SEEK_CUR), 4);
	close(fd);
}

static void test_silent(void **state)
{
	struct lsp_userfile_ask right = { .password = run[1] };
	int silent = asker(), fd;

	(void)state;
	fd = ask(&right, sizeof(right));
	assert_true(fd >= 0);
	close(fd);
	close(silent);
}

static int begin(void **state)
{
	(void)state;
	run[0] = (uint64_t)getpid() << 32 | 0x1234;
	run[1] = 0x123456789abcdefULL;
	file = memfd_create("handout", MFD_CLOEXEC);
	return file < 0 || write(file, "here", 4) != 4 || lsp_handout_begin(&handout, file, run);
}

static int end(void **state)
{
	(void)state;
	lsp_handout_end(&handout);
	close(file);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_silent),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
