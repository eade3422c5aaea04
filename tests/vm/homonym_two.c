// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -no-pie -ldl
 *
 * The other program of homonym.c.
 */
#define LOCK lock_of_two
#define WAITS wait_in_two
#define CONTENDS contend_in_two
#include "homonym.c"
