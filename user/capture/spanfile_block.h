/* SPDX-License-Identifier: GPL-2.0-only */
/* Framing of .lspan files, for their writer and reader alone. All numbers little-endian. */
#ifndef LSP_CAPTURE_SPANFILE_BLOCK_H
#define LSP_CAPTURE_SPANFILE_BLOCK_H

#include <stdint.h>

#define LSP_SPANFILE_MAGIC "LSPAN\r\n\1"
#define LSP_SPANFILE_MAGIC_BYTES 8

#define LSP_SPANFILE_BLOCK_MAGIC 0x4b4c424cU	/* "LBLK" */
#define LSP_SPANFILE_BLOCK_BYTES 24		/* of a block's header */
/* A block is written when it holds this much; one entry may exceed it. */
#define LSP_SPANFILE_BLOCK_FULL (256 << 10)
#define LSP_SPANFILE_RAW_MAX (16 << 20)

/* 24 bytes: magic, raw bytes, packed bytes, entries, CRC-32 of the packed bytes, CRC-32 of the 20 before. */
struct lsp_spanfile_block {
	uint32_t magic;
	uint32_t raw_bytes;
	uint32_t packed_bytes;
	uint32_t entries;
	uint32_t packed_crc;
	uint32_t header_crc;
};

#endif
