/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaches leaf() in several ways and prints for each: the return address that
 * leaf() sees, its own address (both in the file), whether there is more than
 * one way, and the functions that tail calls took off the stack.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone, noipa))

static unsigned long bias;
static const char *expected;
static int (*volatile pointer)(int);

static int first_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	(void)bytes;
	(void)arg;
	bias = info->dlpi_addr;
	return 1;
}

NOINLINE static int leaf(int n)
{
	printf("%lx %lx %s\n", (unsigned long)__builtin_return_address(0) - bias,
	       (unsigned long)leaf - bias, expected);
	return n;
}

NOINLINE static int other(int n) { return n * 3; }
NOINLINE static int chain_three(int n) { return leaf(n + 3); }
NOINLINE static int chain_two(int n) { return chain_three(n + 2); }
NOINLINE static int chain_one(int n) { return n > 1000 ? other(n) : chain_two(n + 1); }
NOINLINE static int left(int n) { return leaf(n * 2); }
NOINLINE static int right(int n) { return leaf(n * 7); }
NOINLINE static int fork_one(int n) { return n & 1 ? left(n) : right(n); }
NOINLINE static int indirect(int n) { return pointer(n + 9); }
NOINLINE static int calls(int n) { return leaf(n) + 1; }
NOINLINE static int loop_b(int n);
NOINLINE static int loop_a(int n) { return n > 50 ? leaf(n) : loop_b(n + 40); }
NOINLINE static int loop_b(int n) { return loop_a(n + 1); }
NOINLINE static int twice(int n)
{
	if (n & 1) {
		__asm__ volatile("nop");
		return leaf(n + 5);
	}
	return leaf(n * 5);
}
NOINLINE static int above_twice(int n) { return twice(n + 6); }
/* Calls through a register; what is put into it last is what is called. */
NOINLINE static int by_register(int n)
{
	int (*f)(int);

	__asm__("lea left(%%rip), %0" : "=r" (f));
	return f(n) + 1;
}
NOINLINE static int by_either(int n)
{
	int (*f)(int);

	__asm__("lea right(%%rip), %0; lea left(%%rip), %0" : "=r" (f));
	return f(n) + 1;
}

int main(int argc, char **argv)
{
	volatile int sum = 0;

	(void)argv;
	dl_iterate_phdr(first_object, NULL);
	pointer = leaf;
	expected = "only chain_three chain_two chain_one";
	sum += chain_one(argc) + 1;
	expected = "several fork_one";
	sum += fork_one(argc) + 1;
	expected = "only twice above_twice";
	sum += above_twice(argc) + 1;
	expected = "several indirect";
	sum += indirect(argc) + 1;
	expected = "only";
	sum += calls(argc) + 1;
	expected = "only left";
	sum += left(argc) + 1;
	sum += by_register(argc) + 1;
	expected = "only";
	sum += by_either(argc) + 1;
	expected = "only loop_a";
	sum += loop_a(argc) + 1;
	expected = "only";
	sum += leaf(argc) + 1;
	return sum < 0;
}
