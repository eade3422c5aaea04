# SPDX-License-Identifier: GPL-2.0
# A whole root of a suite with more packages, for tests that need them.
# Sourced by tools/vm.
# shellcheck shell=bash

cmd_image() { die "image is not there yet"; }
qemu_root_disk() { :; }
