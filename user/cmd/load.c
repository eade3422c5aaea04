// SPDX-License-Identifier: GPL-2.0-only
#include "load.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

/* No record.json is as large as this. A larger file was not written by lockspan. */
#define RECORD_MAX (64 << 20)

static bool part_take(struct lsp_recording *r, const char *path, int want)
{
	struct lsp_profile *p;
	char why[256];
	int part, err;

	if (lsp_profile_read(path, &p, why, sizeof(why))) {
		lsp_say("%s: %s", path, why);
		return false;
	}
	part = lsp_recording_part(p, path, why, sizeof(why));
	if (part < 0 || (want >= 0 && part != want)) {
		if (part >= 0)
			snprintf(why, sizeof(why), "it is a %s profile, not a %s profile",
				 lsp_part_name((enum lsp_part)part),
				 lsp_part_name((enum lsp_part)want));
		lsp_say("%s: %s", path, why);
		lsp_profile_destroy(p);
		return false;
	}
	if (want < 0)
		lsp_facts_add_profile(&r->facts, p);
	err = lsp_recording_add(r, (enum lsp_part)part, p);
	if (err)
		lsp_say("%s: it cannot be added to the others: %s", path, lsp_say_errno(-err));
	return !err;
}

/* Returns the whole of @path as malloc'ed text. NULL, with errno set, if that fails. */
static char *text_read(const char *path)
{
	FILE *from = fopen(path, "re");
	size_t bytes = 0, room = 1 << 16;
	char *text = from ? malloc(room + 1) : NULL, *grown;

	while (text) {
		bytes += fread(text + bytes, 1, room - bytes, from);
		if (bytes < room)
			break;
		room *= 2;
		grown = room <= RECORD_MAX ? realloc(text, room + 1) : NULL;
		if (!grown) {
			free(text);
			errno = EFBIG;
		}
		text = grown;
	}
	if (text && ferror(from)) {
		free(text);
		text = NULL;
		errno = EIO;
	}
	if (text)
		text[bytes] = '\0';
	if (from)
		fclose(from);
	return text;
}

static bool record_take(struct lsp_recording *r, const char *path)
{
	char *text = text_read(path), why[256];
	int err;

	if (!text) {
		lsp_say("%s: it cannot be read: %s", path, lsp_say_errno(errno));
		return false;
	}
	err = lsp_facts_add_record(&r->facts, text, why, sizeof(why));
	free(text);
	if (err)
		lsp_say("%s: %s", path, why);
	return !err;
}

static bool folder_take(struct lsp_recording *r, const char *folder, bool *partial)
{
	static const char *const names[LSP_PART_COUNT] = {
		"block.pb.gz", "mutex.pb.gz", "contention.ext.pb.gz",
	};
	char path[PATH_MAX];
	size_t found = 0, taken = 0;
	bool record;

	for (int part = 0; part < LSP_PART_COUNT; part++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, names[part]) >= sizeof(path))
			break;
		if (access(path, F_OK)) {
			*partial = true;
			continue;
		}
		found++;
		if (part_take(r, path, part))
			taken++;
		else
			*partial = true;
	}
	if (!found) {
		lsp_say("%s: there is no recording in it (block.pb.gz, mutex.pb.gz); lockspan record -o makes one",
			folder);
		return false;
	}
	if (!taken)
		return false;
	snprintf(path, sizeof(path), "%s/record.json", folder);
	record = record_take(r, path);
	if (!record) {
		*partial = true;
		for (int part = 0; part < LSP_PART_COUNT; part++)
			if (r->parts[part])
				lsp_facts_add_profile(&r->facts, r->parts[part]);
	}
	return true;
}

/*
 * Finds the folder of a record.json, which is no profile. Returns false if @path is no record.json.
 */
static bool record_folder(const char *path, char folder[PATH_MAX])
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	if (strcmp(base, "record.json"))
		return false;
	snprintf(folder, PATH_MAX, "%.*s", base == path ? 1 : (int)(base - path), base == path ? "." : path);
	return true;
}

bool lsp_load(struct lsp_recording *r, const char *path, bool *partial)
{
	char folder[PATH_MAX];
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		if (!folder_take(r, path, partial))
			return false;
	} else if (record_folder(path, folder)) {
		lsp_say("%s: it tells of a recording, and is none; give its folder: %s", path, folder);
		return false;
	} else if (!part_take(r, path, -1)) {
		return false;
	}
	*partial |= lsp_facts_partial(&r->facts, NULL, NULL);
	return true;
}

size_t lsp_load_all(struct lsp_recording *r, char *const *paths, size_t n, bool *partial)
{
	size_t loaded = 0;

	for (size_t i = 0; i < n; i++)
		loaded += lsp_load(r, paths[i], partial);
	*partial |= loaded < n;
	return loaded;
}

bool lsp_load_samples(const struct lsp_recording *r)
{
	for (int part = 0; part < LSP_PART_COUNT; part++)
		if (r->parts[part] && lsp_profile_samples(r->parts[part]))
			return true;
	return false;
}
