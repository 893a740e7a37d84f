//! Tying a thread to a processor.

/// Ties the calling thread to the `index`th of the processors that it may use. What cannot be done
/// is left undone: pinning is a wish about speed.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn pin_current_thread(index: usize) {
    // SAFETY: an all-zero set is an empty one.
    let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: the set is ours and as large as we say; 0 is this thread.
    if unsafe { libc::sched_getaffinity(0, size, &mut allowed) } != 0 {
        return;
    }
    // SAFETY: `cpu` is below the set's size.
    let cpus: Vec<usize> = (0..libc::CPU_SETSIZE as usize)
        .filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &allowed) })
        .collect();
    let Some(cpu) = cpus.get(index % cpus.len().max(1)) else { return };
    // SAFETY: as above.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `cpu` came from a set of the same size.
    unsafe { libc::CPU_SET(*cpu, &mut one) };
    // SAFETY: as above.
    unsafe { libc::sched_setaffinity(0, size, &one) };
}

/// No portable way to do it here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn pin_current_thread(_index: usize) {}
