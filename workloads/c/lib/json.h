/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes one JSON value to standard output, without a library. @name is NULL
 * inside an array and for the outermost object. Strings are written as they
 * are: they must not need escapes.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include <stdbool.h>
#include <stdint.h>

void json_object_open(const char *name);
void json_object_close(void);
void json_array_open(const char *name);
void json_array_close(void);
void json_u64(const char *name, uint64_t value);
void json_double(const char *name, double value);
void json_bool(const char *name, bool value);
void json_string(const char *name, const char *value);

/* Ends the line. Returns 0 or -errno when standard output failed. */
int json_finish(void);

#endif
