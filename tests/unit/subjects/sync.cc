// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits (w_) for and releases (r_) the primitives of the C++ library, one
 * after the other, so that their stacks can be taken.
 */
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <future>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define END __asm__ volatile("")

static std::mutex mutex;
static std::shared_mutex shared;
static std::condition_variable condition;
static bool ready;
static std::counting_semaphore<4> semaphore(0);
static std::latch latch(1);
static std::barrier barrier(2);
static std::once_flag once;
static std::atomic<int> word;

static bool in_futex(const char *tid)
{
	char path[64], text[8] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/syscall", tid);
	FILE *f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return !strncmp(text, "202 ", 4);
}

/* Until another thread waits in a futex, and a little longer. */
static void settle()
{
	bool found = false;

	for (int i = 0; i < 2000 && !found; i++) {
		DIR *d = opendir("/proc/self/task");
		while (struct dirent *e = d ? readdir(d) : nullptr)
			found |= atoi(e->d_name) != gettid() && in_futex(e->d_name);
		if (d)
			closedir(d);
		usleep(5000);
	}
	usleep(5000);
}

NOINLINE void w_mutex() { std::lock_guard<std::mutex> g(mutex); END; }
NOINLINE void r_mutex() { mutex.unlock(); END; }
NOINLINE void w_shared() { std::shared_lock<std::shared_mutex> g(shared); END; }
NOINLINE void w_exclusive() { std::unique_lock<std::shared_mutex> g(shared); END; }
NOINLINE void r_shared() { shared.unlock(); END; }
NOINLINE void w_condition()
{
	std::unique_lock<std::mutex> l(mutex);
	condition.wait(l, [] { return ready; });
	END;
}
NOINLINE void r_condition() { condition.notify_all(); END; }
NOINLINE void w_semaphore() { semaphore.acquire(); END; }
NOINLINE void r_semaphore() { semaphore.release(); END; }
NOINLINE void w_latch() { latch.wait(); END; }
NOINLINE void r_latch() { latch.count_down(); END; }
NOINLINE void w_barrier() { barrier.arrive_and_wait(); END; }
NOINLINE void w_once() { std::call_once(once, settle); END; }
NOINLINE void w_atomic() { word.wait(0); END; }
NOINLINE void r_atomic() { word = 1; word.notify_all(); END; }
NOINLINE int slow() { settle(); return 1; }
NOINLINE int w_static() { static int value = slow(); END; return value; }
NOINLINE int w_future(std::future<int> &f) { int value = f.get(); END; return value; }
NOINLINE void r_future(std::promise<int> &p) { p.set_value(1); END; }

template <class Wait, class Release> static void pair(Wait wait, Release release)
{
	std::thread t(wait);
	settle();
	release();
	t.join();
}

/* Both do the same; the first is in it while the second waits. */
template <class Both> static void twice(Both both)
{
	std::thread a(both), b(both);
	a.join();
	b.join();
}

int main()
{
	std::promise<int> promise;
	std::future<int> future = promise.get_future();

	mutex.lock();
	pair([] { w_mutex(); END; }, r_mutex);
	shared.lock();
	pair([] { w_shared(); END; }, r_shared);
	shared.lock();
	pair([] { w_exclusive(); END; }, r_shared);
	pair([] { w_condition(); END; }, [] {
		{
			std::lock_guard<std::mutex> g(mutex);
			ready = true;
		}
		r_condition();
	});
	pair([] { w_semaphore(); END; }, r_semaphore);
	pair([] { w_latch(); END; }, r_latch);
	pair([] { w_barrier(); END; }, w_barrier);
	pair([] { w_atomic(); END; }, r_atomic);
	twice([] { w_once(); END; });
	twice([] { w_static(); END; });
	pair([&] { w_future(future); END; }, [&] { r_future(promise); });
	return 0;
}
