// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -shared -fPIC
 *
 * The first plugin of homonym.c.
 */
#define PLUGIN
#define LOCK lock_of_one
#define WAITS wait_in_one
#define CONTENDS contend_in_one
#include "homonym.c"
