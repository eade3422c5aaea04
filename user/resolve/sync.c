/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks from the leaf outwards through the functions that the tables know, up to the first function
 * of the program.
 */
#include "sync.h"

#include <string.h>

#include "sync_names.h"

struct position {
	size_t frame;
	size_t line;
};

/* What the walk has met. */
struct walk {
	const struct lsp_frame *frames;
	enum lsp_side side;
	unsigned int op;
	const struct lsp_sync_name *leaf;	/* the public function, as far as is known */
	struct position leaf_at;
	struct position last_at;		/* the last internal function */
	bool any;				/* last_at is set */
	enum lsp_sync hint;			/* the class that the outermost of them has */
	bool mutex;				/* one of them belongs to a mutex */
	const struct lsp_sync_library *library;	/* of the innermost frame */
	size_t unnamed;				/* frames without a name before the leaf */
	bool root;				/* ended where the thread began */
	bool begins;				/* and that has a name */
};

static const char *path_of(const struct lsp_frame *f)
{
	return f->object && f->object->path ? f->object->path : "";
}

/* Whether it is "NAME+0x...", the name that code without a symbol gets. */
static bool is_unnamed(const struct lsp_frame *f, const char *function)
{
	const char *path = path_of(f), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = strlen(name);

	return !*function || (len && !strncmp(function, name, len) &&
			      !strncmp(function + len, "+0x", 3));
}

static void note_internal(struct walk *w, struct position at, enum lsp_sync sync)
{
	w->last_at = at;
	w->any = true;
	if (sync != LSP_SYNC_OTHER)
		w->hint = sync;
	w->mutex |= sync == LSP_SYNC_MUTEX;
}

/* Whether @name may be the function that the program called, rather than the leaf so far. */
static bool is_over(const struct walk *w, const struct lsp_sync_name *name)
{
	return !w->leaf || w->leaf->family == name->family ||
	       (w->leaf->family == LSP_FAMILY_C && name->family >= LSP_FAMILY_POSTGRES);
}

static bool take_known(struct walk *w, struct position at, const struct lsp_sync_name *name)
{
	switch (name->kind) {
	case LSP_SYNC_INTERNAL:
		if (w->leaf)
			return false;
		note_internal(w, at, name->sync);
		return true;
	case LSP_SYNC_PUBLIC:
		if (!is_over(w, name))
			return false;
		if (w->leaf && w->leaf->sync != LSP_SYNC_OTHER)
			w->hint = w->leaf->sync;
		w->mutex |= w->leaf && w->leaf->sync == LSP_SYNC_MUTEX;
		w->leaf = name;
		w->leaf_at = at;
		return true;
	default:
		w->root = true;
		w->begins = true;
		return false;
	}
}

/* Takes one function into account. Returns false if the walk ends before it. */
static bool take(struct walk *w, struct position at)
{
	const struct lsp_frame *f = &w->frames[at.frame];
	const char *function = f->lines[at.line].function;
	const struct lsp_sync_library *library = lsp_sync_library_find(path_of(f));
	const struct lsp_sync_name *name;

	if (!at.frame && !at.line)
		w->library = library;
	if (is_unnamed(f, function)) {
		/* unnamed code of another library has called the one that waits */
		if (!library || w->leaf || (w->unnamed && library != w->library))
			return false;
		if (library->sync != LSP_SYNC_OTHER && w->hint == LSP_SYNC_OTHER)
			w->hint = library->sync;
		w->unnamed++;
		note_internal(w, at, LSP_SYNC_OTHER);
		return true;
	}
	name = lsp_sync_name_find(function);
	if (name)
		return take_known(w, at, name);
	if (w->leaf || !library || !library->libc)
		return false;
	note_internal(w, at, LSP_SYNC_OTHER);
	return true;
}

/* A condition variable's wait also releases its mutex and takes it again. */
static bool is_mutex_of_cond(const struct walk *w)
{
	if (!w->leaf->waits)
		return false;
	if (w->mutex)
		return true;
	if (!w->unnamed || !w->library)
		return false;
	/* glibc waits for the signal by WAIT_BITSET, for the mutex by WAIT */
	if (w->side == LSP_SIDE_WAITER)
		return w->library->glibc_merged && w->op == LOCKSPAN_OP_WAIT;
	return w->library->libc;
}

static enum lsp_sync class_of(const struct walk *w)
{
	if (w->op == LOCKSPAN_OP_LOCK_PI || w->op == LOCKSPAN_OP_LOCK_PI2)
		return LSP_SYNC_PI;
	if (w->leaf && is_mutex_of_cond(w))
		return LSP_SYNC_MUTEX;
	/* an unlock of an rwlock serves readers and writers; the inlined half of it tells which */
	if (w->leaf && w->leaf->sync == LSP_SYNC_RWLOCK_WR && w->hint == LSP_SYNC_RWLOCK_RD)
		return LSP_SYNC_RWLOCK_RD;
	if (w->leaf && w->leaf->sync != LSP_SYNC_OTHER)
		return w->leaf->sync;
	if (w->hint != LSP_SYNC_OTHER)
		return w->hint;
	if (w->root || !w->any || !w->library || !w->library->libc)
		return LSP_SYNC_OTHER;
	/* glibc's own locks, in code without names */
	return w->unnamed && (w->side == LSP_SIDE_RELEASER || w->op == LOCKSPAN_OP_WAIT) ?
		LSP_SYNC_MUTEX : LSP_SYNC_OTHER;
}

void lsp_sync_classify(const struct lsp_frame *frames, size_t nframes, enum lsp_side side,
		       unsigned int op, enum lsp_sync *sync, size_t *boundary, size_t *line)
{
	struct walk w = { .frames = frames, .side = side, .op = op };
	struct position at;
	bool on = true;

	for (at.frame = 0; on && at.frame < nframes; at.frame++)
		for (at.line = 0; on && at.line < frames[at.frame].nlines; at.line++)
			on = take(&w, at);
	/*
	 * the stack has only library frames: it is a thread's beginning or end, and no call of a
	 * program
	 */
	if (on) {
		w.root = true;
		w.any = w.hint != LSP_SYNC_OTHER;
	}
	if (w.begins && !w.any && !w.leaf && side == LSP_SIDE_RELEASER)
		w.hint = LSP_SYNC_JOIN;
	*sync = class_of(&w);
	*boundary = w.leaf ? w.leaf_at.frame : w.any ? w.last_at.frame : 0;
	*line = w.leaf ? w.leaf_at.line : w.any ? w.last_at.line : 0;
}

const char *lsp_sync_site(const struct lsp_frame *frames, size_t nframes, size_t frame, size_t line)
{
	const char *next = NULL, *inside = NULL;

	for (line++; frame < nframes; frame++, line = 0)
		for (; line < frames[frame].nlines; line++) {
			const struct lsp_line *at = &frames[frame].lines[line];

			next = next ? next : at->function;
			if (lsp_sync_is_wrapper(at->function, at->file))
				continue;
			if (!lsp_sync_is_interpreter(at->function, path_of(&frames[frame])))
				return inside && !lsp_sync_is_interpreted(at->function) ? inside : at->function;
			inside = inside ? inside : at->function;
		}
	return inside ? inside : next;
}

bool lsp_sync_is_native(const char *function, const char *path)
{
	const struct lsp_sync_name *name = lsp_sync_name_find(function);
	const struct lsp_sync_library *library = lsp_sync_library_find(path);

	if (!name)
		return library && library->libc;
	switch (name->family) {
	case LSP_FAMILY_C:
	case LSP_FAMILY_MALLOC:
	case LSP_FAMILY_STDIO:
	case LSP_FAMILY_GLIB:
	case LSP_FAMILY_GOMP:
	case LSP_FAMILY_QT:
		return true;
	default:
		return !strncmp(name->name, "std::sync::", strlen("std::sync::"));
	}
}
