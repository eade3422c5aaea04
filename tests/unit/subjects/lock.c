/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prints, for words inside its variables: the address in the file, the name by
 * type, the symbol's name, and the offset from it.
 */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <threads.h>

struct shard {
	long hits;
	pthread_mutex_t mu;
	struct {
		int pad;
		pthread_cond_t ready;
	} queue[2];
};

struct cache {
	char name[24];
	struct shard shards[8];
	union {
		long raw[8];
		pthread_rwlock_t table;
	};
	struct {
		sem_t slots;
	};
	struct cache *next;
};

typedef struct cache cache_t;
typedef pthread_mutex_t my_lock_t;

pthread_mutex_t counter_mu;
cache_t g_cache = { .name = "x" };
static struct cache more[3][2];
pthread_cond_t g_cond;
pthread_rwlock_t g_rwlock;
pthread_barrier_t g_barrier;
sem_t g_sem;
my_lock_t typedefed;
mtx_t g_mtx;
int plain_word[4];
struct {
	int a;
	int state;
} anonymous_type;
static pthread_mutex_t same_name;

static unsigned long bias;

static int first_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	(void)bytes;
	(void)arg;
	bias = info->dlpi_addr;
	return 1;
}

static void word(const volatile void *at, size_t offset, const char *name, const char *symbol,
		 const volatile void *base)
{
	printf("%lx %s %s %lx\n", (unsigned long)at + offset - bias, name, symbol,
	       (unsigned long)at + offset - (unsigned long)base);
}

/* A word @offset bytes into the lock @lock of variable @var. */
#define WORD(lock, offset, var) word(&lock, offset, #lock, #var, &var)

__attribute__((noinline)) static void worker(void)
{
	static pthread_mutex_t same_name;

	word(&same_name, 0, "worker()::same_name", "same_name", &same_name);
}

int main(void)
{
	static struct shard local;

	dl_iterate_phdr(first_object, NULL);
	WORD(counter_mu, 0, counter_mu);
	WORD(g_cache.shards[0].mu, 0, g_cache);
	WORD(g_cache.shards[3].mu, 0, g_cache);
	WORD(g_cache.shards[7].queue[1].ready, 40, g_cache);
	WORD(g_cache.table, 12, g_cache);
	WORD(g_cache.slots, 4, g_cache);
	WORD(more[2][1].shards[5].mu, 0, more);
	WORD(more[0][0].shards[0].hits, 0, more);
	WORD(g_cond, 32, g_cond);
	WORD(g_cond, 36, g_cond);
	WORD(g_rwlock, 8, g_rwlock);
	WORD(g_barrier, 0, g_barrier);
	WORD(g_sem, 0, g_sem);
	WORD(typedefed, 0, typedefed);
	WORD(g_mtx, 0, g_mtx);
	WORD(plain_word[2], 0, plain_word);
	WORD(anonymous_type.state, 0, anonymous_type);
	WORD(same_name, 0, same_name);
	word(&local.mu, 0, "main()::local.mu", "local", &local);
	worker();
	return 0;
}
