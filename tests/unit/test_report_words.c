// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources: tests/unit/fixture_report.c user/report/ user/report/why/ user/profile/
 * sources: user/resolve/sync_names.c user/resolve/symbol/plain_name.c
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lz -lprotobuf-c -ljson-c -lm
 *
 * How a report names places and writes numbers. Would catch: a library's wrapper
 * taken for the program's function, a time of 1000 us, "1 waits", a name
 * that steers the terminal, and a short name that means nothing or breaks a character.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>

#include "../../user/report/site.h"
#include "../../user/report/words.h"
#include "../../user/resolve/symbol/plain_name.h"
#include "../../user/profile/pprof.h"

/* The wrapper of a language's library is not the site. */
static void test_site(void **state)
{
	static const struct {
		const char *names, *site;
	} rows[] = {
		{ "[\"pthread_mutex_lock\",\"std::mutex::lock\",\"Cache::get\",\"main\"]", "Cache::get" },
		{ "[\"sync.(*Mutex).Lock\",\"main.work\"]", "main.work" },
		{ "[\"pthread_mutex_lock\",\"std::mutex::lock\"]", "pthread_mutex_lock" },
		{ "[\"pthread_mutex_lock\",\"mtx_lock\",\"main\"]", "main" },
		{ "[\"malloc\",\"operator new(unsigned long)\",\"my_work\",\"main\"]", "my_work" },
		{ "[\"free\",\"operator delete(void*)\",\"my_work\",\"main\"]", "my_work" },
		{ "[\"pthread_mutex_lock\",\"uv_mutex_lock\",\"my_work\"]", "my_work" },
		{ "[\"pthread_mutex_lock\",\"malloc\",\"my_work\"]", "my_work" },
		{ "[\"pthread_join\",\"<std::thread::JoinHandle<T>>::join\",\"my_work\"]", "my_work" },
		/* a program's own, that begin like a library's */
		{ "[\"sem_wait\",\"sem_take\",\"sem_worker\",\"start_thread\"]", "sem_take" },
		{ "[\"pthread_mutex_lock\",\"pthread_pool_take\",\"main\"]", "pthread_pool_take" },
		{ "[\"sem_wait\",\"_PySemaphore_Wait\",\"python3.13+0x59174c\",\"_PyEval_EvalFrameDefault\",\"py::work:/x.py\"]",
		  "py::work:/x.py" },
		{ "[\"sem_wait\",\"python3.13+0x59174c\",\"_PyEval_EvalFrameDefault\",\"start_thread\"]",
		  "python3.13+0x59174c" },
		{ "[\"[no stack]\"]", "[no stack]" },
		{ "[\"futex_wait\",\"[truncated]\"]", "futex_wait" },
		{ "[]", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_object *names = json_tokener_parse(rows[i].names);

		assert_string_equal(lsp_site_of_names(names), rows[i].site);
		json_object_put(names);
	}
}

/* Rust's core and alloc are libraries, a C++ program's namespaces of that name are not. */
static void test_site_by_file(void **state)
{
	static const struct { const char *file, *site; } rows[] = {
		{ "/usr/src/rustc-1.63.0/library/core/src/ptr/mod.rs", "zoo::take" },
		{ "/rustc/59807616e/library/core/src/ptr/mod.rs", "zoo::take" },
		{ "", "zoo::take" },
		{ "/home/me/engine/core/tick.cc", "core::tick" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
		const struct lsp_profile_line lines[] = {
			{ .function = "sem_wait", .system_name = "", .file = "" },
			{ .function = "core::tick", .system_name = "", .file = rows[i].file, .line = 5 },
			{ .function = "zoo::take", .system_name = "", .file = "/src/take", .line = 7 },
		};
		struct lsp_profile_sample s;
		struct lsp_site site;
		uint64_t stack[3];

		for (size_t k = 0; k < 3; k++)
			stack[k] = (uint64_t)lsp_profile_location_add(p, 0, 0, &lines[k], 1);
		assert_int_equal(lsp_profile_sample_add(p, stack, 3, NULL, 0, (double[]){ 1, 1 }), 0);
		assert_true(lsp_profile_sample(p, 0, &s));
		lsp_site_find(p, &s, &site);
		assert_string_equal(site.function, rows[i].site);
		lsp_profile_destroy(p);
	}
}

/* In a profile the file tells the interpreter's functions from others'. */
static void test_site_of_interpreted(void **state)
{
	static const struct { const char *file, *site; } rows[] = {
		{ "/usr/bin/python3.13", "py::work:/home/me/x.py" }, { "/home/me/fast.so", "lock_acquire" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lsp_profile *p = lsp_profile_create(lsp_profile_contention_types, 2);
		const char *const names[] = { "sem_wait", "lock_acquire", "py::work:/home/me/x.py" };
		const struct lsp_profile_mapping m = { .start = 4096, .limit = 8192, .filename = rows[i].file, .build_id = "" };
		int64_t mapping = lsp_profile_mapping_add(p, &m);
		struct lsp_profile_sample s;
		struct lsp_site site;
		uint64_t stack[3];

		for (size_t k = 0; k < 3; k++) {
			const struct lsp_profile_line line = { .function = names[k], .system_name = "", .file = "" };

			stack[k] = (uint64_t)lsp_profile_location_add(p, k == 1 ? (uint64_t)mapping : 0, 4096 + k, &line, 1);
		}
		assert_int_equal(lsp_profile_sample_add(p, stack, 3, NULL, 0, (double[]){ 1, 1 }), 0);
		assert_true(lsp_profile_sample(p, 0, &s));
		lsp_site_find(p, &s, &site);
		assert_string_equal(site.function, rows[i].site);
		lsp_profile_destroy(p);
	}
}

static void test_words(void **state)
{
	static const struct {
		double ns;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 0.4, "0" }, { 1, "1ns" }, { 999, "999ns" }, { 999.6, "1.00us" }, { 1234, "1.23us" },
		{ 99.96e6, "100ms" }, { -7.0855e9, "-7.09s" }, { 119.4e9, "119s" }, { 3600e9, "60.0min" }, { 7200e9, "2.00h" },
	};
	char to[LSP_WORD], *text = NULL;
	size_t bytes;
	FILE *f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(lsp_words_ns(to, rows[i].ns), rows[i].text);
	assert_string_equal(lsp_words_count(to, 1234567), "1,234,567");
	assert_string_equal(lsp_words_count(to, 12.34), "12.3");
	assert_string_equal(lsp_words_count(to, -1234), "-1,234");
	assert_string_equal(lsp_words_share(to, 1, 0), "-");
	f = open_memstream(&text, &bytes);
	lsp_words_name(f, "a\033[31m\302\233b\303\244");
	fclose(f);
	assert_string_equal(text, "a\\x1b[31m\\xc2\233b\303\244");
	free(text);
}

static void test_counted(void **state)
{
	static const struct {
		double count;
		const char *text;
	} rows[] = { { 0, "0 waits" }, { 1, "1 wait" }, { 2, "2 waits" }, { 1.5, "1.5 waits" }, { 0.999, "1 wait" },
		     { 1234, "1,234 waits" } };
	char text[2 * LSP_WORD];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(lsp_words_counted(text, rows[i].count, "wait"), rows[i].text);
}

/* Short enough for a table, and yet no two functions of a program become one that have different names. */
static void test_short(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector::push_back" },
		{ "std::__cxx11::basic_string<char>::append(char const*)", "std::basic_string::append" },
		{ "absl::lts_20220623::Mutex::Lock()", "absl::Mutex::Lock" },
		{ "foo(int)::{lambda(int)#1}::operator()(int) const", "foo::{lambda#1}::operator()" },
		{ "ns::(anonymous namespace)::Pool<int>::run()", "ns::(anonymous namespace)::Pool::run" },
		{ "operator<(A const&, B const&)", "operator<" },
		{ "A::operator->() const", "A::operator->" },
		{ "call(std::function<void (int)>)", "call" },
		{ "<alloc::sync::Arc<T> as core::ops::drop::Drop>::drop", "alloc::sync::Arc::drop" },
		{ "zoo::Mutex::<T>::lock", "zoo::Mutex::lock" },
		{ "std::thread::spawn_unchecked_::{{closure}}", "std::thread::spawn_unchecked_::{{closure}}" },
		/* locks named after functions */
		{ "heap@ns::Pool<int>::run(int)", "heap@ns::Pool::run" },
		{ "init@Pool<int>::Pool(int):12", "init@Pool::Pool:12" },
		{ "parked@ns::Pool<int>::run#1 [unsure]", "parked@ns::Pool::run#1 [unsure]" },
		{ "g_cache.shards[3].mu", "g_cache.shards[3].mu" },
		/* other languages */
		{ "main.(*Cache).Get", "main.(*Cache).Get" }, { "main.F[...]", "main.F[...]" },
		{ "py::f:/a/b (c).py", "py::f:/a/b (c).py" }, { "<module>", "<module>" }, { "[no stack]", "[no stack]" },
		{ "", "" }, { "<", "<" }, { "a(", "a" }, { "operator", "operator" }, { " const", " const" },
		{ "py::<module>:/home/me/x.py", "py::<module>:/home/me/x.py" },
		{ "parked@py::f.<locals>.<lambda>:/home/me/x.py#1", "parked@py::f.<locals>.<lambda>:/home/me/x.py#1" },
	};
	char text[256], tight[5];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lsp_short_name(rows[i].name, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		lsp_short_name(rows[i].name, tight, sizeof(tight));
		assert_true(strlen(tight) < sizeof(tight));
	}
}

static void test_fit(void **state)
{
	static const struct {
		size_t columns;
		const char *text;
	} rows[] = { { 0, "z\303\244hl 12" }, { 7, "z\303\244hl 12" }, { 6, "z\303\244h..." }, { 5, "z\303\244..." }, { 2, "..." } };

	(void)state;
	assert_int_equal(lsp_words_width("z\303\244hl 12"), 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		size_t bytes;
		FILE *f = open_memstream(&text, &bytes);

		lsp_words_fit(f, "z\303\244hl 12", rows[i].columns);
		fclose(f);
		assert_string_equal(text, rows[i].text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_site), cmocka_unit_test(test_site_by_file), cmocka_unit_test(test_site_of_interpreted),
		cmocka_unit_test(test_words), cmocka_unit_test(test_counted),
		cmocka_unit_test(test_short), cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
