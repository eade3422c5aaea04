/* SPDX-License-Identifier: GPL-2.0-only */
/* Names as people write them, from names as linkers know them. */
#ifndef LSP_SYMBOL_DEMANGLE_H
#define LSP_SYMBOL_DEMANGLE_H

#include <stddef.h>

/*
 * The C++, Rust or D name behind @linkage, malloc'ed: C++ and D with their
 * parameters, Rust without its hash. Suffixes of compiler-made copies (".cold",
 * ".constprop.0", ".part.3", ".isra.1", ".llvm.123") are left out, so that a
 * function has one name in every build; a C name comes back without them. NULL:
 * no memory.
 */
char *lsp_demangle(const char *linkage);

/* Length of @linkage without such suffixes and without a symbol version (@@GLIBC_2.34). */
size_t lsp_demangle_stem(const char *linkage);

#endif
