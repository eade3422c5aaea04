/* SPDX-License-Identifier: GPL-2.0-only */
/* The sampling rates of a recording. */
#ifndef LSP_CAPTURE_RATES_H
#define LSP_CAPTURE_RATES_H

#include <stdint.h>

struct lsp_rates {
	uint64_t block_rate_ns;		/* a wait of this length or longer is always kept, a shorter one by chance */
	uint32_t mutex_fraction;	/* one release in so many is kept */
	uint64_t min_delay_ns;		/* shorter waits are left out */
};

#endif
