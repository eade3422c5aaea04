// SPDX-License-Identifier: GPL-2.0-only
// Waits (w_) for and releases (r_) the primitives of Rust's standard library,
// so that their stacks can be taken.
use std::sync::{Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;
use std::time::Duration;

static MUTEX: Mutex<u64> = Mutex::new(0);
static RWLOCK: RwLock<[u8; 4]> = RwLock::new([0; 4]);
static ONCE: Once = Once::new();

fn pause() {
    thread::sleep(Duration::from_millis(2));
}

#[inline(never)]
fn w_mutex() {
    let mut g = MUTEX.lock().unwrap();
    *g += 1;
    pause();
}

#[inline(never)]
fn w_read() {
    let g = RWLOCK.read().unwrap();
    // Keeps the read where the guard is held, also with compilers that have no std::hint::black_box.
    unsafe { std::ptr::read_volatile(&g[0]) };
    pause();
}

#[inline(never)]
fn w_write() {
    let mut g = RWLOCK.write().unwrap();
    g[0] += 1;
    pause();
}

#[inline(never)]
fn w_once() {
    ONCE.call_once(|| thread::sleep(Duration::from_millis(100)));
}

#[inline(never)]
fn w_condvar(p: &(Mutex<bool>, Condvar)) {
    let mut g = p.0.lock().unwrap();
    while !*g {
        g = p.1.wait(g).unwrap();
    }
}

#[inline(never)]
fn r_condvar(p: &(Mutex<bool>, Condvar)) {
    *p.0.lock().unwrap() = true;
    p.1.notify_all();
}

#[inline(never)]
fn w_barrier(b: &Barrier) {
    b.wait();
}

fn main() {
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let barrier = Arc::new(Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let pair = pair.clone();
            let barrier = barrier.clone();
            thread::spawn(move || {
                for _ in 0..20 {
                    w_mutex();
                    w_read();
                    w_write();
                }
                w_once();
                w_condvar(&pair);
                w_barrier(&barrier);
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(1000));
    r_condvar(&pair);
    for t in threads {
        t.join().unwrap();
    }
}
