// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a process in every way there is. Each of them waits once on a futex,
 * for some milliseconds, and has its id printed: "WAY PID", one a line. For
 * the filters' test, which knows from that who had to be recorded.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));

static void wait_once(void)
{
	static uint32_t word;
	struct timespec ts = { .tv_nsec = 50000000 };

	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0);
}

static void say(const char *way)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %d\n", way, (int)getpid());

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(1);
}

static void live(const char *way)
{
	wait_once();
	say(way);
}

static void collect(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, __WALL) != pid || status) {
		fprintf(stderr, "children: %s\n", pid < 0 ? strerror(errno) : "a child failed");
		exit(1);
	}
}

static void by_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		live("fork");
		_exit(0);
	}
	collect(pid);
}

/* A grandchild whose parent is gone. */
static void by_orphan(void)
{
	int pipefd[2];
	pid_t pid;
	char end;

	if (pipe(pipefd))
		exit(1);
	pid = fork();
	if (!pid) {
		if (fork())
			_exit(0);
		close(pipefd[0]);
		while (getppid() == pid)
			usleep(1000);
		live("orphan");
		_exit(0);
	}
	close(pipefd[1]);
	collect(pid);
	if (read(pipefd[0], &end, 1))
		exit(1);
	close(pipefd[0]);
}

static void by_spawn(char *self)
{
	char *argv[] = { self, (char *)"--live", (char *)"spawn", NULL };
	pid_t pid = -1;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, NULL))
		pid = -1;
	collect(pid);
}

static int clone_main(void *arg)
{
	live(arg);
	return 0;
}

/* A process that shares the memory of this one, and one whose parent is this one's. */
static void by_clone(void)
{
	collect(clone(clone_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, (void *)"clone_vm"));
	collect(clone(clone_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
		      (void *)"vfork"));
	collect(clone(clone_main, stack + sizeof(stack), CLONE_FILES | CLONE_FS | SIGCHLD,
		      (void *)"clone"));
}

static void *exec_main(void *arg)
{
	char *argv[] = { arg, (char *)"--live", (char *)"exec_by_thread", NULL };

	execv("/proc/self/exe", argv);
	_exit(1);
}

/* exec by a thread that is not the first: the process goes on under its old id. */
static void by_exec(char *self)
{
	pid_t pid = fork();
	pthread_t thread;

	if (!pid) {
		pthread_create(&thread, NULL, exec_main, self);
		for (;;)
			pause();
	}
	collect(pid);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--live")) {
		live(argv[2]);
		return 0;
	}
	live("self");
	by_fork();
	by_orphan();
	by_spawn(argv[0]);
	by_clone();
	by_exec(argv[0]);
	return 0;
}
