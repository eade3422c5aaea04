/* SPDX-License-Identifier: GPL-2.0-only */
/* How long waits or holds were: the lengths that are told of many, and what these are called in JSON. */
#ifndef LSP_BASE_LENGTHS_H
#define LSP_BASE_LENGTHS_H

#include <stdint.h>

/* The name, and how many of 1,000 were longer. */
#define LSP_LENGTHS(X)		\
	X(P50, "p50_ns", 500)	\
	X(P90, "p90_ns", 100)	\
	X(P99, "p99_ns", 10)	\
	X(P999, "p999_ns", 1)	\
	X(MAX, "max_ns", 0)

#define LSP_ENUM_LENGTH(id, name, longer) LSP_LENGTH_##id,
enum lsp_length { LSP_LENGTHS(LSP_ENUM_LENGTH) LSP_LENGTH_COUNT };

struct lsp_lengths {
	double ns[LSP_LENGTH_COUNT];	/* below 0: they are not known */
};

#define LSP_LENGTHS_UNKNOWN ((struct lsp_lengths){ { -1, -1, -1, -1, -1 } })

#define LSP_ENTRY_LENGTH(id, name, longer) { name, longer },
static const struct lsp_length_kind {
	const char *name;
	uint64_t longer;
} lsp_length_kinds[LSP_LENGTH_COUNT] = { LSP_LENGTHS(LSP_ENTRY_LENGTH) };

#endif
