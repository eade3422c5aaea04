// SPDX-License-Identifier: GPL-2.0-only
#include "shift.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int numbers_compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double lsp_median(double *numbers, size_t n)
{
	qsort(numbers, n, sizeof(*numbers), numbers_compare);
	return n % 2 ? numbers[n / 2] : (numbers[n / 2 - 1] + numbers[n / 2]) / 2;
}

/*
 * P(U = u) for u = 0 .. na * nb under the hypothesis: the number of partitions
 * of u into at most na parts of at most nb, over the number of all. The
 * generating function is the product of (1 - x^(nb + i)) / (1 - x^i) for i = 1
 * .. na; after each factor it is again a row of whole numbers, and it is kept
 * as probabilities so that large ones do not overflow.
 */
static double *u_distribution(size_t na, size_t nb)
{
	size_t n = na * nb;
	double *p = calloc(n + 1, sizeof(*p));

	if (!p)
		return NULL;
	p[0] = 1;
	for (size_t i = 1; i <= na; i++) {
		for (size_t u = n; u >= nb + i; u--)
			p[u] -= p[u - nb - i];
		for (size_t u = i; u <= n; u++)
			p[u] += p[u - i];
		for (size_t u = 0; u <= n; u++)
			p[u] *= (double)i / (double)(nb + i);
	}
	return p;
}

/*
 * Finds how many differences to leave out at each end, and the confidence of the result. Returns
 * -EDOM if leaving out none is not enough.
 */
static int trim_find(size_t na, size_t nb, double confidence, size_t *ret, double *confidence_ret)
{
	double *p = u_distribution(na, nb), below = 0;
	size_t k = 0;

	if (!p)
		return -ENOMEM;
	/* The last term is for rounding: 0.90 is not exactly what it says. */
	while (k < na * nb / 2 && below + p[k] <= (1 - confidence) / 2 + 1e-12)
		below += p[k++];
	free(p);
	if (!k)
		return -EDOM;
	*ret = k - 1;
	*confidence_ret = 1 - 2 * below;
	return 0;
}

int lsp_shift_compute(const double *a, size_t na, const double *b, size_t nb, double confidence,
		      struct lsp_shift *ret)
{
	size_t n = na * nb, trim;
	double *d;
	int err;

	if (!na || !nb || na > LSP_SHIFT_MAX || nb > LSP_SHIFT_MAX)
		return -EDOM;
	d = malloc(n * sizeof(*d));
	if (!d)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		d[i] = b[i / na] - a[i % na];
		if (!isfinite(d[i])) {
			free(d);
			return -EDOM;
		}
	}
	err = trim_find(na, nb, confidence, &trim, &ret->confidence);
	if (!err) {
		ret->estimate = lsp_median(d, n);
		ret->low = d[trim];
		ret->high = d[n - 1 - trim];
	}
	free(d);
	return err;
}
