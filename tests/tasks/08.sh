# SPDX-License-Identifier: GPL-2.0-only
# A channel whose reader is slow: the sender waits; a buffer takes the wait away, more readers move it.
# Would catch: waits of the two sides mixed up.
. tests/tasks/lib.sh
for v in unbuffered buffered consumers; do
	task_record $v -v $v
	declare "send_$v=$(delay $v block fn=channel_send)" "receive_$v=$(delay $v block fn=channel_receive)"
done
# shellcheck disable=SC2154 # declared in the loop
verdict "the producer is the top of block" "$send_unbuffered > 5 * $receive_unbuffered" \
	"send $(seconds "$send_unbuffered") s, receive $(seconds "$receive_unbuffered") s"
# shellcheck disable=SC2154
verdict "a buffer of 1024 takes its wait away" "$send_buffered < 0.05 * $send_unbuffered" \
	"send $(seconds "$send_buffered") s"
# shellcheck disable=SC2154
verdict "eight consumers move the wait to themselves" \
	"$send_consumers < 0.6 * $send_unbuffered && $receive_consumers > $receive_unbuffered && $receive_consumers > $send_consumers" \
	"send $(seconds "$send_consumers") s, receive $(seconds "$receive_consumers") s"
for v in unbuffered buffered consumers; do show $lockspan report "$dir/$v"; done
finish
