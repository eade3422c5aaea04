/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The median of a sample of numbers, and by how much one sample lies above another: Hodges and Lehmann's
 * estimate (1963) and the exact interval that belongs to it. Pure.
 *
 * Why this and not means and a t interval, or a bootstrap. Runs of a program
 * are few, five or ten, and now and then one of them is far off because the
 * machine was busy: a mean follows it, and a bootstrap of five numbers covers 80
 * to 85 % where it promises 95. The interval here inverts the test of
 * Wilcoxon, Mann and Whitney, whose distribution under "only the place differs"
 * is known exactly for any shape of the noise, in samples of any size; its
 * ends are two of the n * m differences, so that one run that is far off moves
 * them little. Nothing is drawn: the same files give the same answer.
 */
#ifndef LSP_GATE_SHIFT_H
#define LSP_GATE_SHIFT_H

#include <stddef.h>

/* A sample with more numbers is refused. */
#define LSP_SHIFT_MAX 200

struct lsp_shift {
	double estimate;	/* median of all differences b - a */
	double low;
	double high;
	double confidence;	/* the confidence that the ends really have, at least what was asked for */
};

/*
 * Compares @b with @a. Returns 0; -ENOMEM; or -EDOM if there are too few numbers for the
 * @confidence (0.95 needs 4 and 4), more than LSP_SHIFT_MAX, or one that is not finite.
 */
int lsp_shift_compute(const double *a, size_t na, const double *b, size_t nb, double confidence,
		      struct lsp_shift *ret);

/* Returns the median of @n numbers. It sorts @numbers in place. */
double lsp_median(double *numbers, size_t n);

#endif
