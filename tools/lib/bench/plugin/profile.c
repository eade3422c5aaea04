// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU's: how often the guest has run each piece of code. Written
 * when QEMU ends, one line a translated block, to the file that the argument
 * out= names:
 *
 *   ADDRESS BYTES EXECUTIONS INSTRUCTIONS FIRST-BYTES
 *
 * in hexadecimal but for the counts; INSTRUCTIONS is the product. The first
 * bytes of the code tell programs apart that stand at the same addresses.
 * For one virtual CPU: the counters are not atomic.
 *
 *   cc -O2 -shared -fPIC -o profile.so tools/lib/bench/plugin/profile.c
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of qemu-plugin.h, version 1, which Debian does not package. */
#define EXPORT __attribute__((visibility("default")))
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
		uint64_t imm);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*cb)(qemu_plugin_id_t id, void *arg),
		void *arg);
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			       char **argv);

#define BUCKETS 65536
#define HEAD_BYTES 16

struct block {
	struct block *next;
	uint64_t address;
	uint64_t runs;
	uint32_t insns;
	uint32_t bytes;
	uint32_t nhead;
	uint8_t head[HEAD_BYTES];
};

static struct block *g_blocks[BUCKETS];
static const char *g_out;

static void head_add(struct block *b, const struct qemu_plugin_insn *insn)
{
	size_t n = qemu_plugin_insn_size(insn);

	b->bytes += (uint32_t)n;
	if (n > HEAD_BYTES - b->nhead)
		n = HEAD_BYTES - b->nhead;
	memcpy(b->head + b->nhead, qemu_plugin_insn_data(insn), n);
	b->nhead += (uint32_t)n;
}

static bool block_equal(const struct block *a, const struct block *b)
{
	return a->address == b->address && a->insns == b->insns && a->bytes == b->bytes &&
	       !memcmp(a->head, b->head, HEAD_BYTES);
}

/* The same code is translated again and again: one counter for all of it. */
static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block key = { .address = qemu_plugin_tb_vaddr(tb) };
	struct block **bucket = &g_blocks[(key.address ^ key.address >> 16) % BUCKETS];
	struct block *b;

	(void)id;
	key.insns = (uint32_t)qemu_plugin_tb_n_insns(tb);
	for (size_t i = 0; i < key.insns; i++)
		head_add(&key, qemu_plugin_tb_get_insn(tb, i));
	for (b = *bucket; b && !block_equal(b, &key); b = b->next)
		;
	if (!b) {
		b = malloc(sizeof(*b));
		if (!b)
			abort();
		*b = key;
		b->next = *bucket;
		*bucket = b;
	}
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->runs, 1);
}

static void blocks_write(qemu_plugin_id_t id, void *arg)
{
	FILE *f = fopen(g_out, "w");

	(void)id;
	(void)arg;
	for (size_t i = 0; f && i < BUCKETS; i++) {
		for (const struct block *b = g_blocks[i]; b; b = b->next) {
			fprintf(f, "%" PRIx64 " %x %" PRIu64 " %" PRIu64 " ", b->address, b->bytes,
				b->runs, b->runs * b->insns);
			for (size_t k = 0; k < b->nhead; k++)
				fprintf(f, "%02x", b->head[k]);
			putc('\n', f);
		}
	}
	if (!f || fclose(f))
		perror(g_out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			g_out = argv[i] + 4;
	if (!g_out)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, blocks_write, NULL);
	return 0;
}
