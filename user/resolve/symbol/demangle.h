/* SPDX-License-Identifier: GPL-2.0-only */
/* Turns the names that linkers know into names that people write. */
#ifndef LSP_SYMBOL_DEMANGLE_H
#define LSP_SYMBOL_DEMANGLE_H

#include <stddef.h>

/*
 * Returns the malloc'ed C++, Rust or D name that @linkage stands for: C++ and D with their
 * parameters, Rust without its hash. Suffixes of copies that compilers make (".cold",
 * ".constprop.0", ".part.3", ".isra.1", ".llvm.123") are left out, so that a function has one name
 * in every build. A C name is returned without these suffixes. NULL: no memory.
 */
char *lsp_demangle(const char *linkage);

/*
 * Returns the length of @linkage without these suffixes and without a symbol version
 * (@@GLIBC_2.34).
 */
size_t lsp_demangle_stem(const char *linkage);

#endif
