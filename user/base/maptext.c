/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the text form of a process's mappings. The text may come from a file that was saved, so
 * nothing in it is believed; lines that do not parse are skipped.
 */
#include "maptext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * No real process has more: a line has about 100 bytes, and the kernel's default limit is 65,530
 * mappings.
 */
#define MAPTEXT_MAX_BYTES (64U << 20)

static bool number(const char **at, const char *end, unsigned int base, uint64_t *ret)
{
	const char *p = *at;
	uint64_t value = 0;
	unsigned int digit;

	for (; p < end; p++) {
		if (*p >= '0' && *p <= '9')
			digit = *p - '0';
		else if (base == 16 && *p >= 'a' && *p <= 'f')
			digit = *p - 'a' + 10;
		else
			break;
		if (value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	if (p == *at)
		return false;
	*at = p;
	*ret = value;
	return true;
}

static bool letter(const char **at, const char *end, char want)
{
	if (*at >= end || **at != want)
		return false;
	(*at)++;
	return true;
}

static bool permissions(const char **at, const char *end, struct lsp_maptext *m)
{
	const char *p = *at;

	if (end - p < 4)
		return false;
	m->read = p[0] == 'r';
	m->write = p[1] == 'w';
	m->exec = p[2] == 'x';
	*at = p + 4;
	return true;
}

static bool line_parse(const char *p, const char *end, struct lsp_maptext *m)
{
	uint64_t major, minor;

	if (!number(&p, end, 16, &m->start) || !letter(&p, end, '-') ||
	    !number(&p, end, 16, &m->end) || !letter(&p, end, ' ') ||
	    !permissions(&p, end, m) || !letter(&p, end, ' ') ||
	    !number(&p, end, 16, &m->offset) || !letter(&p, end, ' ') ||
	    !number(&p, end, 16, &major) || !letter(&p, end, ':') ||
	    !number(&p, end, 16, &minor) || !letter(&p, end, ' ') ||
	    !number(&p, end, 10, &m->ino))
		return false;
	if (m->start >= m->end || major > UINT32_MAX || minor > UINT32_MAX ||
	    m->offset > UINT64_MAX - (m->end - m->start))
		return false;
	m->dev_major = (uint32_t)major;
	m->dev_minor = (uint32_t)minor;
	while (p < end && *p == ' ')
		p++;
	m->path = p;
	m->path_len = (size_t)(end - p);
	return memchr(p, '\0', m->path_len) == NULL;
}

bool lsp_maptext_next(const char **at, const char *end, struct lsp_maptext *ret)
{
	while (*at < end) {
		const char *line = *at;
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (!stop)
			stop = end;
		*at = stop < end ? stop + 1 : end;
		if (line_parse(line, stop, ret))
			return true;
	}
	return false;
}

int lsp_maptext_read_fd(int fd, char **ret, size_t *ret_bytes)
{
	size_t room = 16384, used = 0;
	char *text = NULL;
	int err = 0;

	for (;;) {
		char *bigger = realloc(text, room + 1);
		ssize_t got;

		if (!bigger) {
			err = -ENOMEM;
			break;
		}
		text = bigger;
		got = read(fd, text + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		used += (size_t)got;
		if (used == room && (room *= 2) > MAPTEXT_MAX_BYTES) {
			err = -EFBIG;
			break;
		}
	}
	close(fd);
	if (err) {
		free(text);
		return err;
	}
	text[used] = '\0';
	*ret = text;
	*ret_bytes = used;
	return 0;
}

int lsp_maptext_read(const char *path, char **ret, size_t *ret_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : lsp_maptext_read_fd(fd, ret, ret_bytes);
}
