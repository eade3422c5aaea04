// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would catch: a broken file that is taken for a profile, or refused without
 * the reason; a valid one of another writer that is refused; a byte read
 * outside the file (the sanitizer sees it); a bomb that inflates without end.
 * sources: user/base/intern.c user/base/arena.c user/base/index.c user/profile/utf8.c user/profile/gzip.c user/profile/wire.c
 * sources: user/profile/pprof.c user/profile/pprof_encode.c user/profile/pprof_write.c
 * sources: user/profile/pprof_decode.c user/profile/pprof_read.c
 * sources: user/profile/profile.pb-c.c tests/unit/fixture_profile.c
 * libs: -lprotobuf-c -lz
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "../../user/profile/gzip.h"
#include "fixture_profile.h"

struct buffer {
	unsigned char data[4096];
	size_t bytes;
};

static void put(struct buffer *b, const void *data, size_t bytes)
{
	assert_true(b->bytes + bytes <= sizeof(b->data));
	memcpy(b->data + b->bytes, data, bytes);
	b->bytes += bytes;
}

static void put_raw(struct buffer *b, uint64_t value)
{
	unsigned char byte;

	do {
		byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		put(b, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_number(struct buffer *b, unsigned int field, uint64_t value)
{
	put_raw(b, field << 3);
	put_raw(b, value);
}

static void put_bytes(struct buffer *b, unsigned int field, const void *data, size_t bytes)
{
	put_raw(b, field << 3 | 2);
	put_raw(b, bytes);
	put(b, data, bytes);
}

/* A valid file but for what a row below changes. */
struct spec {
	const char *string_0;
	uint64_t type, type_unit, period_type, mapping_file, function_name, comment, key, str, num,
		 unit, default_type;
	uint64_t mapping, location, function;		/* ids */
	uint64_t names_mapping, names_function, names_location;
	unsigned int mappings, locations, functions, values, types;	/* how many */
};

static const struct spec valid = {
	.string_0 = "", .type = 1, .type_unit = 2, .period_type = 1, .mapping_file = 5,
	.function_name = 5, .comment = 5, .key = 6, .str = 5,
	.mapping = 3, .location = 7, .function = 9,
	.names_mapping = 3, .names_function = 9, .names_location = 7,
	.mappings = 1, .locations = 1, .functions = 1, .values = 2, .types = 2,
};

static void put_sample(struct buffer *b, const struct spec *s)
{
	struct buffer m = { .bytes = 0 }, label = { .bytes = 0 };
	unsigned int i;

	put_number(&m, 1, s->names_location);		/* not packed: legal too */
	for (i = 0; i < s->values; i++)
		put_number(&m, 2, 10 + i);
	put_number(&label, 1, s->key);
	put_number(&label, 2, s->str);
	put_number(&label, 3, s->num);
	put_number(&label, 4, s->unit);
	put_bytes(&m, 3, label.data, label.bytes);
	put_bytes(b, 2, m.data, m.bytes);
}

static void put_type(struct buffer *b, unsigned int field, uint64_t type, uint64_t unit)
{
	struct buffer m = { .bytes = 0 };

	put_number(&m, 1, type);
	put_number(&m, 2, unit);
	put_bytes(b, field, m.data, m.bytes);
}

static void put_objects(struct buffer *b, const struct spec *s)
{
	struct buffer mapping = { .bytes = 0 }, location = { .bytes = 0 }, function = { .bytes = 0 };
	struct buffer line = { .bytes = 0 };
	unsigned int i;

	put_number(&mapping, 1, s->mapping);
	put_number(&mapping, 5, s->mapping_file);
	put_number(&line, 1, s->names_function);
	put_number(&location, 1, s->location);
	put_number(&location, 2, s->names_mapping);
	put_bytes(&location, 4, line.data, line.bytes);
	put_number(&function, 1, s->function);
	put_number(&function, 2, s->function_name);
	for (i = 0; i < s->locations; i++)
		put_bytes(b, 4, location.data, location.bytes);
	for (i = 0; i < s->mappings; i++)
		put_bytes(b, 3, mapping.data, mapping.bytes);
	for (i = 0; i < s->functions; i++)
		put_bytes(b, 5, function.data, function.bytes);
}

/* Samples first and strings last, as a stream may have them. */
static struct buffer build(const struct spec *s)
{
	static const char *const strings[] = {
		"contentions", "count", "delay", "nanoseconds", "work", "lock",
	};
	struct buffer b = { .bytes = 0 };
	unsigned int i;

	put_sample(&b, s);
	for (i = 0; i < s->types; i++)
		put_type(&b, 1, s->type, s->type_unit);
	put_objects(&b, s);
	put_type(&b, 11, s->period_type, 2);
	put_number(&b, 13, s->comment);
	put_number(&b, 14, s->default_type);
	put_bytes(&b, 6, s->string_0, strlen(s->string_0));
	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		put_bytes(&b, 6, strings[i], strlen(strings[i]));
	return b;
}

static void assert_refused(const void *data, size_t bytes, const char *want)
{
	/* A copy without a byte to spare, so that reading on is seen. */
	void *copy = malloc(bytes ? bytes : 1);
	struct lsp_profile *p = (void *)1;
	char why[256] = "";
	int ret;

	memcpy(copy, data, bytes);
	ret = lsp_profile_read_mem(copy, bytes, &p, why, sizeof(why));
	free(copy);
	assert_null(p);
	assert_int_equal(ret, -EBADMSG);
	if (want)
		assert_string_equal(why, want);
	assert_true(why[0]);
}

static void test_valid(void **state)
{
	static const unsigned char packed[] = { 13 << 3 | 2, 2, 5, 6 };
	struct buffer b = build(&valid);
	struct lsp_profile_sample s;
	struct lsp_profile_location l;
	struct lsp_profile *p;
	char why[256];

	(void)state;
	put(&b, packed, sizeof(packed));
	put_number(&b, 99, 1);				/* of a later format */
	put_bytes(&b, 100, "later", 5);
	assert_int_equal(lsp_profile_read_mem(b.data, b.bytes, &p, why, sizeof(why)), 0);
	assert_int_equal(lsp_profile_samples(p), 1);
	assert_true(lsp_profile_sample(p, 0, &s));
	assert_true(s.values[0] == 10 && s.values[1] == 11);
	assert_string_equal(s.labels[0].key, "lock");
	assert_string_equal(s.labels[0].str, "work");
	assert_true(lsp_profile_location(p, s.locations[0], &l));
	assert_string_equal(l.lines[0].function, "work");
	assert_string_equal(lsp_profile_comment(p, 2), "lock");
	lsp_profile_destroy(p);
}

/* go tool pprof takes a location whose mapping is not in the file, and so does this. */
static void test_no_mapping(void **state)
{
	struct spec s = valid;
	struct lsp_profile_location l;
	struct lsp_profile *p;
	struct buffer b;
	char why[256];

	(void)state;
	s.names_mapping = 4;
	b = build(&s);
	if (lsp_profile_read_mem(b.data, b.bytes, &p, why, sizeof(why)))
		fail_msg("%s", why);
	assert_true(lsp_profile_location(p, 1, &l));
	assert_int_equal(l.mapping, 0);
	assert_string_equal(l.lines[0].function, "work");
	lsp_profile_destroy(p);
}

/* One address, folded by the linker or not, is two locations and stays two. */
static void test_folded(void **state)
{
	struct buffer b = build(&valid), location = { .bytes = 0 };
	struct lsp_profile *p, *again;
	struct lsp_profile_location l;
	size_t bytes;
	char why[256];
	void *data;

	(void)state;
	put_number(&location, 1, 8);
	put_number(&location, 2, valid.mapping);
	put_bytes(&location, 4, "\x08\x09", 2);
	put_number(&location, 5, 1);
	put_bytes(&b, 4, location.data, location.bytes);
	put_bytes(&b, 2, "\x0a\x01\x08\x12\x02\x01\x01", 7);
	assert_int_equal(lsp_profile_read_mem(b.data, b.bytes, &p, why, sizeof(why)), 0);
	assert_int_equal(lsp_profile_write_mem(p, &data, &bytes), 0);
	assert_int_equal(lsp_profile_read_mem(data, bytes, &again, why, sizeof(why)), 0);
	assert_true(lsp_profile_location(p, 2, &l) && lsp_profile_location(again, 2, &l));
	lsp_profile_destroy(p);
	lsp_profile_destroy(again);
	free(data);
}

static void test_rules(void **state)
{
	static const struct {
		struct spec s;		/* what is not 0 replaces what is valid; ~0 stands for 0 */
		const char *want;
	} rows[] = {
		{ { .string_0 = "x" }, "string 0 is not empty" },
		{ { .type = 7 }, "a type is string 7 of 7" },
		{ { .type = (uint64_t)-2 }, "a type is string -2 of 7" },
		{ { .type_unit = 99 }, "a unit is string 99 of 7" },
		{ { .period_type = 7 }, "a type is string 7 of 7" },
		{ { .mapping_file = 7 }, "a mapping's file is string 7 of 7" },
		{ { .function_name = 7 }, "a function is string 7 of 7" },
		{ { .comment = 7 }, "a comment is string 7 of 7" },
		{ { .default_type = 7 }, "a default type is string 7 of 7" },
		{ { .key = 7 }, "a label's key is string 7 of 7" },
		{ { .str = 7 }, "a label is string 7 of 7" },
		{ { .unit = 7 }, "a label's unit is string 7 of 7" },
		{ { .num = 4 }, "sample 0 has a label that is both text and number" },
		{ { .mapping = ~0ULL }, "a mapping has the id 0" },
		{ { .location = ~0ULL }, "a location has the id 0" },
		{ { .function = ~0ULL }, "a function has the id 0" },
		{ { .mappings = 2 }, "two mappings have the id 3" },
		{ { .locations = 2 }, "two locations have the id 7" },
		{ { .functions = 2 }, "two functions have the id 9" },
		{ { .names_function = 4 }, "location 7 names function 4, which does not exist" },
		{ { .names_function = ~0ULL }, "location 7 names function 0, which does not exist" },
		{ { .names_location = 4 }, "sample 0 names location 4, which does not exist" },
		{ { .names_location = ~0ULL }, "sample 0 names location 0, which does not exist" },
		{ { .values = 1 }, "sample 0 has 1 value for 2 sample types" },
		{ { .values = 3 }, "sample 0 has 3 values for 2 sample types" },
		{ { .types = ~0U }, "there are no sample types" },
		{ { .types = 9 }, "there are more than 8 sample types" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct spec *r = &rows[i].s;
		struct spec s = valid;
		struct buffer b;

#define TAKE(field) do { if (r->field) s.field = ~r->field ? r->field : 0; } while (0)
		if (r->string_0)
			s.string_0 = r->string_0;
		TAKE(type); TAKE(type_unit); TAKE(period_type); TAKE(mapping_file); TAKE(function_name);
		TAKE(comment); TAKE(key); TAKE(str); TAKE(num); TAKE(unit); TAKE(default_type);
		TAKE(mapping); TAKE(location); TAKE(function);
		TAKE(names_mapping); TAKE(names_function); TAKE(names_location);
		TAKE(mappings); TAKE(locations); TAKE(functions); TAKE(values); TAKE(types);
		b = build(&s);
		assert_refused(b.data, b.bytes, rows[i].want);
	}
}

static void test_wire(void **state)
{
	static const struct {
		const char *data;
		size_t bytes;
		const char *want;
	} rows[] = {
		{ "", 0, "it is empty" },
		{ "hello, world\n", 13, "it is text, not a pprof protobuf" },
		{ "--- mutex:\ncycles/second=1000000000\n", 36, "it is text, not a pprof protobuf" },
		{ "<html>Not Found</html>", 22, "it is text, not a pprof protobuf" },
		{ "\x0a", 1, NULL },
		{ "\x32\x00\x0a\xff", 4, "the protobuf is cut short or damaged at byte 4 of 4" },
		{ "\x0a\x05" "abc", 5, "the protobuf is cut short or damaged at byte 2 of 5" },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, NULL },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, NULL },
		{ "\x00\x01", 2, NULL },		/* field 0 */
		{ "\x0b\x0c", 2, NULL },		/* a group */
		{ "\x31\1\2\3\4\5\6\7\10", 9, "field 6 has wire type 1, so this is no profile" },
		{ "\x08\x01", 2, "field 1 has wire type 0, so this is no profile" },
		{ "\xfa\x01\x03" "abc", 6, "there is no string table, so this is no profile" },
		{ "\x32\x00", 2, "there are no sample types" },
		{ "\x32\x00\x0a\x01\xff", 5, "a value type is damaged" },
		{ "\x32\x00\x1a\x01\xff", 5, "a mapping is damaged" },
		{ "\x32\x00\x2a\x01\xff", 5, "a function is damaged" },
		{ "\x32\x00\x6a\x01\xff", 5, "the comments are damaged" },
		{ "\x32\x00\x0a\x00\x22\x01\xff", 7, "a location is damaged" },
		{ "\x32\x00\x0a\x00\x12\x01\xff", 7, "sample 0 is damaged" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(rows[i].data, rows[i].bytes, rows[i].want);
}

/* What must not follow even the best of profiles. */
static void test_wire_tail(void **state)
{
	static const struct {
		const char *data;
		size_t bytes;
	} tails[] = {
		{ "\x00\x01", 2 },						/* field 0 */
		{ "\x80\x80\x80\x80\x10\x01", 6 },				/* field 2^29 */
		{ "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 12 },	/* 65 bits */
		{ "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13 },
		{ "\x85\x01\x01\x02\x03", 5 },				/* 4 bytes, 3 there */
		{ "\x81\x01\x01\x02\x03\x04\x05\x06\x07", 9 },		/* 8 bytes, 7 there */
		{ "\x83\x01", 2 },						/* a group */
	};
	struct buffer b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		b = build(&valid);
		put(&b, tails[i].data, tails[i].bytes);
		assert_refused(b.data, b.bytes, NULL);
	}
}

/* Wherever a file is cut, gzipped or not, it is no profile any more. */
static void test_truncated(void **state)
{
	struct lsp_profile *back;
	size_t bytes, i, plain_bytes;
	void *data, *plain;
	const char *clause;
	struct fixture f;
	char why[256];

	(void)state;
	fixture_create(&f, 0, "/opt/lab/prog.c");
	assert_int_equal(lsp_profile_write_mem(f.p, &data, &bytes), 0);
	assert_int_equal(lsp_gzip_read(data, bytes, 1 << 20, &plain, &plain_bytes, &clause), 0);
	assert_refused(data, bytes - 1, "the gzip data ends too early");
	for (i = 0; i < bytes; i++)
		assert_refused(data, i, NULL);
	for (i = 0; i < plain_bytes; i++)
		assert_refused(plain, i, NULL);
	assert_int_equal(lsp_profile_read_mem(plain, plain_bytes, &back, why, sizeof(why)), 0);
	assert_int_equal(lsp_profile_samples(back), FIXTURE_SAMPLES);
	lsp_profile_destroy(back);
	free(plain);
	free(data);
	lsp_profile_destroy(f.p);
}

/*
 * A flipped bit is found by gzip's checksum, if not before. A few bits do not matter: up to seven are filling, and some
 * describe codes that the data does not use. Then what is read is the same.
 */
static void test_damaged(void **state)
{
	size_t bytes, again_bytes, i, harmless = 0;
	struct lsp_profile *back;
	struct fixture f;
	char why[256];
	void *data, *again;
	int err;

	(void)state;
	fixture_create(&f, 0, "/opt/lab/prog.c");
	assert_int_equal(lsp_profile_write_mem(f.p, &data, &bytes), 0);
	for (i = 10 * 8; i < bytes * 8; i++) {
		((unsigned char *)data)[i / 8] ^= 1 << i % 8;
		err = lsp_profile_read_mem(data, bytes, &back, why, sizeof(why));
		((unsigned char *)data)[i / 8] ^= 1 << i % 8;
		if (!err) {
			harmless++;
			assert_int_equal(lsp_profile_write_mem(back, &again, &again_bytes), 0);
			assert_int_equal(again_bytes, bytes);
			assert_memory_equal(again, data, bytes);
			free(again);
		}
		lsp_profile_destroy(back);
	}
	assert_true(harmless < 16);
	free(data);
	lsp_profile_destroy(f.p);
}

static int sink(void *arg, const void *data, size_t bytes)
{
	struct buffer *b = arg;

	put(b, data, bytes);
	return 0;
}

static void gzip_member(struct buffer *b, const void *data, size_t bytes)
{
	struct lsp_gzip *z = lsp_gzip_create(sink, b);

	assert_int_equal(lsp_gzip_write(z, data, bytes), 0);
	assert_int_equal(lsp_gzip_finish(z), 0);
	lsp_gzip_destroy(z);
}

static void test_gzip_members(void **state)
{
	struct buffer plain = build(&valid), b = { .bytes = 0 };
	struct lsp_profile *p;
	char why[256];

	(void)state;
	gzip_member(&b, plain.data, 40);
	gzip_member(&b, plain.data + 40, plain.bytes - 40);
	assert_int_equal(lsp_profile_read_mem(b.data, b.bytes, &p, why, sizeof(why)), 0);
	assert_int_equal(lsp_profile_samples(p), 1);
	lsp_profile_destroy(p);
	put(&b, "x", 1);
	assert_refused(b.data, b.bytes, "something follows the gzip data");
	b.data[b.bytes - 1] = 0x1f;
	put(&b, "\x8b", 1);
	assert_refused(b.data, b.bytes, "the gzip data ends too early");
	b.bytes = 0;
	gzip_member(&b, "", 0);
	assert_refused(b.data, b.bytes, "it is empty");
}

/* The limit is exact, and far below it no more memory is taken than is used. */
static void test_bomb(void **state)
{
	static unsigned char zeros[3 * 64 * 1024];
	const size_t limits[] = { sizeof(zeros) - 1, sizeof(zeros), sizeof(zeros) + 1, 128 * 1024, 0 };
	struct buffer b = { .bytes = 0 };
	const char *clause;
	size_t i, bytes;
	void *out;

	(void)state;
	gzip_member(&b, zeros, sizeof(zeros));
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		int ret = lsp_gzip_read(b.data, b.bytes, limits[i], &out, &bytes, &clause);

		assert_int_equal(ret, limits[i] < sizeof(zeros) ? -EFBIG : 0);
		if (ret)
			continue;
		assert_int_equal(bytes, sizeof(zeros));
		free(out);
	}
}

/* 1 GiB of zeros in a few MiB: refused with the limit's own words. */
static void test_bomb_refused(void **state)
{
	static unsigned char zeros[1 << 20];
	z_stream z = { 0 };
	size_t capacity = 16 << 20, i;
	unsigned char *bomb = malloc(capacity);

	(void)state;
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = bomb;
	z.avail_out = (uInt)capacity;
	for (i = 0; i <= 1024; i++) {
		z.next_in = zeros;
		z.avail_in = i < 1024 ? sizeof(zeros) : 1;
		assert_int_equal(deflate(&z, i < 1024 ? Z_NO_FLUSH : Z_FINISH), i < 1024 ? Z_OK : Z_STREAM_END);
	}
	assert_refused(bomb, z.total_out, "it inflates to more than 1024 MiB");
	deflateEnd(&z);
	free(bomb);
}

/* Reads @from and writes @to, for tests/e2e/pprof-format.sh. */
static int again(const char *from, const char *to)
{
	struct lsp_profile *p;
	char why[256];
	int ret = lsp_profile_read(from, &p, why, sizeof(why));

	if (ret) {
		fprintf(stderr, "%s: %s\n", from, why);
		return 1;
	}
	ret = lsp_profile_write(p, to);
	lsp_profile_destroy(p);
	return ret ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_no_mapping),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_wire_tail),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_gzip_members),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_bomb_refused),
	};

	if (argc == 4 && !strcmp(argv[1], "--again"))
		return again(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
