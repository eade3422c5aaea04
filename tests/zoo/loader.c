// SPDX-License-Identifier: GPL-2.0-only
/* Loads the library beside it, waits for the lock in there, unloads it; twice. */
#include <dlfcn.h>
#include <limits.h>
#include <string.h>

#include "subject.h"

static void (*work)(long n);

static void *worker(void *arg)
{
	long i;

	thread_name("z-plugin");
	for (i = 0; i < ROUNDS; i++)
		work(i);
	return arg;
}

static FRAME int library_use(const char *path)
{
	void *library = dlopen(path, RTLD_NOW);
	pthread_t threads[3];
	int i;

	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&work = dlsym(library, "plugin_work");
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, worker, NULL);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return dlclose(library);
}

int main(void)
{
	char path[PATH_MAX] = "";

	thread_name("z-main");
	truth("z-plugin;pthread_mutex_lock;plugin_take;plugin_work;worker");
	truth("z-main;pthread_join;library_use;main");
	truth("<z-plugin;pthread_mutex_unlock;plugin_take;plugin_work;worker");
	truth("<*");
	if (readlink("/proc/self/exe", path, sizeof(path) - sizeof("plugin.so")) < 0)
		return 2;
	strcpy(strrchr(path, '/') + 1, "plugin.so");
	return library_use(path) || library_use(path);
}
