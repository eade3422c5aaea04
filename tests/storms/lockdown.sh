# SPDX-License-Identifier: GPL-2.0-only
# What Secure Boot brings with it: the kernel is locked down and loads signed modules
# only. Would catch a module that needs something which lockdown takes away (its hooks,
# its look at the kernel's symbols), and signing by docs/security.md that does not hold.
# lockspan-signed.ko is signed with the key that the kernel of tools/debug-kernel
# was built with and trusts.
. tests/storms/lib.sh

lock=/sys/kernel/security/lockdown
[[ -e $lock ]] || mount -t securityfs none /sys/kernel/security
[[ -w $lock && -s lockspan-signed.ko ]] || die "a kernel with lockdown and a module signed for it are needed: tests/storms/run storms/lockdown"
is "signed and loaded before" "$(insmod ./lockspan-signed.ko && rmmod lockspan && echo yes)" yes

for level in none integrity confidentiality; do
	if [[ $level != none ]]; then
		echo $level >$lock
		like "$level: the kernel is locked down" "$(cat $lock)" "\[$level\]"
		check "$level: a module without a signature is refused" ! insmod ./lockspan.ko
		cp lockspan-signed.ko /tmp/changed.ko
		printf changed | dd of=/tmp/changed.ko bs=1 seek=300000 conv=notrunc 2>/dev/null
		check "$level: a signed module that was changed is refused" ! insmod /tmp/changed.ko
		check "$level: nothing is loaded" ! module_loaded
	fi
	check "$level: the signed module is loaded" insmod ./lockspan-signed.ko
	rm -rf /tmp/r
	$lockspan record -o /tmp/r -- workloads/c/task01 -n 200 >/tmp/truth.json 2>/tmp/err
	is "$level: recording, exit status" $? 0
	cat /tmp/err
	is "$level: probes that missed, spans lost" "$(json $r 'probes.*.missed') $(c lost_span_ring)" "0 0"
	num "$level: waits" "$(c kept)" ">" 100
	num "$level: blamed on the function that holds the lock, ns" "$(pprof_sum /tmp/r/mutex.pb.gz delay fn=increment)" ">" 0
	check "$level: it goes" wait_until 20 module_unload
done
finish
