//! One thing that several threads may take turns in driving, where none may ever wait for another.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// A thing driven by whoever sits down first; who finds the seat taken goes away at once.
///
/// There is no way to wait for it, so releasing it never has anyone to wake: both ends are one atomic operation.
pub struct Seat<T>(Arc<Mutex<T>>);

impl<T> Clone for Seat<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Seat<T> {
    /// A free seat. `[control]`
    pub fn new(thing: T) -> Self {
        Self(Arc::new(Mutex::new(thing)))
    }

    /// The thing, unless another thread is at it. `[audio]`
    #[allow(clippy::disallowed_methods, reason = "try_lock never waits, and nobody can wait for this lock")]
    pub fn take(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
