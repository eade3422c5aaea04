/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parses numbers, times and sizes in the options of all commands: one way to write each. A
 * lsp_parse_* function that fails exits with a usage error that shows how the value is written. The
 * lsp_text_* functions below only tell whether the text was a value.
 */
#ifndef LSP_CMD_PARSE_H
#define LSP_CMD_PARSE_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The unit of a time that is written without one. */
enum lsp_unit { LSP_UNIT_NS, LSP_UNIT_S };

/* A whole number, decimal or 0x... */
bool lsp_text_number(const char *text, uint64_t max, uint64_t *ret);

/* 500, 10us, 1.5s, 5m, 1h, in ns. */
bool lsp_text_time(const char *text, enum lsp_unit without, uint64_t *ret_ns);

/* 65536, 64K, 16M, 1G, with or without iB behind it, in bytes. */
bool lsp_text_size(const char *text, uint64_t max, uint64_t *ret);

/* 20, 0.5, 1e6, with or without @unit behind it: above 0. */
bool lsp_text_amount(const char *text, const char *unit, double *ret);

uint64_t lsp_parse_number(const char *text, uint64_t max, struct argp_state *state);
uint64_t lsp_parse_time(const char *text, enum lsp_unit without, struct argp_state *state);
uint64_t lsp_parse_size(const char *text, uint64_t max, struct argp_state *state);

/* Parses the number of rows of a table: 0, for all rows, becomes SIZE_MAX. */
size_t lsp_parse_rows(const char *text, struct argp_state *state);

#endif
