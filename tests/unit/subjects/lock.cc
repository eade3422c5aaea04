// SPDX-License-Identifier: GPL-2.0-only
/* Prints, for words inside its variables, the address in the file and the name by type. */
#include <array>
#include <condition_variable>
#include <cstdio>
#include <link.h>
#include <mutex>
#include <semaphore>
#include <shared_mutex>

namespace app {

struct Base {
	int kind;
	std::mutex base_mu;
};

template <class T> struct Guarded {
	T value;
	std::mutex mu;
};

struct Pool : Base {
	long jobs;
	std::array<Guarded<int>, 4> slots;
	std::shared_mutex table;
	std::condition_variable ready;
	static std::mutex shared_by_all;
};

std::mutex Pool::shared_by_all;
Pool pool;
static Guarded<double> local_guard;

} // namespace app

namespace {
std::recursive_mutex hidden;
}

std::counting_semaphore<4> semaphore(0);

static unsigned long bias;

static int first_object(struct dl_phdr_info *info, size_t, void *)
{
	bias = info->dlpi_addr;
	return 1;
}

static void word(const volatile void *at, const char *name)
{
	printf("%lx %s - 0\n", (unsigned long)at - bias, name);
}

__attribute__((noinline)) static void worker(int)
{
	static std::mutex inside;

	word(&inside, "worker()::inside");
}

int main()
{
	dl_iterate_phdr(first_object, nullptr);
	word(&app::pool.base_mu, "app::pool.base_mu");
	word(&app::pool.slots[2].mu, "app::pool.slots[2].mu");
	word(&app::pool.table, "app::pool.table");
	word(&app::pool.ready, "app::pool.ready");
	word(&app::Pool::shared_by_all, "app::Pool::shared_by_all");
	word(&app::local_guard.mu, "app::local_guard.mu");
	word(&hidden, "(anonymous_namespace)::hidden");
	word(&semaphore, "semaphore");
	worker(1);
	return 0;
}
