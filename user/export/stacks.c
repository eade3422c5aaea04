// SPDX-License-Identifier: GPL-2.0-only
#include "stacks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The frames of the sample at work, leaf first. */
struct path {
	uint32_t *frames;
	size_t n;
	size_t room;
};

static int path_push(struct path *path, struct lsp_export_frames *f, const char *name, const char *file, int64_t line)
{
	/* Equal frames must have equal bytes. */
	struct lsp_export_frame frame;
	int64_t place;
	int err;

	memset(&frame, 0, sizeof(frame));
	frame.name = lsp_intern_string(&f->names, name);
	frame.file = lsp_intern_string(&f->names, file);
	frame.line = line;
	if (!frame.name || !frame.file)
		return -ENOMEM;
	place = lsp_intern_add(&f->frames, &frame, sizeof(frame));
	if (place < 0)
		return (int)place;
	err = lsp_array_grow(&path->frames, &path->room, path->n, sizeof(*path->frames));
	if (!err)
		path->frames[path->n++] = (uint32_t)place;
	return err;
}

static int nameless_push(struct path *path, struct lsp_export_frames *f, const struct lsp_profile *p,
			 const struct lsp_profile_location *at)
{
	struct lsp_profile_mapping m;
	const char *name, *base;

	if (at->mapping && lsp_profile_mapping(p, at->mapping, &m) && m.filename[0]) {
		base = strrchr(m.filename, '/');
		name = lsp_intern_format(&f->names, "%s+0x%" PRIx64, base ? base + 1 : m.filename,
					 at->address - m.start + m.offset);
	} else {
		name = lsp_intern_format(&f->names, "0x%" PRIx64, at->address);
	}
	return name ? path_push(path, f, name, "", 0) : -ENOMEM;
}

static int location_push(struct path *path, struct lsp_export_frames *f, const struct lsp_profile *p,
			 uint64_t id, enum lsp_export_detail detail)
{
	bool lines = detail == LSP_EXPORT_LINES;
	struct lsp_profile_location at;
	int err = 0;

	if (!lsp_profile_location(p, id, &at))
		return 0;
	if (!at.nlines)
		return nameless_push(path, f, p, &at);
	for (size_t i = 0; !err && i < at.nlines; i++)
		err = path_push(path, f, at.lines[i].function, lines ? at.lines[i].file : "",
				lines ? at.lines[i].line : 0);
	return err;
}

static void path_reverse(struct path *path)
{
	for (size_t i = 0; i < path->n / 2; i++) {
		uint32_t leaf = path->frames[i];

		path->frames[i] = path->frames[path->n - 1 - i];
		path->frames[path->n - 1 - i] = leaf;
	}
}

static int path_add(struct lsp_export_stacks *s, const struct path *path, double value)
{
	int64_t place = lsp_intern_add(&s->stacks, path->frames, path->n * sizeof(*path->frames));
	int err;

	if (place < 0)
		return (int)place;
	err = lsp_array_grow(&s->values, &s->room, (size_t)place, sizeof(*s->values));
	if (err)
		return err;
	if ((size_t)place + 1 > s->n) {
		s->values[place] = 0;
		s->n = (size_t)place + 1;
	}
	s->values[place] += value;
	return 0;
}

int lsp_export_stacks_add(struct lsp_export_stacks *s, struct lsp_export_frames *f,
			  const struct lsp_profile *p, size_t column, enum lsp_export_detail detail)
{
	struct path path = { 0 };
	struct lsp_profile_sample sample;
	int err = 0;

	for (size_t i = 0; !err && lsp_profile_sample(p, i, &sample); i++) {
		path.n = 0;
		for (size_t j = 0; !err && j < sample.nlocations; j++)
			err = location_push(&path, f, p, sample.locations[j], detail);
		if (!err && !path.n)
			err = path_push(&path, f, "[no stack]", "", 0);
		path_reverse(&path);
		if (!err)
			err = path_add(s, &path, sample.values[column]);
	}
	free(path.frames);
	return err;
}

void lsp_export_frames_uninit(struct lsp_export_frames *f)
{
	lsp_intern_uninit(&f->frames);
	lsp_intern_uninit(&f->names);
}

void lsp_export_stacks_uninit(struct lsp_export_stacks *s)
{
	lsp_intern_uninit(&s->stacks);
	free(s->values);
}

const struct lsp_export_frame *lsp_export_frame(const struct lsp_export_frames *f, uint32_t place)
{
	return lsp_intern_get(&f->frames, place, NULL);
}

struct lsp_export_stack lsp_export_stack(const struct lsp_export_stacks *s, uint32_t place)
{
	struct lsp_export_stack stack = { .value = s->values[place] };
	size_t bytes;

	stack.frames = lsp_intern_get(&s->stacks, place, &bytes);
	stack.n = bytes / sizeof(*stack.frames);
	return stack;
}
