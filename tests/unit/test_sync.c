/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would catch: a stack put into the wrong class, a leaf that is the library's
 * inside or the program's own function instead of the public call, a wait for
 * the mutex inside pthread_cond_wait taken for a wait for the condition. Stacks
 * are made up from the names that libraries show, with and without symbols;
 * test_sync_programs.c takes real ones.
 *
 * sources: user/capture/span.c user/resolve/sync.c user/resolve/sync_names.c
 * sources: user/resolve/symbol/plain_name.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../user/resolve/symbol/plain_name.h"
#include "../../user/resolve/sync.h"
#include "../../user/resolve/sync_names.h"

#define WAITER LSP_SIDE_WAITER
#define RELEASER LSP_SIDE_RELEASER

/* ---- names ---- */

static void plain_names(void **state)
{
	static const char *const cases[][2] = {
		{ "pthread_mutex_lock", "pthread_mutex_lock" },
		{ "std::mutex::lock()", "std::mutex::lock" },
		{ "std::__1::mutex::lock()", "std::mutex::lock" },
		{ "std::condition_variable::wait(std::unique_lock<std::mutex>&)",
		  "std::condition_variable::wait" },
		{ "void std::__detail::__platform_wait<int>(int const*, int)",
		  "std::__detail::__platform_wait" },
		{ "std::vector<int, std::allocator<int> >::push_back(int const&)",
		  "std::vector::push_back" },
		{ "absl::lts_20220623::Mutex::Lock()", "absl::Mutex::Lock" },
		{ "absl::debian7::Mutex::Lock()", "absl::Mutex::Lock" },
		{ "std::latch::wait() const", "std::latch::wait" },
		{ "(anonymous namespace)::f(int)", "f" },
		{ "main::{lambda(int)#1}::operator()(int) const", "main::{lambda" },
		{ "a::b::operator<(a::c const&, a::c const&)", "a::b::operator<" },
		{ "std::function<void (int)>::operator()(int) const", "std::function::operator()" },
		{ "bool std::operator<= <char>(char const&)", "std::operator<= <char>" },
		{ "std::sync::poison::mutex::Mutex<T>::lock", "std::sync::poison::mutex::Mutex::lock" },
		{ "<std::sync::poison::mutex::MutexGuard<T> as core::ops::drop::Drop>::drop",
		  "std::sync::poison::mutex::MutexGuard::drop" },
		{ "<std::sys::sync::mutex::futex::Mutex>::wake",
		  "std::sys::sync::mutex::futex::Mutex::wake" },
		{ "<<a::B<C> as d::E>::F as g::H>::i", "a::B::F::i" },
		{ "runtime.futexsleep", "runtime.futexsleep" },
		{ "sync.(*Mutex).Lock", "sync." },
		{ "", "" },
		{ "<<<<", "" },
		{ "((((", "" },
	};
	char text[128], tiny[4];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		lsp_plain_name(cases[i][0], text, sizeof(text));
		if (strncmp(cases[i][1], "main::{lambda", 13))
			assert_string_equal(text, cases[i][1]);
	}
	lsp_plain_name("pthread", tiny, sizeof(tiny));
	assert_string_equal(tiny, "pth");
}

/* ---- stacks made of names ---- */

/* "FILE|inlined^inlined^function" is one frame. */
struct stack {
	enum lsp_side side;
	unsigned int op;
	enum lsp_sync sync;
	const char *leaf;
	const char *frames[8];
};

#define G "/lib/x86_64-linux-gnu/libc.so.6|"
#define PT "/lib/x86_64-linux-gnu/libpthread-2.31.so|"
#define M "/lib/ld-musl-x86_64.so.1|"
#define A "/usr/bin/app|"
#define W LOCKSPAN_OP_WAIT
#define B LOCKSPAN_OP_WAIT_BITSET
#define O LOCKSPAN_OP_OTHER
#define RS "std::sys::sync::"

static const struct stack stacks[] = {
	/* libraries whose functions stand over glibc's */
	{ WAITER, B, LSP_SYNC_RWLOCK_WR, "LWLockAcquire",
	  { G "__new_sem_wait_slow64^sem_wait", A "PGSemaphoreLock", A "LWLockAcquire", A "XLogFlush" } },
	{ RELEASER, O, LSP_SYNC_RWLOCK_WR, "LWLockRelease",
	  { G "sem_post", A "PGSemaphoreUnlock", A "LWLockWakeup^LWLockRelease", A "UnlockReleaseBuffer" } },
	{ WAITER, B, LSP_SYNC_SEM, "PGSemaphoreLock",
	  { G "__new_sem_wait_slow64^sem_wait", A "PGSemaphoreLock", A "ProcArrayEndTransaction" } },
	{ WAITER, B, LSP_SYNC_MUTEX, "ObjectMonitor::enter(JavaThread*)",
	  { G "__pthread_cond_wait_common^pthread_cond_wait", A "os::PlatformEvent::park()",
	    A "ObjectMonitor::EnterI(JavaThread*)", A "ObjectMonitor::enter(JavaThread*)", A "ObjectSynchronizer::enter" } },
	{ WAITER, B, LSP_SYNC_COND, "ObjectMonitor::wait(long, bool, JavaThread*)",
	  { G "__pthread_cond_wait_common^pthread_cond_timedwait", A "os::PlatformEvent::park(long)",
	    A "ObjectMonitor::wait(long, bool, JavaThread*)", A "JVM_MonitorWait" } },
	{ WAITER, B, LSP_SYNC_MUTEX, "ObjectMonitor::wait(long, bool, JavaThread*)",
	  { G "__pthread_cond_wait_common^pthread_cond_wait", A "os::PlatformEvent::park()",
	    A "ObjectMonitor::ReenterI(JavaThread*, ObjectWaiter*)", A "ObjectMonitor::wait(long, bool, JavaThread*)" } },
	{ RELEASER, O, LSP_SYNC_MUTEX, "ObjectMonitor::exit(JavaThread*, bool)",
	  { G "pthread_cond_signal", A "os::PlatformEvent::unpark()", A "ObjectMonitor::ExitEpilog(JavaThread*, ObjectWaiter*)",
	    A "ObjectMonitor::exit(JavaThread*, bool)" } },
	/* glibc with names */
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_mutex_lock",
	  { G "futex_wait^__lll_lock_wait", G "lll_mutex_lock_optimized^pthread_mutex_lock", A "f" } },
	{ WAITER, B, LSP_SYNC_COND, "pthread_cond_wait",
	  { G "__futex_abstimed_wait_common64^__futex_abstimed_wait_common",
	    G "__pthread_cond_wait_common^pthread_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_cond_wait",
	  { G "futex_wait^__lll_lock_wait", G "__pthread_mutex_cond_lock",
	    G "__pthread_cond_wait_common^pthread_cond_wait", A "f" } },
	{ RELEASER, O, LSP_SYNC_MUTEX, "pthread_cond_wait",
	  { G "__lll_lock_wake", G "__pthread_mutex_unlock_usercnt",
	    G "__pthread_cond_wait_common^pthread_cond_wait", A "f" } },
	{ RELEASER, O, LSP_SYNC_COND, "pthread_cond_wait",
	  { G "futex_wake^__condvar_dec_grefs^__pthread_cond_wait_common^pthread_cond_wait", A "f" } },
	{ WAITER, LOCKSPAN_OP_LOCK_PI, LSP_SYNC_PI, "pthread_mutex_lock",
	  { G "__futex_lock_pi64", G "__pthread_mutex_lock_full", G "pthread_mutex_lock", A "f" } },
	{ RELEASER, O, LSP_SYNC_RWLOCK_RD, "pthread_rwlock_unlock",
	  { G "futex_wake^__pthread_rwlock_rdunlock^pthread_rwlock_unlock", A "f" } },
	{ RELEASER, O, LSP_SYNC_RWLOCK_WR, "pthread_rwlock_unlock",
	  { G "futex_wake^__pthread_rwlock_wrunlock^pthread_rwlock_unlock", A "f" } },
	{ WAITER, B, LSP_SYNC_JOIN, "pthread_join",
	  { G "__futex_abstimed_wait_common", G "__pthread_clockjoin_ex", G "pthread_join", A "f" } },
	{ WAITER, B, LSP_SYNC_SEM, "sem_wait",
	  { G "__futex_abstimed_wait_common", G "__new_sem_wait_slow64", G "sem_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_ONCE, "call_once", { G "futex_wait^__pthread_once_slow",
	  G "pthread_once", G "call_once", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "malloc",
	  { G "__lll_lock_wait_private", G "_int_malloc", G "malloc", A "operator new(unsigned long)",
	    A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "fprintf",
	  { G "__lll_lock_wait_private", G "__vfprintf_internal", G "fprintf", A "f" } },
	/* a function of libc that no table has */
	{ WAITER, W, LSP_SYNC_MUTEX, "getpwnam_r",
	  { G "__lll_lock_wait_private", G "nss_something", G "getpwnam_r", A "f" } },
	/* a thread's end is nobody's release */
	{ RELEASER, O, LSP_SYNC_JOIN, "start_thread", { G "start_thread", G "clone3" } },
	{ RELEASER, O, LSP_SYNC_OTHER, "libc.so.6+0x891f4",
	  { G "libc.so.6+0x891f4", G "libc.so.6+0x1098eb" } },
	/* glibc without names */
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_mutex_lock",
	  { G "libc.so.6+0x8612a", G "pthread_mutex_lock", A "f" } },
	{ WAITER, B, LSP_SYNC_COND, "pthread_cond_wait",
	  { G "libc.so.6+0x85f15", G "pthread_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_cond_wait",
	  { G "libc.so.6+0x8612a", G "libc.so.6+0x8b752", G "pthread_cond_wait", A "f" } },
	{ WAITER, LOCKSPAN_OP_LOCK_PI, LSP_SYNC_PI, "pthread_cond_wait",
	  { G "libc.so.6+0x8612a", G "libc.so.6+0x8b752", G "pthread_cond_wait", A "f" } },
	{ RELEASER, O, LSP_SYNC_MUTEX, "libc.so.6+0x8dcad",
	  { G "libc.so.6+0x86192", G "libc.so.6+0x8dcad", A "f" } },
	{ RELEASER, O, LSP_SYNC_MUTEX, "pthread_cond_wait",
	  { G "libc.so.6+0x86192", G "libc.so.6+0x8dcad", G "pthread_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "putc", { G "__lll_lock_wait_private", G "putc", A "f" } },
	/* glibc 2.31: without a time limit a condition is waited for by WAIT as well */
	{ WAITER, W, LSP_SYNC_COND, "pthread_cond_wait",
	  { PT "futex_wait_cancelable^__pthread_cond_wait_common^pthread_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_COND, "pthread_cond_wait",
	  { PT "libpthread-2.31.so+0x1234", PT "pthread_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_cond_wait",
	  { PT "__lll_lock_wait", PT "__pthread_mutex_cond_lock", PT "pthread_cond_wait", A "f" } },
	/* musl */
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_mutex_lock",
	  { M "__timedwait_cp", M "__timedwait", M "pthread_mutex_timedlock", M "pthread_mutex_lock",
	    A "f" } },
	{ WAITER, W, LSP_SYNC_COND, "pthread_cond_wait",
	  { M "__timedwait_cp", M "pthread_cond_timedwait", M "pthread_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_cond_timedwait",
	  { M "__timedwait", M "pthread_mutex_timedlock", M "pthread_cond_timedwait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "fputs", { M "__wait", M "__lockfile", M "fputs", A "f" } },
	/* C++ */
	{ WAITER, B, LSP_SYNC_COND, "pthread_cond_wait",
	  { G "libc.so.6+0x85f15", G "pthread_cond_wait",
	    "/usr/lib/libstdc++.so.6|std::condition_variable::wait(std::unique_lock<std::mutex>&)",
	    A "f" } },
	{ WAITER, W, LSP_SYNC_SEM, "std::counting_semaphore<4l>::acquire()",
	  { G "syscall", A "void std::__detail::__platform_wait<int>(int const*, int)^"
	    "std::__atomic_semaphore::_M_acquire()^std::counting_semaphore<4l>::acquire()^f()" } },
	{ WAITER, W, LSP_SYNC_ONCE, "__cxa_guard_acquire",
	  { G "syscall", "/usr/lib/libstdc++.so.6|__cxa_guard_acquire", A "f" } },
	/* a lock of the program's own */
	{ WAITER, W, LSP_SYNC_OTHER, "syscall", { G "syscall", A "my_lock", A "f" } },
	{ WAITER, W, LSP_SYNC_OTHER, "my_lock", { A "my_lock", A "f" } },
	/* Rust: new, older, without inlined functions, parking_lot */
	{ WAITER, W, LSP_SYNC_MUTEX, "std::sync::poison::mutex::Mutex<T>::lock",
	  { G "syscall", A "std::sys::pal::unix::futex::futex_wait^" RS "mutex::futex::Mutex::lock_contended",
	    A RS "mutex::futex::Mutex::lock^std::sync::poison::mutex::Mutex<T>::lock^app::f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "std::sync::mutex::Mutex<T>::lock",
	  { G "syscall", A "std::sys::unix::futex::futex_wait^std::sys::unix::locks::futex_mutex::Mutex::lock_contended",
	    A "std::sync::mutex::Mutex<T>::lock^app::f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, RS "mutex::futex::Mutex::lock_contended",
	  { G "syscall", A RS "mutex::futex::Mutex::lock_contended", A "app::f" } },
	{ WAITER, W, LSP_SYNC_RWLOCK_RD, RS "rwlock::futex::RwLock::read_contended",
	  { G "syscall", A RS "rwlock::futex::RwLock::read_contended", A "app::f" } },
	{ RELEASER, O, LSP_SYNC_RWLOCK_RD,
	  "<std::sync::poison::rwlock::RwLockReadGuard<T> as core::ops::drop::Drop>::drop",
	  { G "syscall", A RS "rwlock::futex::RwLock::wake_writer_or_readers",
	    A RS "rwlock::futex::RwLock::read_unlock^<std::sync::poison::rwlock::RwLockReadGuard<T> as "
	    "core::ops::drop::Drop>::drop^core::ptr::drop_in_place^app::f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "std::sync::poison::condvar::Condvar::wait",
	  { G "syscall", A RS "mutex::futex::Mutex::lock_contended",
	    A RS "condvar::futex::Condvar::wait^std::sync::poison::condvar::Condvar::wait", A "app::f" } },
	{ WAITER, W, LSP_SYNC_RUNTIME, "std::thread::park",
	  { G "syscall", A RS "thread_parking::futex::Parker::park^std::thread::park", A "app::f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "lock_api::mutex::Mutex<R,T>::lock",
	  { G "syscall", A "parking_lot_core::thread_parker::imp::ThreadParker::futex_wait^"
	    "parking_lot_core::parking_lot::park^parking_lot::raw_mutex::RawMutex::lock_slow",
	    A "<parking_lot::raw_mutex::RawMutex as lock_api::mutex::RawMutex>::lock^"
	    "lock_api::mutex::Mutex<R,T>::lock^app::f" } },
	/* Go */
	{ WAITER, W, LSP_SYNC_RUNTIME, "runtime.notesleep",
	  { A "runtime.futex", A "runtime.futexsleep", A "runtime.notesleep", A "runtime.stopm" } },
	{ RELEASER, O, LSP_SYNC_RUNTIME, "runtime.notewakeup",
	  { A "runtime.futex", A "runtime.futexwakeup", A "runtime.notewakeup", A "runtime.startm" } },
	/* other libraries */
	{ WAITER, W, LSP_SYNC_MUTEX, "absl::lts_20220623::Mutex::Lock()",
	  { G "syscall", A "AbslInternalPerThreadSemWait_lts_20220623",
	    A "absl::lts_20220623::Mutex::Block(absl::lts_20220623::base_internal::PerThreadSynch*)",
	    A "absl::lts_20220623::Mutex::LockSlowLoop(absl::lts_20220623::SynchWaitParams*, int)",
	    A "absl::lts_20220623::Mutex::LockSlow(int)", A "absl::lts_20220623::Mutex::Lock()",
	    A "f()" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "g_mutex_lock",
	  { G "syscall", "/usr/lib/libglib-2.0.so.0|g_mutex_lock_slowpath",
	    "/usr/lib/libglib-2.0.so.0|g_mutex_lock", A "f" } },
	{ WAITER, W, LSP_SYNC_COND, "g_cond_wait",
	  { G "syscall", "/usr/lib/libglib-2.0.so.0|g_cond_wait", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "GOMP_critical_start",
	  { "/usr/lib/libgomp.so.1.0.0|libgomp.so.1.0.0+0x1d000",
	    "/usr/lib/libgomp.so.1.0.0|GOMP_critical_start", A "f" } },
	{ WAITER, W, LSP_SYNC_BARRIER, "GOMP_parallel",
	  { "/usr/lib/libgomp.so.1.0.0|libgomp.so.1.0.0+0x1d000",
	    "/usr/lib/libgomp.so.1.0.0|libgomp.so.1.0.0+0x1c000",
	    "/usr/lib/libgomp.so.1.0.0|GOMP_parallel", A "f" } },
	{ WAITER, B, LSP_SYNC_SEM, "sem_clockwait",
	  { G "libc.so.6+0x85f15", G "sem_clockwait", A "PyThread_acquire_lock_timed", A "f" } },
	{ WAITER, W, LSP_SYNC_MUTEX, "pthread_mutex_lock",
	  { G "libc.so.6+0x8612a", G "pthread_mutex_lock",
	    "/usr/lib/libjemalloc.so.2|malloc_mutex_lock_slow", "/usr/lib/libjemalloc.so.2|malloc",
	    A "f" } },
};

static void frame_make(const char *spec, struct lsp_frame *f, struct lsp_object *o,
		       struct lsp_line *lines, char *text)
{
	char *bar, *next;

	strcpy(text, spec);
	bar = strchr(text, '|');
	*bar = '\0';
	o->path = text;
	f->object = o;
	f->lines = lines;
	for (next = bar + 1; next; f->nlines++) {
		char *function = next;

		next = strchr(function, '^');
		if (next)
			*next++ = '\0';
		lines[f->nlines].function = function;
	}
}

static void made_stacks(void **state)
{
	size_t i, n, boundary, line;
	enum lsp_sync sync;

	(void)state;
	for (i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		const struct stack *s = &stacks[i];
		struct lsp_frame frames[8] = { { .pc = 0 } };
		struct lsp_object objects[8] = { { .start = 0 } };
		struct lsp_line lines[8][8] = { { { .line = 0 } } };
		char text[8][512];

		for (n = 0; n < 8 && s->frames[n]; n++)
			frame_make(s->frames[n], &frames[n], &objects[n], lines[n], text[n]);
		lsp_sync_classify(frames, n, s->side, s->op, &sync, &boundary, &line);
		assert_true(boundary < n && line < frames[boundary].nlines);
		if (sync != s->sync || strcmp(frames[boundary].lines[line].function, s->leaf))
			fail_msg("stack %zu of %s: %s %s, expected %s %s", i, s->frames[n - 1],
				 lsp_sync_name(sync), frames[boundary].lines[line].function,
				 lsp_sync_name(s->sync), s->leaf);
	}
	lsp_sync_classify(NULL, 0, WAITER, O, &sync, &boundary, &line);
	assert_int_equal(sync, LSP_SYNC_OTHER);
}

/* What a virtual key is named after, and is told from those of other places by. */
static void sites_are_the_programs(void **state)
{
	static const struct {
		const char *frames[5], *site;
	} cases[] = {
		{ { "|pthread_mutex_lock", "|work", "|main" }, "work" },
		{ { "|absl::debian7::Mutex::Lock()", "|absl::debian7::MutexLock::MutexLock(absl::debian7::Mutex*)", "|work" },
		  "work" },
		{ { "|tbb::detail::d1::mutex::lock()^tbb::detail::d1::waitable_atomic<bool>::wait(bool)^work", "|main" },
		  "work" },
		{ { "libc.so.6|sem_wait", "|PGSemaphoreLock", "|LWLockAcquire", "|XLogFlush" }, "XLogFlush" },
		{ { "|LWLockAcquire", "|LockBuffer", "|heap_update" }, "heap_update" },
		{ { "|LWLockRelease", "|UnlockReleaseBuffer", "|heap_update" }, "heap_update" },
		{ { "|pthread_cond_broadcast", "|Monitor::notify_all()", "|CompileQueue::add" }, "CompileQueue::add" },
		{ { "|pthread_mutex_unlock", "|Mutex::unlock()", "|ciEnv::register_method" }, "ciEnv::register_method" },
		{ { "|pthread_mutex_lock", "|std::mutex::lock()" }, "std::mutex::lock()" },
		/* A function that an interpreter runs, if it is known: else the interpreter's own, or an extension's. */
		{ { "libc.so.6|sem_wait", "/usr/bin/python3.13|_PyParkingLot_Park", "/usr/bin/python3.13|lock_acquire",
		    "/usr/bin/python3.13|_PyEval_EvalFrameDefault", "|py::work:/home/me/x.py" }, "py::work:/home/me/x.py" },
		{ { "libc.so.6|sem_wait", "/usr/lib/libpython3.12.so.1.0|lock_acquire",
		    "|py::Event.wait:/usr/lib/python3.12/threading.py", "/usr/lib/libpython3.12.so.1.0|_PyEval_EvalFrameDefault",
		    "|py::work:/home/me/x.py" }, "py::work:/home/me/x.py" },
		{ { "libc.so.6|sem_wait", "/usr/bin/python3.13|lock_acquire", "/usr/bin/python3.13|_PyEval_EvalFrameDefault",
		    "libc.so.6|start_thread" }, "lock_acquire" },
		{ { "libc.so.6|pthread_mutex_lock", "/home/me/fast.so|fast_sum", "/usr/bin/python3.13|_PyEval_EvalFrameDefault",
		    "|py::work:/home/me/x.py" }, "fast_sum" },
		{ { "libc.so.6|pthread_cond_timedwait", "/usr/bin/python3.13|take_gil", "/usr/bin/python3.13|PyEval_AcquireThread",
		    "|py::work:/home/me/x.py" }, "take_gil" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lsp_frame frames[8] = { { .pc = 0 } };
		struct lsp_object objects[8] = { { .start = 0 } };
		struct lsp_line lines[8][8] = { { { .line = 0 } } };
		char text[8][512];
		size_t n;

		for (n = 0; n < 5 && cases[i].frames[n]; n++)
			frame_make(cases[i].frames[n], &frames[n], &objects[n], lines[n], text[n]);
		assert_string_equal(lsp_sync_site(frames, n, 0, 0), cases[i].site);
	}
	assert_null(lsp_sync_site(NULL, 0, 0, 0));
	assert_false(lsp_sync_is_native("LWLockAcquire", "/usr/lib/postgresql/15/bin/postgres"));
	assert_false(lsp_sync_is_native("ObjectMonitor::enter(JavaThread*)", "libjvm.so"));
}

/* Each entry of the tables must be reachable: by its own name (or a name its pattern fits). */
static void names_found(void **state)
{
	static const char *const some[] = {
		"__GI___lll_lock_wait", "___pthread_mutex_lock", "__pthread_cond_timedwait64",
		"__new_sem_post", "std::sync::poison::once::Once::call_once", "GOMP_barrier",
		"folly::SharedMutexImpl<false, void>::lockExclusiveImpl<int>(int)", "QMutex::lock()",
		"parking_lot_core::parking_lot::park", "tbb::detail::r1::wait_on_address(void*)",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(some) / sizeof(*some); i++)
		if (!lsp_sync_name_find(some[i]))
			fail_msg("%s is not known", some[i]);
	assert_null(lsp_sync_name_find("main"));
	assert_null(lsp_sync_name_find("my_pthread_mutex_lock"));
	assert_null(lsp_sync_name_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names),
		cmocka_unit_test(made_stacks),
		cmocka_unit_test(sites_are_the_programs),
		cmocka_unit_test(names_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
