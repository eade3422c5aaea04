/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names static locks by symbol and type, and others by the function that uses them, because an
 * address on the heap means nothing in the next run.
 */
#include "lock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/demangle.h"
#include "dwarf/line.h"
#include "symbol/plain_name.h"
#include "symbol/symbol_private.h"
#include "symbol/symfile.h"
#include "sync_names.h"
#include "dwarf/type.h"
#include "dwarf/variable.h"

#define NAME_BYTES 1024

/* The size of the object of glibc for which a class stands; 0: there are several sizes. */
static uint64_t primitive_bytes(enum lsp_sync sync)
{
	switch (sync) {
	case LSP_SYNC_MUTEX:
	case LSP_SYNC_PI:
		return 40;	/* pthread_mutex_t */
	case LSP_SYNC_RWLOCK_RD:
	case LSP_SYNC_RWLOCK_WR:
		return 56;	/* pthread_rwlock_t */
	case LSP_SYNC_COND:
		return 48;	/* pthread_cond_t */
	case LSP_SYNC_BARRIER:
	case LSP_SYNC_SEM:
		return 32;	/* pthread_barrier_t, sem_t */
	default:
		return 0;
	}
}

/* Drops the ".0" by which compilers tell static variables of one name apart. */
static void number_drop(char *name)
{
	size_t len = strlen(name), digits = len;

	while (digits && isdigit((unsigned char)name[digits - 1]))
		digits--;
	if (digits < len && digits > 1 && name[digits - 1] == '.')
		name[digits - 1] = '\0';
}

/* Returns the variable's name as people write it, malloc'ed; "function()::name" for a static local variable. */
static char *variable_name(struct lsp_variable *v)
{
	const char *linkage = lsp_line_linkage(&v->die);
	const char *local = v->in_function && !linkage ? lsp_line_name(&v->die) : NULL;
	char *name, *function, *ret = NULL, plain[512];

	if (local)
		name = strdup(local);
	else
		name = linkage ? lsp_demangle(linkage) : lsp_line_scoped_name(&v->die);
	if (!local || !name)
		return name;
	linkage = lsp_line_linkage(&v->function);
	function = linkage ? lsp_demangle(linkage) : lsp_line_scoped_name(&v->function);
	if (function) {
		lsp_plain_name(function, plain, sizeof(plain));
		if (asprintf(&ret, "%s()::%s", plain, name) < 0)
			ret = NULL;
		free(function);
	} else {
		ret = strdup(name);
	}
	free(name);
	return ret;
}

/* Names the lock by DWARF: the variable and the path in its type. */
static int typed_name(struct lsp_symfile *f, uint64_t vaddr, char *ret, size_t bytes)
{
	struct lsp_variables *variables;
	struct lsp_variable v;
	char path[NAME_BYTES / 2], *name;
	int err = lsp_symfile_variables(f, &variables);

	if (!err)
		err = lsp_variables_find(variables, vaddr, &v);
	if (err)
		return err;
	if (!lsp_type_path(&v.type, vaddr - v.start, path, sizeof(path)))
		snprintf(path, sizeof(path), "+0x%llx", (unsigned long long)(vaddr - v.start));
	name = variable_name(&v);
	if (!name)
		return -ENOENT;
	snprintf(ret, bytes, "%s%s", name, path);
	free(name);
	return 0;
}

/* Names the lock by the symbol. An offset within one object of glibc is not shown. */
static int symbol_name(struct lsp_symfile *f, uint64_t vaddr, enum lsp_sync sync, char *ret,
		       size_t bytes)
{
	struct lsp_symtab_symbol symbol;
	struct lsp_symtab *t;
	uint64_t offset;
	char *name;
	int err = lsp_symfile_symtab(f, LSP_SYMTAB_DATA, &t);

	if (!err)
		err = lsp_symtab_find(t, vaddr, &symbol);
	if (err)
		return err;
	name = lsp_demangle(symbol.name);
	if (!name)
		return -ENOMEM;
	number_drop(name);
	offset = vaddr - symbol.start;
	if (!offset || symbol.end - symbol.start == primitive_bytes(sync))
		snprintf(ret, bytes, "%s", name);
	else
		snprintf(ret, bytes, "%s+0x%llx", name, (unsigned long long)offset);
	free(name);
	return 0;
}

static const char *static_name(struct lsp_symbols *s, const struct lsp_place *p,
			       enum lsp_sync sync)
{
	const char *prefix = p->main ? "" : p->elf->name, *colon = p->main ? "" : ":";
	struct lsp_symfile *f;
	char name[NAME_BYTES];
	int err = lsp_symfile_get(p->elf, &f);

	if (!err)
		err = typed_name(f, p->vaddr, name, sizeof(name));
	if (err == -ENOENT)
		err = symbol_name(f, p->vaddr, sync, name, sizeof(name));
	if (err == -ENOENT)
		return lsp_intern_format(&s->text, "%s+0x%llx", p->elf->name,
				       (unsigned long long)p->vaddr);
	return err ? NULL : lsp_intern_format(&s->text, "%s%s%s", prefix, colon, name);
}

/*
 * Finds the innermost function of the program in the trace, as a bare name, and its line. Returns
 * false if there is none.
 */
static bool user_function(const struct lsp_trace *t, char *ret, size_t bytes, uint32_t *line)
{
	size_t i, j;

	for (i = 0; t && i < t->nframes; i++) {
		const struct lsp_frame *f = &t->frames[i];

		for (j = 0; j < f->nlines; j++) {
			const struct lsp_sync_name *known =
				lsp_sync_name_find(f->lines[j].function);

			if (known && known->kind == LSP_SYNC_ROOT)
				return false;
			lsp_plain_name(f->lines[j].function, ret, bytes);
			*line = f->lines[j].line;
			if (*ret && !known && !lsp_sync_is_wrapper(f->lines[j].function, f->lines[j].file) &&
			    !(f->object && lsp_sync_library_find(f->object->path)))
				return true;
		}
	}
	return false;
}

/*
 * A join waits for a thread. Its futex word lies where the C library has put the descriptor of that
 * thread: in the thread's own stack, or in memory that an earlier thread has left. That differs
 * from one run to the next.
 */
static const char *where_name(const struct lsp_place *p, enum lsp_sync sync)
{
	if (sync == LSP_SYNC_JOIN)
		return "thread";
	return p->region == LSP_REGION_STACK ? "stack" :
	       p->region == LSP_REGION_HEAP ? "heap" :
	       p->region == LSP_REGION_NAMELESS ? "shared" : "memory";
}

static const char *dynamic_name(struct lsp_symbols *s, const struct lsp_place *p,
				enum lsp_sync sync, const struct lsp_trace *trace)
{
	const char *where = where_name(p, sync);
	char function[NAME_BYTES];
	uint32_t line;

	if (user_function(trace, function, sizeof(function), &line))
		return lsp_intern_format(&s->text, "%s@%s", where, function);
	return lsp_intern_string(&s->text, where);
}

const char *lsp_lock_birth_name(struct lsp_symbols *s, const struct lsp_trace *trace)
{
	char function[NAME_BYTES];
	uint32_t line;

	if (!user_function(trace, function, sizeof(function), &line))
		return NULL;
	if (line)
		return lsp_intern_format(&s->text, "init@%s:%u", function, line);
	return lsp_intern_format(&s->text, "init@%s", function);
}

const char *lsp_lock_name(struct lsp_symbols *s, const struct lsp_place *place,
			  enum lsp_sync sync, const struct lsp_trace *trace)
{
	const char *ret;

	if (place->region == LSP_REGION_STATIC && place->elf)
		ret = static_name(s, place, sync);
	else if (place->region == LSP_REGION_SHARED && place->path && *place->path)
		ret = lsp_intern_format(&s->text, "%s+0x%llx", place->path,
				      (unsigned long long)place->offset);
	else
		ret = dynamic_name(s, place, sync, trace);
	return ret ? ret : "?";
}
