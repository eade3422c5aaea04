// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same in C++: classes, templates and the standard library's locks, whose
 * inlined frames stand between the program and libc: "std::*" is one or more.
 */
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "subject.h"

namespace zoo {

template <typename T> class Cache {
public:
	FRAME void put(T value)
	{
		std::lock_guard<std::mutex> guard(mutex);
		sum = sum + value;
		usleep(HOLD_US);
	}
	FRAME void read()
	{
		std::shared_lock<std::shared_mutex> guard(shared);
		usleep(HOLD_US);
	}
	FRAME void write()
	{
		std::unique_lock<std::shared_mutex> guard(shared);
		usleep(HOLD_US);
	}

private:
	std::mutex mutex;
	std::shared_mutex shared;
	volatile T sum = 0;
};

static Cache<long> cache;
static std::mutex gate_mutex;
static std::condition_variable gate;
static int gate_round;

FRAME static void gate_wait(int round)
{
	std::unique_lock<std::mutex> lock(gate_mutex);
	gate.wait(lock, [round] { return gate_round >= round; });
}

FRAME static void put_worker(int)
{
	thread_name("z-mutex");
	for (long i = 0; i < ROUNDS; i++)
		cache.put(i);
	END;
}

FRAME static void read_worker(int)
{
	thread_name("z-read");
	for (int i = 0; i < ROUNDS; i++)
		cache.read();
	END;
}

FRAME static void write_worker(int)
{
	thread_name("z-write");
	for (int i = 0; i < ROUNDS; i++)
		cache.write();
	END;
}

FRAME static void gate_worker(int)
{
	thread_name("z-cond");
	for (int i = 1; i <= ROUNDS; i++)
		gate_wait(i);
	END;
}

} // namespace zoo

int main()
{
	std::vector<std::thread> threads;

	thread_name("z-main");
	truth("z-mutex;pthread_mutex_lock;__gthread_*?;std::*;zoo::Cache::put;zoo::put_worker");
	truth("z-read;pthread_rwlock_rdlock;std::*;zoo::Cache::read;zoo::read_worker");
	truth("z-write;pthread_rwlock_wrlock;std::*;zoo::Cache::write;zoo::write_worker");
	truth("z-cond;pthread_cond_wait;std::*;zoo::gate_wait;zoo::gate_worker");
	truth("z-cond;pthread_mutex_lock;__gthread_*?;std::*;zoo::gate_wait;zoo::gate_worker");
	/* the library gives a thread's state back when its function has returned */
	truth("*;free");
	truth("z-main;pthread_join;__gthread_*?;std::*;main");
	truth("z-main;pthread_cond_broadcast;std::*;main");
	truth("z-main;pthread_mutex_lock;__gthread_*?;std::*;main");
	truth("<z-mutex;pthread_mutex_unlock;__gthread_*?;std::*;zoo::Cache::put;zoo::put_worker");
	truth("<z-read;pthread_rwlock_unlock;std::*;zoo::Cache::read;zoo::read_worker");
	truth("<z-write;pthread_rwlock_unlock;std::*;zoo::Cache::write;zoo::write_worker");
	truth("<z-cond;pthread_cond_wait;std::*;zoo::gate_wait;zoo::gate_worker");
	truth("<z-cond;pthread_mutex_unlock;__gthread_*?;std::*;zoo::gate_wait;zoo::gate_worker");
	truth("<z-main;pthread_mutex_unlock;__gthread_*?;std::*;main");
	truth("<z-main;pthread_cond_broadcast;std::*;main");
	truth("<*;free");
	truth("<*");
	for (auto worker : { zoo::put_worker, zoo::put_worker, zoo::put_worker, zoo::read_worker,
			     zoo::write_worker, zoo::write_worker, zoo::gate_worker,
			     zoo::gate_worker })
		threads.emplace_back(worker, 0);
	for (int i = 0; i < ROUNDS; i++) {
		usleep(2 * HOLD_US);
		std::lock_guard<std::mutex> guard(zoo::gate_mutex);
		zoo::gate_round++;
		zoo::gate.notify_all();
	}
	for (auto &thread : threads)
		thread.join();
	return 0;
}
