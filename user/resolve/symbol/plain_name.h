/* SPDX-License-Identifier: GPL-2.0-only */
/* Reduces the name of a function to the bare name that tables of names have. */
#ifndef LSP_SYMBOL_PLAIN_NAME_H
#define LSP_SYMBOL_PLAIN_NAME_H

#include <stddef.h>

/*
 * Writes @name without its return type, parameters, template arguments and inline namespaces:
 * "std::mutex::lock", "absl::Mutex::Lock" (from absl::lts_2023::), "std::sync::MutexGuard::drop"
 * (from <... as core::ops::drop::Drop>::drop). The name is cut to what fits.
 */
void lsp_plain_name(const char *name, char *ret, size_t bytes);

/*
 * Writes @name as a table shows it: without template arguments, parameters and inline namespaces, but with all
 * else that tells two functions apart: "Cache::get::{lambda#1}::operator()". Names of other languages keep their
 * brackets: "main.(*Cache).Get". A name that does not fit is cut.
 */
void lsp_short_name(const char *name, char *ret, size_t bytes);

#endif
