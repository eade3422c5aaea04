// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program with secrets on its stack, which it waits under again and again: words
 * of text, which are no addresses, and numbers that could be user addresses but
 * point to nothing.
 *
 *   secret wait [MS]        three threads wait so until they are killed, a millisecond
 *                           each or MS; SIGUSR1 makes them plant others
 *   secret find FILE...     {"text":N,"number":N,"late_text":N,"late_number":N}: how
 *                           often each of them stands in the files, at any byte
 *
 * libs: -lpthread
 */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define WORDS 48

/* Bytes of text ("S3cr3t!!", "h1dd3n!!"), and numbers between the program and its libraries; early, late. */
static const uint64_t planted[4] = { 0x2121743372633353ULL, 0x00005ec2c2bb7c43ULL,
				     0x21216e3364643168ULL, 0x00005bad8dc1f2e7ULL };

static volatile sig_atomic_t late;
static long wait_ns = 1000000;

static void on_signal(int number)
{
	(void)number;
	late = 1;
}

static __attribute__((noinline)) void wait_above(volatile const uint64_t *words, uint32_t *word)
{
	struct timespec time = { .tv_nsec = wait_ns };

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0);
	if (words[0] == words[1])
		abort();
}

static void *wait_with_secrets(void *arg)
{
	volatile uint64_t words[WORDS];

	for (;;) {
		unsigned int first = late ? 2 : 0;

		for (unsigned int i = 0; i < WORDS; i++)
			words[i] = planted[first + (i & 1)];
		wait_above(words, arg);
	}
	return NULL;
}

static unsigned long count(const uint8_t *data, size_t bytes, uint64_t word)
{
	unsigned long n = 0;

	for (size_t i = 0; i + sizeof(word) <= bytes; i++)
		n += !memcmp(data + i, &word, sizeof(word));
	return n;
}

static int find(char **files)
{
	static const char *const names[4] = { "text", "number", "late_text", "late_number" };
	unsigned long found[4] = { 0 };

	for (; *files; files++) {
		FILE *f = fopen(*files, "r");
		uint8_t *data = NULL;
		size_t bytes = 0, n;

		if (!f)
			return 1;
		do {
			data = realloc(data, bytes + 65536);
			n = data ? fread(data + bytes, 1, 65536, f) : 0;
			bytes += n;
		} while (n);
		fclose(f);
		for (unsigned int i = 0; i < 4; i++)
			found[i] += count(data, bytes, planted[i]);
		free(data);
	}
	for (unsigned int i = 0; i < 4; i++)
		printf("%s\"%s\":%lu", i ? "," : "{", names[i], found[i]);
	puts("}");
	return 0;
}

int main(int argc, char **argv)
{
	static uint32_t word;
	pthread_t threads[THREADS];

	if (argc > 2 && !strcmp(argv[1], "find"))
		return find(argv + 2);
	if (argc < 2 || strcmp(argv[1], "wait"))
		return 64;
	if (argc > 2)
		wait_ns = 1000000L * atoi(argv[2]);
	signal(SIGUSR1, on_signal);
	for (unsigned int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, wait_with_secrets, &word))
			return 1;
	pthread_join(threads[0], NULL);
	return 0;
}
