// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that block in the primitives of the C++ library below calls that are
 * known; see chains.c. Names are extern "C" so that the test reads them as such.
 */
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#define FAR __attribute__((noinline, noclone))

static std::shared_mutex shared;
static std::mutex mutex;
static std::condition_variable cond;
static volatile int sink;
static int turn;

extern "C" {
void do_shared(int n);
void do_cond(int n);
void level1(bool waits, int n);
void level2(bool waits, int n);
void worker(bool waits, int rounds);
}

FAR void do_shared(int n)
{
	if (n % 3) {
		std::shared_lock lock(shared);
		std::this_thread::sleep_for(std::chrono::microseconds(50));
	} else {
		std::unique_lock lock(shared);
		std::this_thread::sleep_for(std::chrono::microseconds(50));
	}
	sink = n;
}

FAR void do_cond(int n)
{
	/* locks end before the function does, so that no unlock is a tail call */
	{
		std::unique_lock lock(mutex);
		turn++;
		cond.notify_all();
		if (turn % 3)
			cond.wait_for(lock, std::chrono::milliseconds(1));
	}
	sink = n;
}

FAR void level2(bool waits, int n)
{
	/* something to be unwound on the way, so that there are landing pads */
	std::string owned(static_cast<size_t>(n % 50), 'x');

	if (waits)
		do_cond(n);
	else
		do_shared(n);
	sink = static_cast<int>(owned.size());
}

FAR void level1(bool waits, int n)
{
	level2(waits, n);
	sink = n;
}

FAR void worker(bool waits, int rounds)
{
	for (int i = 0; i < rounds; i++)
		level1(waits, i);
}

int main(int argc, char **argv)
{
	bool waits = argc > 1 && std::string(argv[1]) == "cond";
	int rounds = argc > 2 ? std::stoi(argv[2]) : 200;
	std::vector<std::thread> threads;

	for (int i = 0; i < 3; i++)
		threads.emplace_back(worker, waits, rounds);
	for (auto &t : threads)
		t.join();
	return 0;
}
