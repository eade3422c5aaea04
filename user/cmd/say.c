// SPDX-License-Identifier: GPL-2.0-only
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void lsp_say(const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	/* There may be a line of progress. */
	fputs(isatty(STDERR_FILENO) ? "\r\033[Klockspan: " : "lockspan: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void lsp_say_warning(void *unused, const char *sentence)
{
	(void)unused;
	lsp_say("%s", sentence);
}

/* Adds a limit in KiB for "ulimit -@letter"; nothing if there is none. */
static void limit_add(char *text, size_t room, int resource, char letter)
{
	size_t n = strlen(text);
	struct rlimit limit;

	if (!getrlimit(resource, &limit) && limit.rlim_cur != RLIM_INFINITY)
		snprintf(text + n, room - n, "%s ulimit -%c is %llu KiB", n ? "," : "", letter,
			 (unsigned long long)limit.rlim_cur / 1024);
}

const char *lsp_say_errno(int err)
{
	static char text[160];
	char limits[96] = "";

	if (err != ENOMEM)
		return strerror(err);
	limit_add(limits, sizeof(limits), RLIMIT_DATA, 'd');
	limit_add(limits, sizeof(limits), RLIMIT_AS, 'v');
	snprintf(text, sizeof(text), "out of memory%s%s%s", *limits ? " (" : "", *limits ? limits + 1 : "",
		 *limits ? ")" : "");
	return text;
}

void lsp_say_client(const struct lsp_client *c, const char *doing, int err)
{
	const char *refusal = c ? lsp_client_refusal(c) : "";

	switch (-err) {
	case ENOENT:
		lsp_say("cannot %s: the lockspan module is not loaded: sudo modprobe lockspan (or insmod lockspan.ko)",
			doing);
		return;
	case EPERM:
	case EACCES:
		lsp_say("cannot %s: %s", doing,
			*refusal ? refusal : "this needs CAP_SYS_ADMIN: run it as root");
		return;
	case EPROTO:
		lsp_say("cannot %s: module and command are of different versions: %s", doing,
			*refusal ? refusal : "rebuild and load both from one source");
		return;
	case ETIMEDOUT:
		lsp_say("cannot %s: the module does not answer; see dmesg", doing);
		return;
	}
	if (*refusal)
		lsp_say("cannot %s: %s", doing, refusal);
	else
		lsp_say("cannot %s: %s", doing, lsp_say_errno(-err));
}
