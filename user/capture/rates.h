/* SPDX-License-Identifier: GPL-2.0-only */
/* How much of what happens is kept. */
#ifndef LSP_CAPTURE_RATES_H
#define LSP_CAPTURE_RATES_H

#include <stdint.h>

struct lsp_rates {
	uint64_t block_rate_ns;		/* a wait of this length or longer is kept, a shorter one by chance */
	uint32_t mutex_fraction;	/* one release of so many is kept */
	uint64_t min_delay_ns;		/* shorter waits are left out */
};

#endif
