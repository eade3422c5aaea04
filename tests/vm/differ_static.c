// SPDX-License-Identifier: GPL-2.0-only
/*
 * libs: -static
 *
 * The same programs without a dynamic linker: nothing can be preloaded.
 */
#include "differ.c"
