/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would catch: a library's function that is missing in the tables, or stands there under another name than the
 * library has for it, so that a wait has the wrong class or is said to be the library's own. The names are those
 * of the symbol tables of Debian 12's packages, demangled; those of static functions are from the sources.
 *
 * sources: user/capture/span.c user/resolve/sync.c user/resolve/sync_names.c user/report/site.c
 * sources: user/resolve/symbol/plain_name.c user/profile/ user/base/
 * libs: -lz -lprotobuf-c -ljson-c -lm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../../user/report/site.h"
#include "../../user/resolve/sync.h"
#include "../../user/resolve/sync_names.h"

#define FRAMES_MAX 12

/* A stack, leaf first, without files. @leaf: what the program called. @site: whose call that was. */
struct stack {
	enum lsp_side side;
	enum lsp_sync sync;
	const char *leaf;
	const char *site;
	const char *frames[FRAMES_MAX];
};

#define W LSP_SIDE_WAITER
#define R LSP_SIDE_RELEASER
#define PARKED "parking_lot_core::parking_lot::park"
#define STD_PARK "std::thread::park"
#define STD_WAIT "std::sync::condvar::Condvar::wait"

static const struct stack stacks[] = {
	/* libabsl-dev, and namespaces that others chose */
	{ W, LSP_SYNC_MUTEX, "absl::debian3::Mutex::Lock()", "work", { "syscall",
	  "absl::debian3::synchronization_internal::Waiter::Wait(absl::debian3::synchronization_internal::KernelTimeout)",
	  "AbslInternalPerThreadSemWait_debian3",
	  "absl::debian3::Mutex::Block(absl::debian3::base_internal::PerThreadSynch*)",
	  "absl::debian3::Mutex::LockSlow(absl::debian3::MuHowS const*, absl::debian3::Condition const*, int)",
	  "absl::debian3::Mutex::Lock()", "work" } },
	{ R, LSP_SYNC_MUTEX, "absl::head::Mutex::Unlock()", "work", { "syscall",
	  "absl::head::synchronization_internal::Waiter::Post()",
	  "absl::head::Mutex::UnlockSlow(absl::head::SynchWaitParams*)", "absl::head::Mutex::Unlock()", "work" } },
	{ W, LSP_SYNC_COND, "absl::cr0::CondVar::Wait(absl::cr0::Mutex*)", "work", { "syscall",
	  "AbslInternalPerThreadSemWait_cr0",
	  "absl::cr0::CondVar::WaitCommon(absl::cr0::Mutex*, absl::cr0::synchronization_internal::KernelTimeout)",
	  "absl::cr0::CondVar::Wait(absl::cr0::Mutex*)", "work" } },
	/* Rust's crates: parking_lot 0.12, lock_api 0.4, crossbeam, tokio 1.24 */
	{ W, LSP_SYNC_RWLOCK_WR, "lock_api::rwlock::RwLock<R,T>::upgradable_read", "work", { "syscall", PARKED,
	  "parking_lot::raw_rwlock::RawRwLock::lock_upgradable_slow",
	  "lock_api::rwlock::RwLock<R,T>::upgradable_read", "work" } },
	{ W, LSP_SYNC_RWLOCK_RD, "lock_api::rwlock::RwLock<R,T>::read_recursive", "work", { "syscall", PARKED,
	  "parking_lot::raw_rwlock::RawRwLock::lock_shared_slow", "lock_api::rwlock::RwLock<R,T>::read_recursive",
	  "work" } },
	{ W, LSP_SYNC_MUTEX, "lock_api::mutex::Mutex<R,T>::try_lock_for", "work", { "syscall", PARKED,
	  "parking_lot::raw_mutex::RawMutex::lock_slow", "lock_api::mutex::Mutex<R,T>::try_lock_for", "work" } },
	{ R, LSP_SYNC_MUTEX, "lock_api::mutex::MutexGuard<R,T>::unlock_fair", "work", { "syscall",
	  "parking_lot::raw_mutex::RawMutex::unlock_slow", "lock_api::mutex::MutexGuard<R,T>::unlock_fair", "work" } },
	{ W, LSP_SYNC_RUNTIME, "crossbeam_utils::sync::parker::Parker::park", "work", { "syscall", STD_WAIT,
	  "crossbeam_utils::sync::parker::Inner::park", "crossbeam_utils::sync::parker::Parker::park", "work" } },
	{ W, LSP_SYNC_BARRIER, "crossbeam_utils::sync::wait_group::WaitGroup::wait", "work", { "syscall", STD_WAIT,
	  "crossbeam_utils::sync::wait_group::WaitGroup::wait", "work" } },
	{ W, LSP_SYNC_RUNTIME, "crossbeam_channel::channel::Receiver<T>::recv", "work", { "syscall", STD_PARK,
	  "crossbeam_channel::context::Context::wait_until", "crossbeam_channel::flavors::list::Channel<T>::recv",
	  "crossbeam_channel::channel::Receiver<T>::recv", "work" } },
	/* the mutex inside is still one */
	{ W, LSP_SYNC_MUTEX, "crossbeam_channel::channel::Sender<T>::send", "work", { "syscall",
	  "std::sys::sync::mutex::futex::Mutex::lock_contended", "std::sync::mutex::Mutex<T>::lock",
	  "crossbeam_channel::waker::SyncWaker::notify", "crossbeam_channel::channel::Sender<T>::send", "work" } },
	{ W, LSP_SYNC_RUNTIME, "tokio::runtime::scheduler::multi_thread::park::Parker::park",
	  "tokio::runtime::scheduler::multi_thread::worker::Context::park", { "syscall", STD_WAIT,
	  "tokio::loom::std::parking_lot::Condvar::wait",
	  "tokio::runtime::scheduler::multi_thread::park::Inner::park_condvar",
	  "tokio::runtime::scheduler::multi_thread::park::Parker::park",
	  "tokio::runtime::scheduler::multi_thread::worker::Context::park" } },
	/* OpenMP: libgomp and libomp */
	{ W, LSP_SYNC_MUTEX, "GOMP_task", "work", { "syscall", "gomp_mutex_lock_slow", "GOMP_task", "work" } },
	{ W, LSP_SYNC_MUTEX, "__kmpc_critical_with_hint", "work", { "syscall", "__kmp_acquire_futex_lock",
	  "__kmpc_critical_with_hint", "work" } },
	{ R, LSP_SYNC_MUTEX, "GOMP_critical_end", "work", { "syscall", "__kmp_release_futex_lock",
	  "__kmpc_end_critical", "GOMP_critical_end", "work" } },
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "work", { "pthread_cond_wait", "__kmp_suspend_64",
	  "libomp.so.5+0x8f2a1", "__kmpc_barrier", "work" } },
	/* libtbb12, libqt6core6, libglib2.0-0 */
	{ R, LSP_SYNC_RUNTIME, "tbb::detail::r1::notify_waiters(unsigned long)", "work", { "syscall",
	  "libtbb.so.12.8+0x1234", "tbb::detail::r1::notify_waiters(unsigned long)", "work" } },
	{ W, LSP_SYNC_MUTEX, "QBasicMutex::lockInternal()", "work", { "syscall", "QBasicMutex::lockInternal()", "work" } },
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "work", { "pthread_cond_wait", "libQt6Core.so.6.4.2+0x2001",
	  "QWaitCondition::wait(QMutex*, QDeadlineTimer)", "QThread::wait(QDeadlineTimer)", "work" } },
	{ W, LSP_SYNC_COND, "g_cond_wait_until", "work", { "syscall", "g_cond_wait_until", "g_async_queue_timeout_pop", "work" } },
	/* mariadb-server-core */
	{ W, LSP_SYNC_MUTEX, "srw_mutex_impl<true>::wait_and_lock()", "trx_commit", { "syscall",
	  "srw_mutex_impl<true>::wait_and_lock()", "trx_commit" } },
	{ W, LSP_SYNC_RWLOCK_WR, "ssux_lock::psi_wr_lock(char const*, unsigned int)", "row_search", { "syscall",
	  "srw_mutex_impl<false>::wait_and_lock()", "ssux_lock::psi_wr_lock(char const*, unsigned int)", "row_search" } },
	{ W, LSP_SYNC_RWLOCK_RD, "ssux_lock_impl<true>::rd_wait()", "buf_page_get_gen", { "syscall",
	  "srw_mutex_impl<true>::wait_and_lock()", "ssux_lock_impl<true>::rd_wait()", "buf_page_get_gen" } },
	{ W, LSP_SYNC_RWLOCK_WR, "sux_lock<ssux_lock_impl<true> >::x_lock(bool)", "buf_page_get_gen", { "syscall",
	  "ssux_lock_impl<true>::wr_wait(unsigned int)", "sux_lock<ssux_lock_impl<true> >::x_lock(bool)",
	  "buf_page_get_gen" } },
	{ W, LSP_SYNC_MUTEX, "pthread_mutex_lock", "THD::enter", { "pthread_mutex_lock", "psi_mutex_lock", "THD::enter" } },
	/* erlang-base: by what happens on the event it is told what an event is for */
	{ W, LSP_SYNC_OTHER, "ethr_mutex_lock", "work", { "syscall", "ethr_event_swait", "ethr_mutex_lock_wait__",
	  "ethr_mutex_lock", "enif_mutex_lock", "work" } },
	{ W, LSP_SYNC_COND, "ethr_cond_wait", "work", { "syscall", "ethr_event_wait", "ethr_cond_wait",
	  "erl_drv_cond_wait", "work" } },
	/* postgresql-15 */
	{ W, LSP_SYNC_RWLOCK_WR, "LWLockAcquire", "ProcArrayEndTransaction", { "sem_wait", "PGSemaphoreLock", "LWLockAcquire",
	  "ProcArrayEndTransaction" } },
	{ R, LSP_SYNC_RWLOCK_WR, "LWLockRelease", "LockReleaseAll", { "sem_post", "PGSemaphoreUnlock", "LWLockRelease",
	  "LockReleaseAll" } },
	/* CPython 3.11 to 3.13, whose own lock is named by its function */
	{ W, LSP_SYNC_SEM, "sem_clockwait", "lock_PyThread_acquire_lock", { "sem_clockwait",
	  "PyThread_acquire_lock_timed", "acquire_timed", "lock_PyThread_acquire_lock" } },
	{ W, LSP_SYNC_SEM, "sem_wait", "set_add", { "sem_wait", "_PySemaphore_Wait", "_PyParkingLot_Park",
	  "_PyMutex_LockTimed", "PyMutex_Lock", "set_add" } },
	{ R, LSP_SYNC_SEM, "sem_post", "set_add", { "sem_post", "_PySemaphore_Wakeup", "mutex_unpark",
	  "_PyParkingLot_Unpark", "_PyMutex_TryUnlock", "PyMutex_Unlock", "set_add" } },
	{ W, LSP_SYNC_COND, "pthread_cond_timedwait", "take_gil", { "pthread_cond_timedwait", "take_gil",
	  "PyEval_RestoreThread" } },
	/* openjdk-17-jre-headless */
	{ W, LSP_SYNC_MUTEX, "ObjectMonitor::enter(JavaThread*)", "SharedRuntime::monitor_enter_helper(oopDesc*, BasicLock*, JavaThread*)",
	  { "pthread_cond_wait", "os::PlatformEvent::park()", "ObjectMonitor::EnterI(JavaThread*)",
	    "ObjectMonitor::enter(JavaThread*)", "ObjectSynchronizer::enter(Handle, BasicLock*, JavaThread*)",
	    "SharedRuntime::monitor_enter_helper(oopDesc*, BasicLock*, JavaThread*)" } },
	{ R, LSP_SYNC_COND, "pthread_cond_signal", "java", { "pthread_cond_signal", "Parker::unpark()", "Unsafe_Unpark",
	  "java" } },
	/* .NET, Mono, V8 */
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "JIT_MonEnter_Helper(Object*, unsigned char*, void*)",
	  { "pthread_cond_wait", "CorUnix::CPalSynchronizationManager::ThreadNativeWait(CorUnix::_ThreadNativeWaitData*, "
	    "unsigned int, CorUnix::ThreadWakeupReason*, unsigned int*)",
	    "CLREventBase::WaitEx(unsigned int, WaitMode, PendingSync*)", "AwareLock::EnterEpilogHelper(Thread*, int)",
	    "AwareLock::Enter()", "JIT_MonEnter_Helper(Object*, unsigned char*, void*)" } },
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "work", { "pthread_cond_wait", "mono_monitor_try_enter_inflated",
	  "mono_monitor_enter_v4", "work" } },
	{ W, LSP_SYNC_MUTEX, "pthread_mutex_lock", "v8::internal::Heap::collect", { "pthread_mutex_lock",
	  "v8::base::Mutex::Lock()", "v8::internal::Heap::collect" } },
	/* libHSrts, OCaml 4 and 5, libgnarl-12, druntime */
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "schedule", { "pthread_cond_wait", "waitCondition", "waitForCapability",
	  "schedule" } },
	{ W, LSP_SYNC_MUTEX, "pthread_mutex_lock", "camlMain__work", { "pthread_mutex_lock", "caml_mutex_lock", "camlMain__work" } },
	{ W, LSP_SYNC_MUTEX, "pthread_mutex_lock", "caml_domain_spawn", { "pthread_mutex_lock",
	  "caml_plat_lock_non_blocking_actual", "caml_domain_spawn" } },
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "stock__take", { "pthread_cond_wait",
	  "system__task_primitives__operations__sleep", "system__tasking__entry_calls__wait_for_completion",
	  "system__tasking__protected_objects__operations__protected_entry_call", "stock__take" } },
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "app.work(int)", { "pthread_cond_wait",
	  "core.sync.condition.Condition.wait()", "core.sync.barrier.Barrier.wait()", "app.work(int)" } },
	/* librocksdb7.8, libapr1, libnspr4, libuv1 */
	{ W, LSP_SYNC_MUTEX, "pthread_mutex_lock", "rocksdb::DBImpl::Write()", { "pthread_mutex_lock",
	  "rocksdb::port::Mutex::Lock()", "rocksdb::InstrumentedMutex::Lock()", "rocksdb::DBImpl::Write()" } },
	{ W, LSP_SYNC_COND, "pthread_cond_wait", "ap_queue_pop", { "pthread_cond_wait", "apr_thread_cond_wait", "ap_queue_pop" } },
	{ W, LSP_SYNC_MUTEX, "pthread_mutex_lock", "PK11_Sign", { "pthread_mutex_lock", "PR_Lock", "PK11_Sign" } },
	{ W, LSP_SYNC_BARRIER, "pthread_barrier_wait", "work", { "pthread_barrier_wait", "uv_barrier_wait", "work" } },
	/* C11 and once */
	{ W, LSP_SYNC_JOIN, "thrd_join", "work", { "thrd_join", "work" } },
	{ W, LSP_SYNC_ONCE, "call_once", "work", { "futex_wait", "__pthread_once_slow", "call_once", "work" } },
};

static size_t frames_make(const struct stack *s, struct lsp_frame *frames, struct lsp_line *lines,
			  struct lsp_object *objects, char (*paths)[64])
{
	size_t n;

	for (n = 0; n < FRAMES_MAX && s->frames[n]; n++) {
		const char *plus = strstr(s->frames[n], "+0x");

		/* A frame without a name has its file's. */
		snprintf(paths[n], sizeof(paths[n]), "/usr/lib/%.*s", plus ? (int)(plus - s->frames[n]) : 7,
			 plus ? s->frames[n] : "program");
		objects[n].path = paths[n];
		lines[n] = (struct lsp_line){ .function = s->frames[n], .file = "" };
		frames[n] = (struct lsp_frame){ .object = &objects[n], .lines = &lines[n], .nlines = 1 };
	}
	return n;
}

/* The site of a trace that is cut at @boundary. */
static const char *site_of(const struct stack *s, size_t boundary, struct json_object **names)
{
	*names = json_object_new_array();
	for (size_t i = boundary; i < FRAMES_MAX && s->frames[i]; i++)
		json_object_array_add(*names, json_object_new_string(s->frames[i]));
	return lsp_site_of_names(*names);
}

static void libraries(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stacks) / sizeof(*stacks); i++) {
		const struct stack *s = &stacks[i];
		struct lsp_frame frames[FRAMES_MAX];
		struct lsp_line lines[FRAMES_MAX];
		struct lsp_object objects[FRAMES_MAX] = { { .start = 0 } };
		char paths[FRAMES_MAX][64];
		size_t n = frames_make(s, frames, lines, objects, paths), boundary, line;
		struct json_object *names;
		enum lsp_sync sync;

		lsp_sync_classify(frames, n, s->side, LOCKSPAN_OP_WAIT, &sync, &boundary, &line);
		if (sync != s->sync || strcmp(s->frames[boundary], s->leaf))
			fail_msg("stack %zu: %s %s, not %s %s", i, lsp_sync_name(sync), s->frames[boundary],
				 lsp_sync_name(s->sync), s->leaf);
		if (strcmp(site_of(s, boundary, &names), s->site))
			fail_msg("stack %zu: the site is %s, not %s", i, lsp_site_of_names(names), s->site);
		json_object_put(names);
	}
}

/* A program's own, which begin as a library's do. */
static void not_libraries(void **state)
{
	static const char *const own[] = {
		"futex_lock", "do_wait", "s_lock_my", "LockAcquire", "take_gil", "PyList_Append", "ethrottle",
		"tokio::runtime::blocking::pool::Inner::run", "wait_for_capability", "main", "absl_lock",
		"program+0x1234", "monitor_enter", "apr_pool_create", "QString::append", "__kmp_launch_worker",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (lsp_sync_is_wrapper(own[i], ""))
			fail_msg("%s passes for a wrapper", own[i]);
}

/* Comes last: it holds for the rest of the process. */
static void skipped(void **state)
{
	static const char *const names[] = {
		"pthread_mutex_lock", "game::Lock<std::mutex>::take(int)", "game::World::locked", "game::World::step()",
	};
	struct json_object *list = json_object_new_array();
	char why[64] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		json_object_array_add(list, json_object_new_string(names[i]));
	assert_string_equal(lsp_site_of_names(list), names[1]);
	/* Of names without arguments, whose angle brackets are none of the name. */
	assert_int_equal(lsp_site_skip("^game::Lock::take$", why, sizeof(why)), 0);
	assert_string_equal(lsp_site_of_names(list), names[2]);
	assert_int_equal(lsp_site_skip("locked", why, sizeof(why)), 0);
	assert_string_equal(lsp_site_of_names(list), names[3]);
	assert_int_equal(lsp_site_skip("(", why, sizeof(why)), -EINVAL);
	assert_true(*why);
	json_object_put(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries), cmocka_unit_test(not_libraries), cmocka_unit_test(skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
