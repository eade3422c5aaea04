// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -shared -fPIC
 *
 * The second plugin of homonym.c.
 */
#define PLUGIN
#define LOCK lock_of_two
#define WAITS wait_in_two
#define CONTENDS contend_in_two
#include "homonym.c"
