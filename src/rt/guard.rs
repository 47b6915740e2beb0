//! The scope in which audio is worked out: tiny numbers are flushed to zero, so that a dying tail costs no more than silence.

#![allow(unsafe_code)]

use std::marker::PhantomData;

/// While it lives, this thread flushes denormal numbers to zero; the former mode comes back when it goes. `[audio]`
pub struct FlushToZero {
    before: u32,
    _this_thread: PhantomData<*const ()>,
}

impl FlushToZero {
    /// Begins the scope. `[audio]`
    #[must_use]
    pub fn begin() -> Self {
        let before = control();
        #[cfg(target_arch = "x86_64")]
        set_control(before | 0x8040); // flush to zero, denormals are zero
        #[cfg(target_arch = "aarch64")]
        set_control(before | 1 << 24); // FZ
        Self { before, _this_thread: PhantomData }
    }
}

impl Drop for FlushToZero {
    fn drop(&mut self) {
        set_control(self.before);
    }
}

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut word = 0u32;
    // SAFETY: stores the vector unit's control word into a local of four bytes.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) };
    word
}

#[cfg(target_arch = "x86_64")]
fn set_control(word: u32) {
    // SAFETY: loads a control word that `control` gave, with only the two flush bits changed.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, preserves_flags)) };
}

#[cfg(target_arch = "aarch64")]
fn control() -> u32 {
    let word: u64;
    // SAFETY: reads the floating-point control register.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) word, options(nomem, nostack, preserves_flags)) };
    word as u32
}

#[cfg(target_arch = "aarch64")]
fn set_control(word: u32) {
    // SAFETY: writes back what `control` gave, with only the flush bit changed.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) u64::from(word), options(nomem, nostack, preserves_flags)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn control() -> u32 {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn set_control(_: u32) {}
