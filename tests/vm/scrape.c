// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scraper of /debug/pprof/, as the tests need one:
 *   scrape PORT PATH FILE     GET PATH; the body to FILE, status and header to stdout
 *   scrape --deltas FILE...   applies the rules by which Grafana Alloy makes deltas of successive
 *                             scrapes and prints, as JSON, what a database would have stored
 *   scrape --delta FILE       of a profile of some seconds: values below 0, duration, sum
 * The rules: the first scrape only sets the counters; a sample is known by the
 * addresses of its stack and its labels, by nothing else; its delta is its value
 * less the one remembered, 0 for a sample never met; what is missing from a
 * scrape stays remembered; the duration is the difference of the times.
 * sources: user/profile/
 * sources: user/base/intern.c user/base/arena.c user/base/index.c
 * libs: -lprotobuf-c -lz -lm
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../user/profile/pprof.h"

#define KNOWN_MAX 100000

struct known {
	char *name;
	int64_t values[2];
};

static struct known known[KNOWN_MAX];
static size_t nknown;

static int fetch(unsigned int port, const char *path, const char *to)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t bytes = 0, room = 1 << 20;
	char *answer = malloc(room), *body;
	FILE *file;
	ssize_t n;

	if (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		fprintf(stderr, "scrape: port %u: %s\n", port, strerror(errno));
		return 1;
	}
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	while ((n = read(fd, answer + bytes, room - bytes - 1)) > 0) {
		bytes += (size_t)n;
		if (room - bytes < 65536)
			answer = realloc(answer, room *= 2);
	}
	close(fd);
	answer[bytes] = '\0';
	body = strstr(answer, "\r\n\r\n");
	file = fopen(to, "w");
	if (!body || !file)
		return 1;
	fwrite(answer, 1, (size_t)(body - answer), stdout);
	putchar('\n');
	body += 4;
	fwrite(body, 1, bytes - (size_t)(body - answer), file);
	return fclose(file) != 0;
}

static int labels_compare(const void *left, const void *right)
{
	return strcmp(((const struct lsp_profile_label *)left)->key,
		      ((const struct lsp_profile_label *)right)->key);
}

static struct known *known_at(const struct lsp_profile *p, struct lsp_profile_sample *s)
{
	struct lsp_profile_label labels[16];
	struct lsp_profile_location l;
	char name[32768];
	size_t n = 0;

	for (size_t i = 0; i < s->nlocations; i++)
		if (lsp_profile_location(p, s->locations[i], &l))
			n += (size_t)snprintf(name + n, sizeof(name) - n, "%" PRIx64 " ", l.address);
	memcpy(labels, s->labels, s->nlabels * sizeof(labels[0]));
	qsort(labels, s->nlabels, sizeof(labels[0]), labels_compare);
	for (size_t i = 0; i < s->nlabels; i++)
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%s=%s/%" PRId64 " ", labels[i].key,
				      labels[i].str ? labels[i].str : "", labels[i].num);
	for (size_t i = 0; i < nknown; i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	if (nknown == KNOWN_MAX)
		abort();
	known[nknown].name = strdup(name);
	return &known[nknown++];
}

static int deltas(int n, char **files)
{
	int64_t sum[2] = { 0, 0 }, first[2] = { 0, 0 }, last[2] = { 0, 0 }, before_ns = 0;
	unsigned int negative = 0, backwards = 0, samples = 0;
	char why[256];

	for (int f = 0; f < n; f++) {
		struct lsp_profile_sample s;
		struct lsp_profile *p;

		if (lsp_profile_read(files[f], &p, why, sizeof(why))) {
			fprintf(stderr, "scrape: %s: %s\n", files[f], why);
			return 1;
		}
		backwards += lsp_profile_time_ns(p) <= before_ns || lsp_profile_duration_ns(p);
		before_ns = lsp_profile_time_ns(p);
		last[0] = last[1] = 0;
		for (size_t i = 0; lsp_profile_sample(p, i, &s); i++) {
			struct known *k = known_at(p, &s);

			for (int v = 0; v < 2; v++) {
				int64_t delta = (int64_t)s.values[v] - k->values[v];

				k->values[v] = (int64_t)s.values[v];
				last[v] += k->values[v];
				if (!f)
					first[v] += k->values[v];
				else
					sum[v] += delta;
				negative += f && delta < 0;
				samples += f && delta > 0;
			}
		}
		lsp_profile_destroy(p);
	}
	printf("{\"negative\": %u, \"time_errors\": %u, \"positive\": %u, "
	       "\"first\": [%" PRId64 ", %" PRId64 "], \"sum\": [%" PRId64 ", %" PRId64 "], "
	       "\"last\": [%" PRId64 ", %" PRId64 "]}\n", negative, backwards, samples, first[0],
	       first[1], sum[0], sum[1], last[0], last[1]);
	return 0;
}

/* What a scraper that stores deltas as they are, as Parca does, would store. */
static int delta(const char *file)
{
	struct lsp_profile_sample s;
	struct lsp_profile *p;
	unsigned int negative = 0;
	int64_t sum[2] = { 0, 0 };
	char why[256];

	if (lsp_profile_read(file, &p, why, sizeof(why))) {
		fprintf(stderr, "scrape: %s: %s\n", file, why);
		return 1;
	}
	for (size_t i = 0; lsp_profile_sample(p, i, &s); i++) {
		for (int v = 0; v < 2; v++) {
			negative += s.values[v] < 0;
			sum[v] += (int64_t)s.values[v];
		}
	}
	printf("{\"negative\": %u, \"duration_ns\": %" PRId64 ", \"sum\": [%" PRId64 ", %" PRId64 "]}\n",
	       negative, lsp_profile_duration_ns(p), sum[0], sum[1]);
	lsp_profile_destroy(p);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--delta"))
		return delta(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "--deltas"))
		return deltas(argc - 2, argv + 2);
	if (argc != 4)
		return 64;
	return fetch((unsigned int)atoi(argv[1]), argv[2], argv[3]);
}
