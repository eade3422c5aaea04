// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a stack that loses its names, its class, its lock or its end
 * where the parts are joined; records of the module that give something else
 * than /proc; an answer from memory that is not the first answer, or one that
 * outlives the mappings it was made with; names of code written at run time;
 * Go's stacks that do not end where the runtime changes stacks.
 * Real stacks, taken by ptrace (tests/lib/capture.h).
 *
 * sources: tests/lib/capture.c user/resolve/resolve.c user/resolve/trace.c user/resolve/symbol/perfmap.c
 * sources: user/resolve/unwind/unwind.c user/resolve/unwind/dwfl.c user/resolve/unwind/snapshot.c
 * sources: user/resolve/maps/maps.c user/resolve/maps/mapset.c user/resolve/maps/mapsets.c user/base/maptext.c
 * sources: user/resolve/unwind/cfi.c user/resolve/unwind/go_rules.c user/resolve/unwind/fde.c user/resolve/unwind/cfa.c user/resolve/code/code.c
 * sources: user/resolve/unwind/callsite.c user/resolve/code/starts.c user/resolve/elf/file.c user/resolve/elf/cache.c user/resolve/elf/context.c user/resolve/elf/section.c
 * sources: user/resolve/elf/debugfile.c user/resolve/elf/minidebug.c user/resolve/elf/symtab.c user/resolve/elf/gopcln.c user/resolve/elf/range.c
 * sources: user/base/arena.c user/resolve/symbol/symbol.c user/resolve/symbol/symfile.c
 * sources: user/resolve/symbol/demangle.c user/resolve/dwarf/inline.c user/resolve/dwarf/line.c
 * sources: user/resolve/symbol/tail.c user/resolve/dwarf/die_walk.c user/resolve/sync.c
 * sources: user/resolve/lock.c user/resolve/dwarf/type.c user/resolve/dwarf/variable.c user/resolve/symbol/plain_name.c
 * sources: user/resolve/code/jump.c user/resolve/symbol/target.c user/resolve/elf/slot.c user/resolve/sync_names.c
 * sources: user/base/intern.c user/base/index.c tests/unit/scratch.c
 * libs: -ldw -lelf -lz -llzma -ldl -liberty
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../user/base/maptext.h"
#include "../../user/resolve/resolve.h"
#include "../lib/capture.h"
#include "scratch.h"

#define SUBJECTS "tests/unit/unwind/"

struct fixture {
	struct lsp_resolver *r;
	struct capture capture;
	char said[512];
	size_t nsaid;
};

static void listen_to(void *arg, const char *sentence)
{
	struct fixture *f = arg;

	f->nsaid++;
	snprintf(f->said, sizeof(f->said), "%s", sentence);
}

static int build(void **state)
{
	if (scratch_create(state))
		return -1;
	return scratch_run("gcc -O2 -g -w -o \"$SCRATCH\"/c " SUBJECTS "chains.c -pthread &&"
			   " cd " SUBJECTS "go && GOFLAGS=-mod=mod GOPROXY=off go build -o \"$SCRATCH\"/go main.go");
}

static void begin(struct fixture *f, const char *name, const char *kind, size_t max, bool all_frames)
{
	const struct capture_options o = { .max = max, .window_bytes = 16384 };
	const struct lsp_resolver_options ro = {
		.all_frames = all_frames, .warn = listen_to, .warn_arg = f,
	};
	char path[128];
	char *argv[] = { path, (char *)kind, "40", NULL };

	memset(f, 0, sizeof(*f));
	snprintf(path, sizeof(path), "%s/%s", scratch_directory(), name);
	assert_int_equal(lsp_resolver_create(&ro, &f->r), 0);
	assert_int_equal(capture_run(argv, &o, &f->capture), 0);
	assert_true(f->capture.n > 0);
}

static void end(struct fixture *f)
{
	lsp_resolver_destroy(f->r);
	capture_free(&f->capture);
}

/* The mappings of the @i'th stack as the module would send them, as its generation. */
static void maps_send(struct fixture *f, size_t i, uint32_t generation)
{
	const struct captured *c = &f->capture.stacks[i];
	const char *at = c->maps;
	struct lsp_maptext line;
	struct lockspan_map rec = { .tgid = c->raw->tgid, .generation = generation };
	unsigned int flags = LOCKSPAN_MAP_FIRST;
	char path[256];

	while (lsp_maptext_next(&at, c->maps + c->maps_bytes, &line)) {
		if (!line.exec && !(line.write && line.ino))
			continue;
		rec.rec.flags = (__u16)(flags | (line.exec ? 0 : LOCKSPAN_MAP_DATA));
		rec.start = line.start;
		rec.end = line.end;
		rec.offset = line.offset;
		rec.ino = line.ino;
		rec.dev_major = line.dev_major;
		rec.dev_minor = line.dev_minor;
		snprintf(path, sizeof(path), "%.*s", (int)line.path_len, line.path);
		assert_int_equal(lsp_resolver_map(f->r, &rec, *path ? path : "//anon"), 0);
		flags = 0;
	}
	assert_false(lsp_resolver_mapped(f->r, c->raw->tgid, generation));
	memset(&rec.start, 0, 3 * sizeof(rec.start));
	rec.rec.flags = LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_DATA;
	assert_int_equal(lsp_resolver_map(f->r, &rec, ""), 0);
	assert_true(lsp_resolver_mapped(f->r, c->raw->tgid, generation));
}

/* Names of a trace, leaf first. */
static void names(const struct lsp_trace *t, char *ret, size_t room)
{
	size_t i, k, used = 0;

	ret[0] = '\0';
	for (i = 0; i < t->nframes; i++)
		for (k = 0; k < t->frames[i].nlines && used < room - 100; k++)
			used += (size_t)snprintf(ret + used, room - used, "%s%.80s", used ? " " : "",
						 t->frames[i].lines[k].function);
}

static bool is_wait(const struct captured *c)
{
	unsigned int op = c->raw->regs[4] & 127;

	return op == 0 || op == 9;
}

/* ---- what a stack becomes ---- */

static void kind_check(const char *kind, enum lsp_sync sync, const char *call, const char *chain,
		       const char *lock)
{
	size_t i, seen = 0, named = 0;
	struct fixture f;

	begin(&f, "c", kind, 60, false);
	for (i = 0; i < f.capture.n; i++) {
		struct lockspan_stack *s = f.capture.stacks[i].sparse;
		struct lsp_trace t;
		char text[2048], want[512];
		const char *name;

		s->generation = (uint32_t)i + 1;
		maps_send(&f, i, s->generation);
		assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &t), 0);
		assert_int_equal(t.end, LSP_END_COMPLETE);
		names(&t, text, sizeof(text));
		snprintf(want, sizeof(want), "%s %s level3 level2 level1 worker start_thread", call,
			 chain);
		if (is_wait(&f.capture.stacks[i]) && t.sync == sync && !strncmp(text, want, strlen(want))) {
			seen++;
			/* the barrier's own futex call is inlined into it */
			assert_true(t.hidden > 0 || sync == LSP_SYNC_BARRIER);
			assert_non_null(strstr(t.frames[1].lines[0].file, "chains.c"));
			assert_true(t.frames[1].lines[0].line > t.frames[1].lines[0].start_line);
			assert_true(t.frames[1].object && t.frames[1].object->symbolised);
			assert_int_equal(strlen(t.frames[1].object->build_id), 40);
			name = lsp_resolver_lock(f.r, s->tgid, s->generation, s->regs[5], t.sync, &t);
			named += !strcmp(name, lock);
		}
		lsp_trace_uninit(&t);
	}
	printf("%s: %zu waits, %zu on \"%s\"\n", kind, seen, named, lock);
	assert_true(seen > 0 && named == seen);
	assert_int_equal(f.nsaid, 0);
	end(&f);
}

static void waits(void **state)
{
	(void)state;
	kind_check("mutex", LSP_SYNC_MUTEX, "pthread_mutex_lock", "do_mutex", "mutex");
	kind_check("sem", LSP_SYNC_SEM, "sem_wait", "do_sem", "sem");
	kind_check("barrier", LSP_SYNC_BARRIER, "pthread_barrier_wait", "do_barrier", "barrier");
	kind_check("cond", LSP_SYNC_COND, "pthread_cond_timedwait", "do_cond", "cond");
}

static void releases(void **state)
{
	struct fixture f;
	size_t i, seen = 0;

	(void)state;
	begin(&f, "c", "mutex", 40, false);
	for (i = 0; i < f.capture.n; i++) {
		struct lockspan_stack *s = f.capture.stacks[i].raw;
		struct lsp_trace t;

		if (is_wait(&f.capture.stacks[i]))
			continue;
		maps_send(&f, i, 1);
		assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_RELEASER, &t), 0);
		seen++;
		assert_string_equal(t.frames[0].lines[0].function, "pthread_mutex_unlock");
		assert_string_equal(t.frames[1].lines[0].function, "do_mutex");
		assert_int_equal(t.sync, LSP_SYNC_MUTEX);
		lsp_trace_uninit(&t);
	}
	assert_true(seen > 0);
	end(&f);
}

static void library_frames(void **state)
{
	struct fixture f;
	size_t i, inside = 0;
	char text[2048];

	(void)state;
	begin(&f, "c", "mutex", 20, true);
	for (i = 0; i < f.capture.n; i++) {
		struct lsp_trace t;

		f.capture.stacks[i].raw->generation = (uint32_t)i + 1;
		maps_send(&f, i, (uint32_t)i + 1);
		assert_int_equal(lsp_resolver_stack(f.r, f.capture.stacks[i].raw, LSP_SIDE_WAITER, &t),
				 0);
		names(&t, text, sizeof(text));
		assert_int_equal(t.hidden, 0);
		inside += strstr(text, "lll_lock_wa") != NULL;
		lsp_trace_uninit(&t);
	}
	assert_true(inside > 0);
	end(&f);
}

/* ---- memory ---- */

static void remembered(void **state)
{
	struct lockspan_map gone = {
		.rec = { .flags = LOCKSPAN_MAP_FIRST | LOCKSPAN_MAP_LAST | LOCKSPAN_MAP_GONE },
		.generation = 1,
	};
	struct fixture f;
	struct lsp_trace a, b, c;
	struct lockspan_stack *s;

	(void)state;
	begin(&f, "c", "mutex", 4, false);
	gone.tgid = f.capture.stacks[0].raw->tgid;
	s = f.capture.stacks[0].raw;
	assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &a), 0);
	/* nothing is known of the process yet */
	assert_int_equal(a.end, LSP_END_NO_MAP);
	assert_int_equal(a.nframes, 1);
	assert_null(a.frames[0].object);
	assert_true(strlen(a.frames[0].lines[0].function) > 0);
	lsp_trace_uninit(&a);
	maps_send(&f, 0, 1);
	assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &a), 0);
	assert_int_equal(a.end, LSP_END_COMPLETE);
	assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &b), 0);
	assert_int_equal(a.nframes, b.nframes);
	assert_int_equal(a.hidden, b.hidden);
	assert_memory_equal(a.frames, b.frames, a.nframes * sizeof(*a.frames));
	assert_ptr_not_equal(a.frames, b.frames);
	/* the other side is another question; other mappings are another answer */
	assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_RELEASER, &c), 0);
	lsp_trace_uninit(&c);
	assert_int_equal(lsp_resolver_map(f.r, &gone, ""), 0);
	assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &c), 0);
	assert_int_equal(c.end, LSP_END_NO_MAP);
	lsp_trace_uninit(&a);
	lsp_trace_uninit(&b);
	lsp_trace_uninit(&c);
	end(&f);
}

/* ---- /proc ---- */

static void proc(void **state)
{
	const struct lsp_resolver_options foreign = { .foreign_pids = true };
	struct lsp_resolver *r;
	pid_t gone;

	(void)state;
	assert_int_equal(lsp_resolver_create(NULL, &r), 0);
	assert_false(lsp_resolver_mapped(r, (uint32_t)getpid(), 0));
	assert_int_equal(lsp_resolver_map_proc(r, (uint32_t)getpid(), 0), 0);
	assert_true(lsp_resolver_mapped(r, (uint32_t)getpid(), 0));
	gone = fork();
	if (!gone)
		_exit(0);
	/* first as a zombie, which has no mappings, then not at all */
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)gone, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(lsp_resolver_map_proc(r, (uint32_t)gone, 0), -ESRCH);
	waitpid(gone, NULL, 0);
	assert_int_equal(lsp_resolver_map_proc(r, (uint32_t)gone, 0), -ESRCH);
	assert_false(lsp_resolver_mapped(r, (uint32_t)gone, 0));
	lsp_resolver_destroy(r);
	/* the number means another process here */
	assert_int_equal(lsp_resolver_create(&foreign, &r), 0);
	assert_int_equal(lsp_resolver_map_proc(r, (uint32_t)getpid(), 0), -ESRCH);
	assert_false(lsp_resolver_mapped(r, (uint32_t)getpid(), 0));
	lsp_resolver_destroy(r);
}

/* ---- locks ---- */

static void lock_regions(void **state)
{
	static int here;
	uint32_t pid = (uint32_t)getpid();
	struct lsp_resolver *r;
	int on_stack;
	void *heap = malloc(64);
	void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *name;

	(void)state;
	assert_int_equal(lsp_resolver_create(NULL, &r), 0);
	/* always something, even where nothing is known */
	name = lsp_resolver_lock(r, pid, 0, (uintptr_t)&here, LSP_SYNC_MUTEX, NULL);
	assert_true(strlen(name) > 0 && !strstr(name, "here"));
	assert_int_equal(lsp_resolver_map_proc(r, pid, 0), 0);
	name = lsp_resolver_lock(r, pid, 0, (uintptr_t)&here, LSP_SYNC_MUTEX, NULL);
	printf("static: %s\n", name);
	assert_string_equal(name, "lock_regions()::here");
	name = lsp_resolver_lock(r, pid, 0, (uintptr_t)heap, LSP_SYNC_MUTEX, NULL);
	printf("heap: %s\n", name);
	assert_non_null(strstr(name, "heap"));
	name = lsp_resolver_lock(r, pid, 0, (uintptr_t)&on_stack, LSP_SYNC_MUTEX, NULL);
	printf("stack: %s\n", name);
	/* what is shared without a file has no name of its own, wherever in it the lock lies */
	name = lsp_resolver_lock(r, pid, 0, (uintptr_t)shared + 64, LSP_SYNC_MUTEX, NULL);
	assert_string_equal(name, "shared");
	assert_false(lsp_resolver_lock_is_named(r, pid, 0, (uintptr_t)shared));
	munmap(shared, 4096);
	free(heap);
	lsp_resolver_destroy(r);
}

/* ---- code without a file ---- */

static void jit_list_write(const char *path, uint64_t pc)
{
	FILE *map = fopen(path, "w");

	assert_non_null(map);
	fprintf(map, "%llx 100 Old:one\nbroken line\n%llx 8 Compiled:run\n10 0 Empty\n",
		(unsigned long long)pc - 5, (unsigned long long)pc - 5);
	fclose(map);
}

/* What a process puts in its list's place to be waited for, or to have another file read, is left alone. */
static void jit_lists_refused(struct fixture *f, const struct lockspan_stack *s, const char *path,
			      size_t at, uint64_t pc)
{
	char real[80];
	int i;

	snprintf(real, sizeof(real), "%s.real", path);
	jit_list_write(real, pc);
	for (i = 0; i < 2; i++) {
		struct lsp_trace t;

		assert_int_equal(i ? symlink(real, path) : mkfifo(path, 0600), 0);
		assert_int_equal(lsp_resolver_stack(f->r, s, LSP_SIDE_WAITER, &t), 0);
		assert_true(at < t.nframes);
		assert_string_not_equal(t.frames[at].lines[0].function, "Compiled:run");
		lsp_trace_uninit(&t);
		assert_int_equal(unlink(path), 0);
	}
	unlink(real);
}

static void jit(void **state)
{
	struct fixture f;
	size_t i, seen = 0;
	char path[64];

	(void)state;
	begin(&f, "c", "jit", 20, false);
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", f.capture.stacks[0].raw->tgid);
	for (i = 0; i < f.capture.n; i++) {
		struct lockspan_stack *s = f.capture.stacks[i].raw;
		struct lsp_trace t;
		size_t k;

		s->generation = (uint32_t)i + 1;
		maps_send(&f, i, s->generation);
		assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &t), 0);
		for (k = 0; k < t.nframes; k++) {
			const struct lsp_frame *fr = &t.frames[k];

			if (!fr->object || strcmp(fr->object->path, "//anon"))
				continue;
			seen++;
			assert_string_equal(t.frames[k - 1].lines[0].function, "from_jit");
			assert_string_equal(t.frames[k + 1].lines[0].function, "do_jit");
			/* the frame found by a frame pointer is the one that says so */
			assert_false(fr->guessed);
			assert_true(t.frames[k + 1].guessed);
			if (seen > 1) {
				assert_string_equal(fr->lines[0].function, "Compiled:run");
				continue;
			}
			jit_lists_refused(&f, s, path, k, fr->pc);
			jit_list_write(path, fr->pc);
		}
		lsp_trace_uninit(&t);
	}
	unlink(path);
	assert_true(seen > 2);
	end(&f);
}

static void go(void **state)
{
	struct fixture f;
	size_t i, k, complete = 0, switched = 0;
	char text[2048];

	(void)state;
	begin(&f, "go", NULL, 60, false);
	for (i = 0; i < f.capture.n; i++) {
		struct lockspan_stack *s = f.capture.stacks[i].sparse;
		const struct lsp_frame *last;
		struct lsp_trace t;

		s->generation = (uint32_t)i + 1;
		maps_send(&f, i, s->generation);
		assert_int_equal(lsp_resolver_stack(f.r, s, LSP_SIDE_WAITER, &t), 0);
		last = &t.frames[t.nframes - 1];
		complete += t.end == LSP_END_COMPLETE;
		/* what lies behind a change of stacks is another stack's, and stale */
		for (k = 0; k + 1 < t.nframes; k++)
			assert_null(strstr(t.frames[k].lines[0].function, "mcall"));
		switched += strstr(last->lines[0].function, "mcall") != NULL;
		if (t.end != LSP_END_COMPLETE) {
			names(&t, text, sizeof(text));
			printf("go: end %u: %s\n", t.end, text);
		}
		if (strstr(last->lines[0].function, "mcall"))
			assert_int_equal(t.end, LSP_END_COMPLETE);
		lsp_trace_uninit(&t);
	}
	printf("go: %zu of %zu complete\n", complete, f.capture.n);
	assert_true(complete > f.capture.n * 9 / 10);
	assert_true(switched > 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits),
		cmocka_unit_test(releases),
		cmocka_unit_test(library_frames),
		cmocka_unit_test(remembered),
		cmocka_unit_test(proc),
		cmocka_unit_test(lock_regions),
		cmocka_unit_test(jit),
		cmocka_unit_test(go),
	};

	return cmocka_run_group_tests(tests, build, scratch_destroy);
}
