/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types of DWARF: their sizes, and what lies at an offset in them. Every search is limited, so a
 * type that contains itself ends the search and not the program.
 */
#ifndef LSP_DWARF_TYPE_H
#define LSP_DWARF_TYPE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type of a variable or member. Follows its specification or origin. */
bool lsp_type_of(Dwarf_Die *die, Dwarf_Die *ret);

/* Bytes of an object of this type; 0 unknown. */
uint64_t lsp_type_bytes(Dwarf_Die *type);

/*
 * The path from a variable of @type to the lock whose word is at @offset in
 * it: ".shards[3].mu", "" for the variable itself. A lock is a type that is
 * known as one (pthread_mutex_t, std::mutex, ...): what is inside it is left
 * out. Where there is none, the path leads to the innermost member. False, and
 * nothing written, when @offset is in no member or the path does not fit.
 */
bool lsp_type_path(Dwarf_Die *type, uint64_t offset, char *path, size_t path_bytes);

#endif
