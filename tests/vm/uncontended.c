// SPDX-License-Identifier: GPL-2.0-only
/* Locks and unlocks a mutex that nobody else wants, N times; for tools/uncontended. */
#include <pthread.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	long n = argc > 1 ? atol(argv[1]) : 0;

	for (long i = 0; i < n; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	return 0;
}
