# SPDX-License-Identifier: GPL-2.0-only
# A channel whose reader is slow: the sender waits; a buffer takes the wait away; more
# readers share it, and take it over once they outrun the sender.
# Would catch: waits of the two sides mixed up.
. tests/tasks/lib.sh
for v in unbuffered buffered consumers slow-producer; do
	task_record $v -v $v
	declare "send_${v/-/_}=$(delay $v block fn=channel_send)" "receive_${v/-/_}=$(delay $v block fn=channel_receive)"
done
# shellcheck disable=SC2154 # declared in the loop
verdict "the producer is the top of block" "$send_unbuffered > 5 * $receive_unbuffered" \
	"send $(seconds "$send_unbuffered") s, receive $(seconds "$receive_unbuffered") s"
# Only as long as it has room: at the text's size 10,000 items are to go through it.
items=$(truth buffered items) beyond=$(($(truth buffered items) - $(truth buffered capacity)))
((beyond > 0)) || beyond=0
# shellcheck disable=SC2154
verdict "a buffer of 1024 takes the wait of as many sends away" \
	"$send_buffered < (0.05 + $beyond / $items) * $send_unbuffered" \
	"send $(seconds "$send_buffered") s; $beyond of $items sends found it full"
# shellcheck disable=SC2154
verdict "eight consumers take most of its wait away" "$send_consumers < 0.4 * $send_unbuffered" \
	"send $(seconds "$send_consumers") s, receive $(seconds "$receive_consumers") s"
# shellcheck disable=SC2154
verdict "eight that outrun their producer are the top of block" "$receive_slow_producer > 5 * $send_slow_producer" \
	"send $(seconds "$send_slow_producer") s, receive $(seconds "$receive_slow_producer") s"
for v in unbuffered buffered consumers slow-producer; do show $lockspan report "$dir/$v"; done
finish
