// SPDX-License-Identifier: GPL-2.0-only
/*
 * stopper PID TURNS: stops threads of PID by ptrace, wherever they are, and lets
 * them go on, TURNS times. Prints how many stops there were. For the storms.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64 };

static int threads_of(pid_t pid, pid_t *tids)
{
	char path[32];
	struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (n < THREADS_MAX && (entry = readdir(dir)))
		if (atoi(entry->d_name) > 0)
			tids[n++] = atoi(entry->d_name);
	closedir(dir);
	return n;
}

static void pause_us(unsigned int us)
{
	struct timespec ts = { .tv_nsec = (long)us * 1000 };

	nanosleep(&ts, NULL);
}

/* Seized, interrupted twice, and left alone again. */
static int stop_once(pid_t tid, unsigned int us)
{
	int status, stops = 0, i;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return 0;
	for (i = 0; i < 2; i++) {
		if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) || waitpid(tid, &status, __WALL) != tid ||
		    !WIFSTOPPED(status))
			return stops;
		stops++;
		pause_us(us);
		ptrace(PTRACE_CONT, tid, NULL, NULL);
		pause_us(us);
	}
	/* Only a stopped thread can be let go. */
	if (!ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) && waitpid(tid, &status, __WALL) == tid)
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
	return stops + 1;
}

int main(int argc, char **argv)
{
	pid_t tids[THREADS_MAX];
	int turns, n, stops = 0;

	if (argc != 3) {
		fprintf(stderr, "Usage: stopper PID TURNS\n");
		return 64;
	}
	for (turns = atoi(argv[2]); turns > 0; turns--) {
		n = threads_of(atoi(argv[1]), tids);
		if (!n) {
			fprintf(stderr, "stopper: no process %s\n", argv[1]);
			return 1;
		}
		stops += stop_once(tids[rand() % n], (unsigned int)(rand() % 2000));
	}
	printf("%d\n", stops);
	return 0;
}
