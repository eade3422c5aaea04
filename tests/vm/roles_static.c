// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -static -s -lpthread
 *
 * The same program without any names.
 */
#include "roles.c"
