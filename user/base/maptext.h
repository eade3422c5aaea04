/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the text of /proc/PID/maps, and takes its lines apart. */
#ifndef LSP_BASE_MAPTEXT_H
#define LSP_BASE_MAPTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lsp_maptext {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t ino;
	uint32_t dev_major;
	uint32_t dev_minor;
	bool read;
	bool write;
	bool exec;
	const char *path;	/* not terminated: @path_len bytes, perhaps none */
	size_t path_len;
};

/*
 * Parses the line at *@at and moves *@at behind it. Returns false at @end. Lines that are not of
 * that form, or whose range is empty, are skipped.
 */
bool lsp_maptext_next(const char **at, const char *end, struct lsp_maptext *ret);

/*
 * Reads the whole of a small file such as /proc/PID/maps. *@ret is malloc'ed and ends in a NUL.
 * Returns 0 or -errno.
 */
int lsp_maptext_read(const char *path, char **ret, size_t *ret_bytes);
/* The same for an open file, which is then closed. */
int lsp_maptext_read_fd(int fd, char **ret, size_t *ret_bytes);

#endif
