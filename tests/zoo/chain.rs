// SPDX-License-Identifier: GPL-2.0-only
// The same with Rust's standard library. Its crate is called zoo. The library's
// own functions, inlined or not, stand between the program and the system call.
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Duration;

const ROUNDS: u32 = 25;

static MUTEX: Mutex<u64> = Mutex::new(0);
static RWLOCK: RwLock<u64> = RwLock::new(0);

fn hold() {
    thread::sleep(Duration::from_millis(1));
}

#[inline(never)]
fn mutex_take(n: u32) {
    let mut sum = MUTEX.lock().unwrap();
    *sum += u64::from(n);
    hold();
}

#[inline(never)]
fn read_take() {
    let value = RWLOCK.read().unwrap();
    // Not optimised away, nor a hint that older compilers lack.
    unsafe { std::ptr::read_volatile(&*value) };
    hold();
}

#[inline(never)]
fn write_take() {
    let mut value = RWLOCK.write().unwrap();
    *value += 1;
    hold();
}

#[inline(never)]
fn gate_wait(gate: &(Mutex<u32>, Condvar), round: u32) {
    let mut now = gate.0.lock().unwrap();
    while *now < round {
        now = gate.1.wait(now).unwrap();
    }
}

#[inline(never)]
fn mutex_worker() {
    (0..ROUNDS).for_each(mutex_take);
}

#[inline(never)]
fn read_worker() {
    for _ in 0..ROUNDS {
        read_take();
    }
}

#[inline(never)]
fn write_worker() {
    for _ in 0..ROUNDS {
        write_take();
    }
}

#[inline(never)]
fn gate_worker(gate: &(Mutex<u32>, Condvar)) {
    for i in 1..=ROUNDS {
        gate_wait(gate, i);
    }
}

fn start(name: &str, f: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    thread::Builder::new().name(name.into()).spawn(f).unwrap()
}

fn main() {
    println!("z-mutex;std::*;zoo::mutex_take;core::*?;zoo::mutex_worker");
    println!("z-read;std::*;zoo::read_take;zoo::read_worker");
    println!("z-write;std::*;zoo::write_take;zoo::write_worker");
    println!("z-cond;std::*;zoo::gate_wait;zoo::gate_worker;zoo::main::*");
    println!("rust;pthread_join;std::*;zoo::main");
    // The library's own, when it sets up a thread.
    println!("*;std::sync::*;std::sys::*");
    println!("rust;std::*;zoo::main");
    println!("<z-mutex;std::*;core::*?;zoo::mutex_take;core::*?;zoo::mutex_worker");
    println!("<z-read;std::*;core::*?;zoo::read_take;zoo::read_worker");
    println!("<z-write;std::*;core::*?;zoo::write_take;zoo::write_worker");
    println!("<z-cond;std::*;core::*?;zoo::gate_wait;zoo::gate_worker;zoo::main::*");
    println!("<rust;std::*;core::*?;zoo::main");
    println!("<*;std::sync::*;std::sys::*");
    // The library's list of its threads, which a thread enters before ours begins.
    println!("<*;syscall;core::*?;std::sys::*");
    println!("<*");
    let gate = Arc::new((Mutex::new(0), Condvar::new()));
    let mut threads = Vec::new();
    for _ in 0..3 {
        threads.push(start("z-mutex", mutex_worker));
    }
    threads.push(start("z-read", read_worker));
    for _ in 0..2 {
        threads.push(start("z-write", write_worker));
        let gate = gate.clone();
        threads.push(start("z-cond", move || gate_worker(&gate)));
    }
    for _ in 0..ROUNDS {
        thread::sleep(Duration::from_millis(2));
        *gate.0.lock().unwrap() += 1;
        gate.1.notify_all();
    }
    for t in threads {
        t.join().unwrap();
    }
}
