# SPDX-License-Identifier: GPL-2.0-only
# One guest: QEMU's arguments, the conversation over its ports, the verdict.
# Sourced by tools/vm.
# shellcheck shell=bash disable=SC2154,SC2034,SC2015,SC2016 # tools/vm joins the parts' variables

# What the kernel's log must not hold after the command's start.
splats='WARNING: |BUG: |kernel BUG at|Oops|general protection fault|Kernel panic|KASAN: |UBSAN: '
splats+='|KFENCE: |KCSAN: |INFO: possible |INFO: suspicious|suspicious RCU|detected stalls|self-detected stall'
splats+='|scheduling while atomic|sleeping function called|bad: scheduling from|DEBUG_LOCKS_WARN_ON'
splats+='|possible circular locking|inconsistent lock state|bad unlock balance|lock held when returning'
splats+='|blocked for more than|soft lockup|hard LOCKUP|refcount_t: |list_(add|del) corruption'
splats+='|kmemleak: [0-9]+ new|Redzone|Poison overwritten|Object already free|Bad page state|unchecked MSR'

# qemu_accel KERNEL: kvm or tcg. A /dev/kvm proves little (nested, filtered
# CPUs): boot this kernel on it once and remember the verdict for this host.
qemu_accel() {
	[[ ${LOCKSPAN_ACCEL:-} != @(kvm|tcg) ]] || { echo "$LOCKSPAN_ACCEL" && return; }
	[[ -w /dev/kvm ]] || { echo tcg && return; }
	local key verdict
	key=$({ uname -rv; grep -m 2 -E 'model name|flags' /proc/cpuinfo; qemu-system-x86_64 --version; } |
		cksum | tr ' ' -)
	verdict=$cache/kvm/$key
	mkdir -p "$cache/kvm"
	[[ -e $verdict ]] || with_lock kvm qemu_probe_kvm "$1" "$verdict"
	cat "$verdict"
}

qemu_probe_kvm() {
	local answer=tcg start=$EPOCHREALTIME
	[[ ! -e $2 ]] || return 0
	if LOCKSPAN_ACCEL=kvm timeout 30 "$tree/tools/vm" run --bare --kernel "$1" --timeout 15 -- true \
		>/dev/null 2>&1 </dev/null; then answer=kvm; fi
	echo "$answer" >"$2.$$"
	mv "$2.$$" "$2"
	say "KVM tried once on this host: will use $answer ($(seconds_since "$start") s)"
}

# The guest's clock is the host's TSC under TCG, and the kernel measures its
# frequency at boot: on a busy host that goes wrong (a guest was seen whose
# seconds were seven times too short). The kernel prints "Refined" only when a
# second measurement agrees within 1 %; keep such a value until the host reboots
# and tell it to later guests.
qemu_tsc_file() { echo "$cache/kvm/tsc-khz-$(</proc/sys/kernel/random/boot_id)"; }

qemu_learn_tsc() {
	local khz
	((!opt_icount)) && [[ $1 == tcg && ! -s $(qemu_tsc_file) ]] || return 0
	khz=$(sed -nE 's/.*tsc: Refined TSC clocksource calibration: ([0-9]+)\.([0-9]{3}) MHz.*/\1\2/p' "$2")
	[[ -n $khz ]] || return 0
	mkdir -p "$cache/kvm"
	rm -f "$cache"/kvm/tsc-khz-*
	echo "$khz" >"$(qemu_tsc_file)"
}

# qemu_arguments: fills the array `qemu` from the options of `vm run`.
qemu_arguments() {
	local dir=$1 accel=$2 n=0 port
	# The debugging aids first: an unknown NMI panics, so that a hang shows its stack.
	local append="console=ttyS0 quiet panic=-1 oops=panic unknown_nmi_panic nokaslr mitigations=off"
	append+=" random.trust_cpu=on tsc=reliable rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30"
	# The kernel counts ticks to see whether the timer works; a guest that gets no processor
	# in that moment would panic.
	append+=" log_buf_len=1M rdinit=/init no_timer_check"
	if [[ $accel == tcg ]] && ((!opt_icount)) && [[ -s $(qemu_tsc_file) ]]; then
		append+=" tsc_early_khz=$(<"$(qemu_tsc_file)")"
	fi
	append+=" $opt_append"
	emulator_select "$accel"
	qemu=(setpriv --pdeathsig KILL "${emulator[@]}" -nodefaults -no-user-config -display none
		-no-reboot -m "$opt_mem" -smp "$opt_cpus" -rtc clock=vm
		-kernel "$(kernel_dir "$opt_kernel")/vmlinux" -initrd "$dir/initrd" -append "$append"
		-chardev "pipe,id=mon,path=$dir/mon" -mon chardev=mon
		-chardev "file,id=console,path=$dir/console" -serial chardev:console
		-device 'virtio-serial-pci,max_ports=8')
	for port in out err ctl log tar; do
		n=$((n + 1))
		qemu+=(-chardev "file,id=$port,path=$dir/$port"
			-device "virtserialport,chardev=$port,nr=$n,name=lockspan.$port")
	done
	if [[ $accel == kvm ]]; then
		qemu+=(-machine pc -accel kvm -cpu host)
	else
		# erms and fsrm off: TCG counts a "rep movsb" once per byte.
		qemu+=(-machine "pc,hpet=off" -cpu "max,la57=off,-erms,-fsrm")
		if ((opt_icount)); then
			qemu+=(-accel 'tcg,tb-size=512' -icount 'shift=0,sleep=off')
		else
			qemu+=(-accel "tcg,thread=$opt_threads,tb-size=512")
		fi
	fi
	# For measurements: more arguments, such as a plugin that writes what it saw when QEMU is told to end.
	# shellcheck disable=SC2206
	qemu+=(${LOCKSPAN_QEMU_ARGS:-})
	[[ -z $opt_root ]] || qemu+=(-drive "file=$opt_image,if=none,id=root,format=raw,snapshot=on"
		-device 'virtio-blk-pci,drive=root')
	((!opt_disk)) || qemu+=(-drive "file=$dir/disk,if=none,id=disk,format=raw,cache=unsafe"
		-device 'virtio-blk-pci,drive=disk,serial=disk')
}

# qemu_run DIR ACCEL: boots, prints the verdict and sets rc.
qemu_run() {
	local -a qemu emulator
	qemu_arguments "$1" "$2"
	qemu_boot "$1"
	[[ ! -s $1/log ]] || qemu_learn_tsc "$2" "$1/log"
	qemu_verdict "$1"
}

# qemu_boot DIR: one life of the guest; follows the ctl port and sets the vm_ variables.
qemu_boot() {
	local dir=$1 word value deadline=$((SECONDS + opt_timeout)) readers=()
	mkfifo "$dir"/{out,err,ctl,mon.in,mon.out}
	cat <"$dir/out" & readers+=($!)
	cat <"$dir/err" >&2 & readers+=($!)
	# Both ends open here, else opening waits for the other side.
	exec {ctl}<>"$dir/ctl" {mon_in}<>"$dir/mon.in" {mon_out}<>"$dir/mon.out"
	{
		"${qemu[@]}" </dev/null >"$dir/qemu.log" 2>&1
		echo "gone $?" >"$dir/ctl"
	} 2>/dev/null &
	vm_pid=$!
	vm_exit='' vm_taint='' vm_release='' vm_end=''
	while [[ -z $vm_end ]]; do
		if ! read -r -t $((deadline > SECONDS ? deadline - SECONDS : 1)) word value <&"$ctl"; then
			((SECONDS >= deadline)) || continue
			word=timeout
		fi
		case $word in
		ready) vm_release=$value ;;
		exit) vm_exit=$value ;;
		taint) vm_taint=$value ;;
		done | gone | timeout) vm_end=$word ;;
		esac
	done
	[[ $vm_end != timeout ]] || qemu_explain_hang "$dir" "$mon_in"
	qemu_stop
	wait "${readers[@]}" 2>/dev/null || true
	exec {ctl}>&- {mon_in}>&- {mon_out}>&-
}

# An NMI makes the kernel panic with the stack of where it is.
qemu_explain_hang() {
	echo nmi >&"$2"
	local n
	for n in 1 2 3 4 5 6; do
		! grep -q 'end Kernel panic' "$1/console" 2>/dev/null || break
		sleep 0.5
	done
}

qemu_stop() {
	[[ -n ${vm_pid:-} ]] || return 0
	# QEMU is told by the kernel to die with its parent, see setpriv in qemu_arguments.
	# One with plugins is to write what it has seen; its shell waits for it.
	[[ -z ${LOCKSPAN_QEMU_ARGS:-} ]] || pkill -TERM -P "$vm_pid" || true
	[[ -n ${LOCKSPAN_QEMU_ARGS:-} ]] || kill -KILL "$vm_pid" 2>/dev/null || true
	wait "$vm_pid" 2>/dev/null || true
	vm_pid=
}

# qemu_verdict DIR: one line, and whatever is needed to understand a failure.
qemu_verdict() {
	local dir=$1 found='' n=0
	rc=125
	if [[ $vm_end == timeout ]]; then
		qemu_tail "$dir"
		say "error: '$opt_what' was not finished after $opt_timeout s on $opt_kernel;" \
			"the console's end is above; --timeout allows more"
		rc=124
		return
	fi
	if [[ $vm_end == gone ]]; then
		cat "$dir/qemu.log" >&2
		qemu_tail "$dir"
		say "error: the guest ($opt_kernel) stopped by itself" \
			"$([[ -n $vm_release ]] && echo 'while the command ran' || echo 'before the command started'):" \
			"a panic or a fault of QEMU; the console's end is above"
		return
	fi
	if [[ -z $vm_release ]]; then return; fi
	sed -n '/vm: command starts/,$p' "$dir/log" >"$dir/log.command"
	found=$(grep -nE "$splats" "$dir/log.command" || true)
	[[ -z $found ]] || n=$(wc -l <<<"$found")
	local before=${vm_taint% *} after=${vm_taint#* }
	say "kernel $vm_release, taint $after, $n splats"
	rc=$vm_exit
	# 4096 and 8192: out of tree, unsigned. Anything else that is new is ours.
	if ((n > 0 || (after & ~before & ~12288) != 0)); then
		sed -n "$(cut -d: -f1 <<<"${found:-1:}" | head -n 1),+80p" "$dir/log.command" >&2
		say "error: the kernel complained (above) while '$opt_what' ran on $opt_kernel; it ended with $vm_exit"
		rc=125
	fi
}

qemu_tail() {
	say "console of $opt_kernel, last lines:"
	tail -n 60 "$1/console" 2>/dev/null | tr -d '\r' >&2 || true
}
