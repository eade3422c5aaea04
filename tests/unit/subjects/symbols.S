/* SPDX-License-Identifier: GPL-2.0-only */
/* Symbols of every kind, at distances that the test knows. */
	.text
	.globl	base
	.type	base, @function
base:	.skip	32, 0x90
	.size	base, 32
	.skip	32, 0x90		/* 32..63: nobody's */

	/* 64: four names for one function of 16 bytes, of two sizes */
	.type	___alias, @function
___alias:
	.globl	__alias
	.type	__alias, @function
__alias:
	.globl	public_alias
	.type	public_alias, @function
public_alias:
	.weak	weak_alias
	.type	weak_alias, @function
weak_alias:
	.skip	16, 0x90
	.size	___alias, 16
	.size	__alias, 8
	.size	public_alias, 16
	.size	weak_alias, 16
	.skip	16, 0x90		/* 80..95: nobody's */

	/* 96: a function without a size, with a label inside, up to the next symbol */
	.globl	sizeless
	.type	sizeless, @function
sizeless:
	.skip	8, 0x90
inner_label:
	.skip	24, 0x90

	/* 128: one function inside another */
	.globl	outer
	.type	outer, @function
outer:	.skip	16, 0x90
	.type	nested, @function
nested:	.skip	16, 0x90
	.size	nested, 16
	.skip	16, 0x90
	.size	outer, 48
	.skip	16, 0x90		/* 176..191: nobody's */

	/* 192: what a compiler splits off */
	.type	split.part.0.cold, @function
split.part.0.cold:
	.skip	16, 0x90
	.size	split.part.0.cold, 16
	.type	_ZN3one3twoEi.constprop.1, @function
_ZN3one3twoEi.constprop.1:		/* 208 */
	.skip	16, 0x90
	.size	_ZN3one3twoEi.constprop.1, 16
	.type	ifunc, @gnu_indirect_function
ifunc:	.skip	16, 0x90		/* 224 */
	.size	ifunc, 16
	.type	last, @function
last:	.skip	16, 0x90		/* 240: no size, up to the end of the section */

	.data
	.globl	object
	.type	object, @object
object:	.skip	16
	.size	object, 16
	.section .note.GNU-stack,"",@progbits
