// SPDX-License-Identifier: GPL-2.0-only
// Threads that contend for Rust's own mutex, a futex word of the standard
// library, in a program that is linked statically. Prints how long their calls
// of lock() took by its own clock.
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

static MUTEX: Mutex<u64> = Mutex::new(0);
static CALLS_NS: AtomicU64 = AtomicU64::new(0);

#[inline(never)]
fn take() {
    let start = Instant::now();
    let mut sum = MUTEX.lock().unwrap();
    CALLS_NS.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    *sum += 1;
    thread::sleep(Duration::from_millis(1));
}

fn main() {
    let threads: Vec<_> = (0..4)
        .map(|_| thread::spawn(|| (0..40).for_each(|_| take())))
        .collect();

    for t in threads {
        t.join().unwrap();
    }
    println!("{{\"calls_ns\":{}}}", CALLS_NS.load(Ordering::Relaxed));
}
