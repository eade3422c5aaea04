/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tables. Names are bare (symbol/plain_name.h). Glibc names what is behind a public function with leading
 * underscores, with "GI_", "new_" or "old_" after them, or with a "64" at the end. A C name also matches without
 * these.
 */
#include "sync_names.h"

#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "symbol/plain_name.h"

#define I(name, sync)  { name, LSP_SYNC_##sync, LSP_SYNC_INTERNAL, FAMILY, false }
#define P(name, sync)  { name, LSP_SYNC_##sync, LSP_SYNC_PUBLIC, FAMILY, false }
#define PX(name, sync) { name, LSP_SYNC_##sync, LSP_SYNC_PUBLIC, FAMILY, true }
#define PW(name)       PX(name, COND)
#define R(name)        { name, LSP_SYNC_JOIN, LSP_SYNC_ROOT, FAMILY, false }

static const struct lsp_sync_name names[] = {
#define FAMILY LSP_FAMILY_C
	I("syscall", OTHER), I("syscall_cp", OTHER), I("syscall_cp_asm", OTHER),
	I("syscall_cp_c", OTHER), I("cp_end", OTHER), I("cp_begin", OTHER),
	I("lll_lock_wait", MUTEX), I("lll_lock_wait_private", MUTEX),
	I("lll_lock_wake", MUTEX), I("lll_lock_wake_private", MUTEX),
	I("lll_timedlock_wait", MUTEX), I("lll_clocklock_wait", MUTEX),
	I("lll_mutex_lock_optimized", MUTEX), I("lll_wait_tid", JOIN),
	I("lll_timedwait_tid", JOIN), I("futex_*", OTHER), I("internal_syscall_cancel", OTHER),
	I("pthread_mutex_lock_full", MUTEX), I("pthread_mutex_cond_lock", MUTEX),
	I("pthread_mutex_cond_lock_full", MUTEX), I("pthread_mutex_lock_slow", MUTEX),
	I("pthread_mutex_unlock_usercnt", MUTEX), I("pthread_mutex_unlock_full", MUTEX),
	I("pthread_mutex_clocklock_common", MUTEX), I("pthread_mutex_cond_lock_adjust", MUTEX),
	I("pthread_cond_wait_common", OTHER), I("condvar_*", OTHER),
	I("pthread_rwlock_rdlock_full", RWLOCK_RD), I("pthread_rwlock_wrlock_full", RWLOCK_WR),
	I("pthread_rwlock_rdunlock", RWLOCK_RD), I("pthread_rwlock_wrunlock", RWLOCK_WR),
	I("sem_wait_slow", SEM), I("sem_wait_common", SEM), I("do_futex_wait", SEM),
	I("pthread_clockjoin_ex", JOIN), I("timedjoin_common", JOIN),
	I("pthread_once_slow", ONCE), I("pthread_once_full", ONCE), I("atomic_*", OTHER),
	I("clear_once_control", ONCE), I("pthread_exit_process", OTHER),
	/* musl */
	I("__wait", OTHER), I("__wake", OTHER), I("__futexwait", OTHER), I("futexwait", OTHER), I("sccp", OTHER),
	I("__timedwait", OTHER), I("__timedwait_cp", OTHER), I("__futex4_cp", OTHER),
	I("__lock", MUTEX), I("__unlock", MUTEX), I("__lockfile", MUTEX), I("__unlockfile", MUTEX),
	I("unlock_requeue", MUTEX), I("__private_cond_signal", COND), I("pthread_timedjoin_np", JOIN),
	I("__tl_lock", MUTEX), I("__tl_unlock", MUTEX), I("__acquire_ptc", MUTEX),
	I("__wrlock", MUTEX), I("__release_ptc", MUTEX), I("__tl_sync", MUTEX),
	I("locking_putc", MUTEX), I("locking_getc", MUTEX),

	P("pthread_mutex_lock", MUTEX), P("pthread_mutex_trylock", MUTEX),
	P("pthread_mutex_timedlock", MUTEX), P("pthread_mutex_clocklock", MUTEX),
	P("pthread_mutex_unlock", MUTEX), P("pthread_mutex_destroy", MUTEX),
	P("pthread_rwlock_rdlock", RWLOCK_RD), P("pthread_rwlock_tryrdlock", RWLOCK_RD),
	P("pthread_rwlock_timedrdlock", RWLOCK_RD), P("pthread_rwlock_clockrdlock", RWLOCK_RD),
	P("pthread_rwlock_wrlock", RWLOCK_WR), P("pthread_rwlock_trywrlock", RWLOCK_WR),
	P("pthread_rwlock_timedwrlock", RWLOCK_WR), P("pthread_rwlock_clockwrlock", RWLOCK_WR),
	P("pthread_rwlock_unlock", RWLOCK_WR),
	PW("pthread_cond_wait"), PW("pthread_cond_timedwait"), PW("pthread_cond_clockwait"),
	PW("pthread_cond_wait_2_0"), PW("pthread_cond_timedwait_2_0"),
	P("pthread_cond_signal", COND), P("pthread_cond_broadcast", COND),
	P("pthread_cond_signal_2_0", COND), P("pthread_cond_broadcast_2_0", COND),
	P("pthread_cond_destroy", COND),
	P("sem_wait", SEM), P("sem_trywait", SEM), P("sem_timedwait", SEM),
	P("sem_clockwait", SEM), P("sem_post", SEM),
	P("pthread_barrier_wait", BARRIER), P("pthread_barrier_destroy", BARRIER),
	P("pthread_join", JOIN), P("pthread_timedjoin_np", JOIN),
	P("pthread_clockjoin_np", JOIN), P("thrd_join", JOIN),
	P("pthread_once", ONCE), P("call_once", ONCE),
	P("mtx_lock", MUTEX), P("mtx_timedlock", MUTEX), P("mtx_trylock", MUTEX),
	P("mtx_unlock", MUTEX), P("pthread_create", MUTEX), P("pthread_exit", OTHER),
	PW("cnd_wait"), PW("cnd_timedwait"), P("cnd_signal", COND), P("cnd_broadcast", COND),
	P("pthread_spin_lock", MUTEX), P("pthread_cancel", MUTEX),

	R("start_thread"), R("clone"), R("clone3"), R("__clone"), R("libc_start_main"),
	R("libc_start_main_impl"), R("libc_start_call_main"), R("_start"), R("start"),
	R("libc_start_main_stage2"), R("_start_c"), R("thread_start"), R("start_c11"),
#undef FAMILY
#define FAMILY LSP_FAMILY_MALLOC
	I("int_malloc", MUTEX), I("int_free", MUTEX), I("int_realloc", MUTEX),
	I("int_memalign", MUTEX), I("int_free_merge_chunk", MUTEX), I("arena_get*", MUTEX),
	I("reused_arena", MUTEX), I("tcache_init*", MUTEX), I("malloc_consolidate", MUTEX),
	I("arena_thread_freeres", MUTEX), I("malloc_arena_thread_freeres", MUTEX),
	I("mid_memalign", MUTEX), I("sysmalloc", MUTEX), I("malloc_hook_ini", MUTEX),
	P("malloc", MUTEX), P("calloc", MUTEX), P("realloc", MUTEX), P("free", MUTEX),
	P("cfree", MUTEX), P("memalign", MUTEX), P("aligned_alloc", MUTEX),
	P("posix_memalign", MUTEX), P("valloc", MUTEX), P("pvalloc", MUTEX),
	P("reallocarray", MUTEX), P("malloc_trim", MUTEX), P("mallinfo*", MUTEX),
	P("libc_malloc", MUTEX), P("libc_calloc", MUTEX), P("libc_realloc", MUTEX),
	P("libc_free", MUTEX), P("libc_memalign", MUTEX),
#undef FAMILY
#define FAMILY LSP_FAMILY_STDIO
	I("_IO_*", MUTEX), I("IO_*", MUTEX), I("vfprintf_internal", MUTEX),
	I("vfwprintf_internal", MUTEX), I("vfscanf_internal", MUTEX), I("overflow", OTHER),
	I("fflush_unlocked", MUTEX), I("fopen_internal", MUTEX), I("run_exit_handlers", MUTEX),
	P("flockfile", MUTEX), P("funlockfile", MUTEX), P("ftrylockfile", MUTEX),
	P("printf", MUTEX), P("fprintf", MUTEX), P("vprintf", MUTEX), P("vfprintf", MUTEX),
	P("printf_chk", MUTEX), P("fprintf_chk", MUTEX), P("vfprintf_chk", MUTEX),
	P("puts", MUTEX), P("fputs", MUTEX), P("putc", MUTEX), P("fputc", MUTEX),
	P("putchar", MUTEX), P("fwrite", MUTEX), P("fread", MUTEX), P("fgets", MUTEX),
	P("getc", MUTEX), P("fgetc", MUTEX), P("getchar", MUTEX), P("ungetc", MUTEX),
	P("fflush", MUTEX), P("fclose", MUTEX), P("fopen", MUTEX), P("fseek", MUTEX),
	P("ftell", MUTEX), P("setvbuf", MUTEX), P("getline", MUTEX), P("getdelim", MUTEX),
	P("perror", MUTEX), P("fscanf", MUTEX), P("scanf", MUTEX), P("exit", MUTEX),
#undef FAMILY
#define FAMILY LSP_FAMILY_CXX
	I("std::__detail::*", OTHER), I("std::__atomic_wait_*", OTHER),
	I("std::__atomic_notify_*", OTHER), I("std::__wait_*", OTHER), I("std::__notify_*", OTHER),
	P("std::__atomic_base::wait", OTHER), P("std::__atomic_base::notify_*", OTHER),
	I("std::__atomic_ref::*", OTHER),
	I("std::__atomic_impl::*", OTHER), I("std::__platform_*", OTHER),
	I("std::__atomic_spin", OTHER), I("std::__libcpp_*", OTHER), I("std::__cxx_atomic_*", OTHER),
	I("std::__atomic_semaphore::_M_acquire*", SEM), I("std::__atomic_semaphore::_M_release", SEM),
	I("std::__atomic_semaphore_base::*", SEM), I("std::__atomic_futex_unsigned*", COND),
	I("std::__tree_barrier*", BARRIER), I("std::__futex_wait_flags", OTHER),
	I("__cxxabiv1::__guard::*", ONCE),
	P("std::counting_semaphore::*", SEM), P("std::atomic::wait", OTHER),
	P("std::atomic::notify_*", OTHER), P("std::atomic_flag::wait", OTHER),
	P("std::atomic_flag::notify_*", OTHER), P("std::atomic_wait*", OTHER),
	P("std::atomic_notify_*", OTHER), P("std::latch::*", BARRIER), P("std::barrier::*", BARRIER),
	P("std::__future_base::*::wait", COND), P("std::__future_base::_State_baseV2::*", COND),
	P("std::future::get", COND), P("std::future::wait*", COND), P("std::shared_future::get", COND),
	P("std::__basic_future::*", COND), P("std::promise::set_*", COND),
	P("__cxa_guard_acquire", ONCE), P("__cxa_guard_release", ONCE), P("__cxa_guard_abort", ONCE),
#undef FAMILY
#define FAMILY LSP_FAMILY_RUST
	I("std::sys::*futex_wait", OTHER), I("std::sys::*futex_wake*", OTHER),
	I("std::sys::*Mutex::*", MUTEX), I("std::sys::*RwLock::read*", RWLOCK_RD),
	I("std::sys::*RwLock::write*", RWLOCK_WR), I("std::sys::*RwLock::wake_writer*", RWLOCK_WR),
	I("std::sys::*RwLock::downgrade*", RWLOCK_WR), I("std::sys::*RwLock::*", OTHER),
	I("std::sys::*Condvar::notify*", COND), I("std::sys::*Condvar::*", COND),
	I("std::sys::*Once::*", ONCE), I("std::sys::*Parker::*", RUNTIME),
	/* Up to Rust 1.66 these functions are between std::sync and std::sys. */
	I("std::sys_common::*Mutex::*", MUTEX), I("std::sys_common::*RwLock::read*", RWLOCK_RD),
	I("std::sys_common::*RwLock::write*", RWLOCK_WR), I("std::sys_common::*RwLock::*", OTHER),
	I("std::sys_common::*Condvar::*", COND), I("std::sys_common::*Parker::*", RUNTIME),
	I("std::sys::*unlock_queue*", RWLOCK_WR), I("std::sys::*CompletionGuard::drop", ONCE),
	I("std::sync::mpmc::*", RUNTIME), I("std::sync::reentrant_lock::*", MUTEX),
	I("parking_lot_core::*", OTHER), I("std::thread::park_inner", RUNTIME),
	P("std::sync::*Mutex::lock", MUTEX), P("std::sync::*Mutex::try_lock", MUTEX),
	P("std::sync::*MutexGuard::drop", MUTEX), P("std::sync::*RwLock::read", RWLOCK_RD),
	P("std::sync::*RwLock::write", RWLOCK_WR), P("std::sync::*RwLockReadGuard::drop", RWLOCK_RD),
	P("std::sync::*RwLockWriteGuard::drop", RWLOCK_WR),
	PW("std::sync::*Condvar::wait*"), P("std::sync::*Condvar::notify*", COND),
	P("std::sync::*Barrier::wait", BARRIER), P("std::sync::*Once::*", ONCE),
	P("std::sync::once::wait", ONCE), /* in versions that parked threads */
	P("std::sync::*OnceLock::*", ONCE), P("std::sync::*LazyLock::*", ONCE),
	P("std::sync::*ReentrantLock::lock", MUTEX), P("std::sync::*ReentrantLockGuard::drop", MUTEX),
	P("std::sync::mpsc::*", RUNTIME), P("std::thread::park*", RUNTIME),
	P("std::thread::*Thread::unpark", RUNTIME), P("std::thread::scoped::scope", JOIN),
	P("lock_api::mutex::Mutex::*lock*", MUTEX), P("lock_api::mutex::*MutexGuard::*", MUTEX),
	P("lock_api::rwlock::RwLock::*upgradable*", RWLOCK_WR), P("lock_api::rwlock::RwLock::*read*", RWLOCK_RD),
	P("lock_api::rwlock::RwLock::*write*", RWLOCK_WR), P("lock_api::rwlock::*ReadGuard::*", RWLOCK_RD),
	P("lock_api::rwlock::*Guard::*", RWLOCK_WR), P("lock_api::remutex::*", MUTEX),
	I("parking_lot::raw_mutex::RawMutex::*", MUTEX), I("parking_lot::raw_fair_mutex::*", MUTEX),
	I("parking_lot::raw_rwlock::RawRwLock::*shared*", RWLOCK_RD),
	I("parking_lot::raw_rwlock::RawRwLock::*", RWLOCK_WR),
	PW("parking_lot::condvar::Condvar::wait*"), P("parking_lot::condvar::Condvar::notify*", COND),
	P("parking_lot::once::Once::*", ONCE),
	/* What follows waits by the locks above; a lock inside is still a lock. */
	PX("crossbeam_utils::sync::parker::*", RUNTIME), PX("crossbeam_channel::*", RUNTIME),
	PX("crossbeam_utils::sync::wait_group::*", BARRIER),
	P("crossbeam_utils::sync::sharded_lock::ShardedLock::*read*", RWLOCK_RD),
	P("crossbeam_utils::sync::sharded_lock::ShardedLock::*write*", RWLOCK_WR),
	P("crossbeam_utils::sync::sharded_lock::ShardedLockReadGuard::*", RWLOCK_RD),
	P("crossbeam_utils::sync::sharded_lock::ShardedLockWriteGuard::*", RWLOCK_WR),
	PX("tokio::runtime::park::*", RUNTIME), PX("tokio::park::thread::*", RUNTIME), PX("tokio::loom::*", OTHER),
	PX("tokio::runtime::scheduler::multi_thread::park::*", RUNTIME),
#undef FAMILY
#define FAMILY LSP_FAMILY_GO
	I("runtime.futex*", RUNTIME), I("runtime.futex.abi0", RUNTIME),
	P("runtime.note*", RUNTIME), P("runtime.sema*", RUNTIME), P("runtime.lock*", RUNTIME),
	P("runtime.unlock*", RUNTIME), P("runtime.mutexSleep*", RUNTIME),
#undef FAMILY
#define FAMILY LSP_FAMILY_ABSL
	I("AbslInternal*", OTHER), I("absl::synchronization_internal::*", OTHER),
	I("absl::base_internal::SpinLock*", MUTEX), I("absl::base_internal::*", OTHER),
	I("absl::Mutex::Block", MUTEX), I("absl::Mutex::*Slow*", MUTEX), I("absl::Mutex::Trans", MUTEX),
	I("absl::Mutex::IncrementSynchSem", OTHER), I("absl::Mutex::DecrementSynchSem", OTHER),
	I("absl::Mutex::Wakeup", MUTEX), I("absl::Mutex::*Common", MUTEX), I("absl::Mutex::Fer", MUTEX),
	P("absl::Mutex::Lock", MUTEX), P("absl::Mutex::lock", MUTEX), P("absl::Mutex::WriterLock", MUTEX),
	P("absl::Mutex::Unlock", MUTEX), P("absl::Mutex::unlock", MUTEX),
	P("absl::Mutex::WriterUnlock", MUTEX), P("absl::Mutex::ReaderLock", RWLOCK_RD),
	P("absl::Mutex::lock_shared", RWLOCK_RD), P("absl::Mutex::ReaderUnlock", RWLOCK_RD),
	P("absl::Mutex::unlock_shared", RWLOCK_RD), P("absl::Mutex::Await*", COND),
	P("absl::Mutex::*LockWhen*", COND), I("absl::CondVar::*Common", COND),
	I("absl::CondVar::Wakeup", COND), PW("absl::CondVar::Wait*"), P("absl::CondVar::Signal*", COND),
	P("absl::Notification::*", COND), P("absl::BlockingCounter::*", COND),
	P("absl::Barrier::Block", BARRIER), P("absl::call_once", ONCE),
#undef FAMILY
#define FAMILY LSP_FAMILY_FOLLY
	I("folly::detail::*utex*", OTHER), I("folly::futexW*", OTHER), I("folly::parking_lot_detail::*", OTHER),
	I("folly::ParkingLot::*", OTHER), I("folly::MicroLock*::*low*", MUTEX),
	I("folly::SharedMutexImpl::*Shared*", RWLOCK_RD), I("folly::SharedMutexImpl::*Impl", RWLOCK_WR),
	I("folly::SharedMutexImpl::wake*", RWLOCK_WR), I("folly::SharedMutexImpl::futexWait*", OTHER),
	I("folly::detail::distributed_mutex::*", MUTEX),
	P("folly::MicroLock*::lock*", MUTEX), P("folly::MicroLock*::unlock*", MUTEX),
	P("folly::SharedMutexImpl::lock_shared", RWLOCK_RD),
	P("folly::SharedMutexImpl::unlock_shared*", RWLOCK_RD),
	P("folly::SharedMutexImpl::lock*", RWLOCK_WR), P("folly::SharedMutexImpl::unlock*", RWLOCK_WR),
	P("folly::Baton::*", COND), P("folly::SaturatingSemaphore::*", SEM),
	P("folly::LifoSemImpl::*", SEM), P("folly::LifoSemBase::*", SEM),
#undef FAMILY
#define FAMILY LSP_FAMILY_GLIB
	I("g_futex_*", OTHER), I("g_mutex_lock_slowpath", MUTEX), I("g_mutex_unlock_slowpath", MUTEX),
	P("g_mutex_lock", MUTEX), P("g_mutex_unlock", MUTEX), P("g_mutex_lock_impl", MUTEX),
	P("g_mutex_unlock_impl", MUTEX), PW("g_cond_wait"), PW("g_cond_wait_until"),
	PW("g_cond_wait_impl"), PW("g_cond_wait_until_impl"), PW("g_cond_timed_wait"), P("g_cond_signal", COND),
	P("g_cond_broadcast", COND), P("g_bit_lock", MUTEX), P("g_bit_unlock", MUTEX),
	P("g_pointer_bit_lock*", MUTEX), P("g_pointer_bit_unlock*", MUTEX),
	P("g_once_init_enter*", ONCE), P("g_once_init_leave*", ONCE), P("g_once_impl", ONCE),
#undef FAMILY
#define FAMILY LSP_FAMILY_GOMP
	I("gomp_mutex_*", MUTEX), I("gomp_*barrier*", BARRIER), I("gomp_sem_*", SEM),
	I("gomp_ptrlock*", ONCE), I("gomp_team_end", BARRIER), I("gomp_thread_start", BARRIER),
	I("gomp_team_start", BARRIER), I("gomp_*", OTHER), I("do_wait", OTHER),
	P("GOMP_critical_*", MUTEX), P("GOMP_atomic_*", MUTEX), P("omp_set_*lock*", MUTEX),
	P("omp_unset_*lock*", MUTEX), P("GOMP_ordered_*", MUTEX), P("GOMP_barrier*", BARRIER),
	P("GOMP_parallel*", BARRIER), P("GOMP_loop_end*", BARRIER), P("GOMP_sections_end*", BARRIER),
	P("GOMP_taskwait*", BARRIER), P("GOMP_taskgroup_end", BARRIER), P("GOMP_single_*", BARRIER),
	P("GOMP_teams*", BARRIER), P("GOMP_*", OTHER), P("GOACC_*", OTHER),
	/* LLVM's libomp, which has the functions above, too. Without a name its inside is found by the library. */
	I("__kmp_*futex_lock*", MUTEX), R("__kmp_launch_*"), I("__kmp_*", OTHER),
	P("__kmpc_*critical*", MUTEX), P("__kmpc_*ordered", MUTEX), P("__kmpc_set_*lock*", MUTEX),
	P("__kmpc_unset_*lock*", MUTEX), P("__kmpc_*barrier*", BARRIER), P("__kmpc_fork_*", BARRIER),
	P("__kmpc_*reduce*", BARRIER), P("__kmpc_omp_task*", BARRIER), P("__kmpc_end_taskgroup", BARRIER),
	P("__kmpc_*", OTHER),
#undef FAMILY
#define FAMILY LSP_FAMILY_QT
	I("QtFutex::*", OTHER), I("QtLinuxFutex::*", OTHER), I("QBasicMutex::lockInternal", MUTEX),
	I("QBasicMutex::unlockInternal*", MUTEX), I("QReadWriteLockPrivate::*Read", RWLOCK_RD),
	I("QReadWriteLockPrivate::*Write", RWLOCK_WR), I("QReadWriteLockPrivate::*", RWLOCK_WR),
	P("QMutex::lock", MUTEX), P("QMutex::unlock", MUTEX), P("QBasicMutex::lock", MUTEX),
	P("QBasicMutex::unlock", MUTEX), P("QMutex::try*", MUTEX), P("QRecursiveMutex::*", MUTEX),
	P("QReadWriteLock::*ForRead", RWLOCK_RD), P("QReadWriteLock::*ForWrite", RWLOCK_WR),
	P("QReadWriteLock::unlock", RWLOCK_WR), P("QSemaphore::*", SEM), P("QSemaphoreReleaser::*", SEM),
#undef FAMILY
#define FAMILY LSP_FAMILY_TBB
	I("tbb::detail::r1::futex_*", OTHER), I("tbb::detail::r1::binary_semaphore::*", OTHER),
	I("tbb::detail::r1::concurrent_monitor*", RUNTIME), I("tbb::detail::r1::sleep_node::*", RUNTIME),
	I("tbb::detail::r1::thread_monitor::*", RUNTIME), I("rml::internal::*", RUNTIME),
	P("tbb::detail::r1::wait_on_address", MUTEX), P("tbb::detail::r1::notify_by_address*", MUTEX),
	P("tbb::detail::d1::mutex::*", MUTEX), P("tbb::detail::d1::rw_mutex::*shared*", RWLOCK_RD),
	P("tbb::detail::d1::rw_mutex::*", RWLOCK_WR),
	P("tbb::detail::r1::wait*", RUNTIME), P("tbb::detail::r1::execute*", RUNTIME),
	P("tbb::detail::r1::enqueue", RUNTIME), P("tbb::detail::r1::notify_waiters", RUNTIME),
	P("tbb::detail::r1::notify_bounded_queue_monitor", RUNTIME),
#undef FAMILY
#define FAMILY LSP_FAMILY_INNODB
	/* A shared lock has a mutex for its writers, and a word on which a writer waits for readers. */
	P("srw_mutex_impl::*", MUTEX), P("ssux_lock_impl::rd_*", RWLOCK_RD), P("ssux_lock_impl::*", RWLOCK_WR),
	P("srw_lock_impl::*rd_*", RWLOCK_RD), P("srw_lock_impl::*", RWLOCK_WR),
	P("ssux_lock::*rd_*", RWLOCK_RD), P("ssux_lock::*", RWLOCK_WR),
	P("sux_lock::s_*", RWLOCK_RD), P("sux_lock::*shared", RWLOCK_RD), P("sux_lock::*", RWLOCK_WR),
#undef FAMILY
#define FAMILY LSP_FAMILY_BEAM
	/* Each thread sleeps on an event of its own, whatever it waits for. */
	I("ethr_event_*", OTHER), I("ethr_mutex_lock_wait__", OTHER), I("ethr_mutex_unlock_wake__", OTHER),
	P("ethr_mutex_*lock", OTHER), P("ethr_rwmutex_*lock", OTHER), PW("ethr_cond_wait"),
	P("ethr_cond_signal", COND), P("ethr_cond_broadcast", COND), P("ethr_thr_join", JOIN),
#undef FAMILY
#define FAMILY LSP_FAMILY_POSTGRES
	/* Each process sleeps on a semaphore of its own, whatever it waits for. */
	P("PGSemaphoreLock", SEM), P("PGSemaphoreUnlock", SEM), P("LWLockAcquire", RWLOCK_WR),
	P("LWLockAcquireOrWait", RWLOCK_WR), P("LWLockRelease", RWLOCK_WR), P("LWLockWakeup", RWLOCK_WR),
	P("LWLockReleaseClearVar", RWLOCK_WR), P("LWLockReleaseAll", RWLOCK_WR), P("LWLockWaitForVar", COND),
	P("LWLockUpdateVar", COND),
#undef FAMILY
#define FAMILY LSP_FAMILY_JAVA
	/* Each thread sleeps on an event of its own for monitors, in Object.wait() too. */
	P("os::PlatformEvent::*", COND), P("PlatformEvent::*", COND), P("ObjectMonitor::EnterI", MUTEX),
	P("ObjectMonitor::enter*", MUTEX), P("ObjectMonitor::ReenterI", MUTEX), P("ObjectMonitor::exit*", MUTEX),
	P("ObjectMonitor::Exit*", MUTEX), P("ObjectMonitor::complete_exit", MUTEX), PW("ObjectMonitor::wait"),
	P("ObjectMonitor::notify*", COND), P("ObjectMonitor::INotify", COND),
#undef FAMILY
};

static const struct lsp_sync_library libraries[] = {
	{ "libc.so.6", LSP_SYNC_OTHER, true, true },
	{ "libc-2.", LSP_SYNC_OTHER, true, false },
	{ "libpthread", LSP_SYNC_OTHER, true, false },
	{ "libc.so", LSP_SYNC_OTHER, true, false },	/* musl's own name for it */
	{ "ld-musl-", LSP_SYNC_OTHER, true, false },
	{ "libc.musl-", LSP_SYNC_OTHER, true, false },
	{ "ld-linux", LSP_SYNC_OTHER, true, false },
	{ "libstdc++.so", LSP_SYNC_OTHER, false, false },
	{ "libc++.so", LSP_SYNC_OTHER, false, false },
	{ "libgomp.so", LSP_SYNC_BARRIER, false, false },
	{ "libomp.so", LSP_SYNC_OTHER, false, false },
	{ "libiomp5.so", LSP_SYNC_OTHER, false, false },	/* Intel's name for it */
	{ "libglib-2.0.so", LSP_SYNC_OTHER, false, false },
	{ "libtbb.so", LSP_SYNC_RUNTIME, false, false },
	{ "libabsl_", LSP_SYNC_OTHER, false, false },
	{ "libQt5Core.so", LSP_SYNC_OTHER, false, false },
	{ "libQt6Core.so", LSP_SYNC_OTHER, false, false },
};

/*
 * Beginnings of bare names of library code that stands between the program and the function that waits, wakes
 * or initialises a lock: guards, templates, wrappers of another language's library. A library whose locks are
 * made of the C library's needs no more than this. The lock of an interpreter (take_gil, st_masterlock_acquire)
 * is not here: its function tells more than the code that happens to wait for it.
 */
static const char *const wrappers[] = {
	"pthread_mutex_", "pthread_rwlock_", "pthread_cond_", "pthread_barrier_", "pthread_spin_", "__pthread_",
	"___pthread_", "std::", "__gnu_cxx::", "__gthread", "operator new", "operator delete", "boost::", "absl::",
	"folly::", "tbb::", "Poco::FastMutex", "Poco::Mutex", "Poco::ScopedLock", "Poco::RWLockImpl",
	"rocksdb::port::", "rocksdb::Instrumented", "leveldb::port::", "QMutex", "QBasicMutex", "QRecursiveMutex",
	"QReadWriteLock", "QWaitCondition", "QSemaphore", "QThread::wait", "QThreadPool::waitForDone",
	"QFutureInterfaceBase::wait",
	/* Rust, Go, D, Ada */
	"parking_lot", "lock_api::", "crossbeam_utils::", "tokio::loom::", "tokio::sync::", "tokio::park::",
	"sync.", "sync/", "internal/", "runtime.", "core.sync.", "core.thread.", "_d_monitor", "_d_critical",
	"system__task_primitives__operations__", "system__tasking__", "ada__synchronous_task_control__",
	/* C */
	"g_mutex_", "g_rec_mutex_", "g_cond_", "g_rw_lock_", "g_static_mutex_", "g_static_rec_mutex_",
	"g_static_rw_lock_", "g_async_queue_", "uv_mutex_", "uv_cond_", "uv_rwlock_", "uv_sem_", "uv_barrier_",
	"apr_thread_mutex_", "apr_thread_cond_", "apr_thread_rwlock_", "apr_proc_mutex_", "apr_global_mutex_",
	"PR_RWLock_", "CRYPTO_THREAD_", "malloc_mutex_", "je_malloc_mutex_",
	/* databases */
	"LWLock", "PGSemaphore", "psi_mutex_", "psi_rwlock_", "psi_prlock_", "psi_cond_", "inline_mysql_", "rw_pr_",
	"safe_mutex_", "safe_cond_",
	/* runtimes */
	"v8::base::", "node::MutexBase", "node::ConditionVariableBase", "_PyMutex_", "PyMutex_", "_PyRawMutex_",
	"_PySemaphore_", "_PyParkingLot_", "_PyRWMutex_", "_PyRecursiveMutex_", "_PyOnceFlag_", "_PySeqLock_",
	"_PyEvent_", "PyEvent_", "_PyCriticalSection", "PyCriticalSection", "PyThread_acquire_lock",
	"PyThread_release_lock", "ObjectMonitor::", "ObjectSynchronizer::", "Parker::", "PlatformEvent::",
	"PlatformMonitor::", "PlatformMutex::", "os::PlatformEvent::", "os::PlatformMonitor::", "os::PlatformMutex::",
	"PosixSemaphore::", "Monitor::wait", "Monitor::notify", "Mutex::lock", "Mutex::unlock",
	"LinuxWaitBarrier::", "GenericWaitBarrier::",
	"JvmtiRawMonitor::", "Unsafe_Park", "Unsafe_Unpark", "AwareLock::", "CrstBase::", "CLREventBase::",
	"CLRLifoSemaphore::", "CorUnix::", "SystemNative_LowLevelMonitor_", "mono_monitor_", "mono_os_mutex_",
	"mono_os_cond_", "mono_os_event_", "mono_coop_", "caml_mutex_", "caml_condition_", "caml_ml_mutex_",
	"caml_ml_condition_", "caml_plat_", "ethr_", "enif_mutex_", "enif_cond_", "enif_rwlock_", "erl_drv_mutex_",
	"erl_drv_cond_", "erl_drv_rwlock_",
};

/* Names of such functions as a whole, because programs have functions of their own that begin in the same way. */
static const char *const whole[] = {
	"sem_init", "mtx_init", "cnd_init", "uv_once", "uv_thread_join", "g_thread_join", "apr_thread_join",
	"apr_thread_once", "s_lock", "perform_spin_delay", "mutex_unpark", "acquire_timed", "LockBuffer",
	"UnlockReleaseBuffer", "PR_Lock", "PR_Unlock",
	"PR_EnterMonitor", "PR_ExitMonitor", "PR_Wait", "PR_Notify", "PR_NotifyAll", "PR_WaitCondVar",
	"PR_NotifyCondVar", "PR_NotifyAllCondVar", "PR_CEnterMonitor", "PR_CExitMonitor", "PR_CWait", "PR_CNotify",
	"PR_CNotifyAll", "PR_JoinThread", "PR_CallOnce", "waitCondition", "timedWaitCondition", "signalCondition",
	"broadcastCondition", "waitForCapability", "yieldCapability", "releaseCapability", "releaseCapability_",
	"releaseAndWakeupCapability", "joinOSThread",
};

/* What the user says of the program's own. */
#define SKIPS_MAX 64
static regex_t skips[SKIPS_MAX];
static size_t nskips;

/* The part before a pattern's first star is nearly always decisive, and needs no fnmatch(). */
static bool fits(const char *pattern, const char *name)
{
	while (*pattern && *pattern == *name && *pattern != '*') {
		pattern++;
		name++;
	}
	if (*pattern != '*')
		return !*pattern && !*name;
	return !pattern[1] || !fnmatch(pattern, name, FNM_NOESCAPE);
}

static const struct lsp_sync_name *exact(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (fits(names[i].name, name))
			return &names[i];
	return NULL;
}

/* Turns a name of glibc's inner functions into the public name behind it. */
static void strip_c_name(char *name)
{
	static const char *const marks[] = { "GI_", "new_", "old_" };
	size_t skip = strspn(name, "_"), len, i;

	for (i = 0; skip && i < sizeof(marks) / sizeof(*marks); i++)
		if (!strncmp(name + skip, marks[i], strlen(marks[i]))) {
			skip += strlen(marks[i]);
			skip += strspn(name + skip, "_");
		}
	memmove(name, name + skip, strlen(name + skip) + 1);
	len = strlen(name);
	if (len > 2 && !strcmp(name + len - 2, "64"))
		name[len - 2] = '\0';
}

/* Abseil's namespace has another one inside, for its version, which whoever builds it may call as he likes. */
static const struct lsp_sync_name *without_version(char *name)
{
	static const char library[] = "absl::";
	const size_t begin = sizeof(library) - 1;
	const char *rest = strncmp(name, library, begin) ? NULL : strstr(name + begin, "::");

	if (!rest)
		return NULL;
	memmove(name + begin, rest + 2, strlen(rest + 2) + 1);
	return exact(name);
}

const struct lsp_sync_name *lsp_sync_name_find(const char *function)
{
	const struct lsp_sync_name *ret;
	char name[256];

	lsp_plain_name(function, name, sizeof(name));
	ret = exact(name);
	if (!ret && strchr(name, ':'))
		return without_version(name);
	if (ret)
		return ret;
	strip_c_name(name);
	return exact(name);
}

const struct lsp_sync_library *lsp_sync_library_find(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t i;

	for (i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		if (!strncmp(name, libraries[i].prefix, strlen(libraries[i].prefix)))
			return &libraries[i];
	return NULL;
}

/* Rust's own crates. A program in C++ may have namespaces with the same names, but its files lie elsewhere. */
static bool is_rust_library(const char *name, const char *file)
{
	if (strncmp(name, "core::", 6) && strncmp(name, "alloc::", 7))
		return false;
	return !*file || strstr(file, "/library/") || strstr(file, "/rustc");
}

/* A family's inside, other than those of C, which have names that programs use as well. */
static bool is_inside(const struct lsp_sync_name *known)
{
	return known->kind == LSP_SYNC_INTERNAL && known->family > LSP_FAMILY_STDIO &&
	       strcmp(known->name, "do_wait");
}

/* "libgomp.so.1.0.0+0x1d000": code without a name, of a library that waits for its callers. */
static bool is_nameless(const char *function)
{
	return strstr(function, "+0x") && lsp_sync_library_find(function);
}

int lsp_sync_skip(const char *regex, char *why, size_t bytes)
{
	int err;

	if (nskips == SKIPS_MAX) {
		snprintf(why, bytes, "there are %d already", SKIPS_MAX);
		return -EINVAL;
	}
	err = regcomp(&skips[nskips], regex, REG_EXTENDED | REG_NOSUB);
	if (err) {
		regerror(err, &skips[nskips], why, bytes);
		return -EINVAL;
	}
	nskips++;
	return 0;
}

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && !strcmp(text + n - m, suffix);
}

/* As python -X perf writes them: "py::work:/home/user/program.py". */
bool lsp_sync_is_interpreted(const char *function)
{
	return begins_with(function, "py::");
}

/* The interpreter's own lock is told by who takes it. */
bool lsp_sync_is_interpreter(const char *function, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	if (lsp_sync_is_interpreted(function) || !strcmp(function, "take_gil") || !strcmp(function, "drop_gil"))
		return false;
	if (*path)
		return begins_with(base, "python") || begins_with(base, "libpython");
	return begins_with(function, "_Py") || begins_with(function, "Py") || begins_with(function, "python3") ||
	       begins_with(function, "libpython3");
}

/* Python's own modules that make other kinds of waits of its locks. */
static bool is_python_module(const char *function)
{
	return lsp_sync_is_interpreted(function) &&
	       (ends_with(function, "/threading.py") || ends_with(function, "/queue.py"));
}

bool lsp_sync_is_wrapper(const char *function, const char *file)
{
	const struct lsp_sync_name *known = lsp_sync_name_find(function);
	char name[256];
	size_t i;

	if (is_python_module(function))
		return true;
	if ((known && (known->kind == LSP_SYNC_PUBLIC || is_inside(known))) || is_nameless(function))
		return true;
	lsp_plain_name(function, name, sizeof(name));
	for (i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++)
		if (!strncmp(name, wrappers[i], strlen(wrappers[i])))
			return true;
	for (i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (!strcmp(name, whole[i]))
			return true;
	for (i = 0; i < nskips; i++)
		if (!regexec(&skips[i], name, 0, NULL, 0))
			return true;
	return is_rust_library(name, file);
}
